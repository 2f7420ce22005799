-- One row for each discharge from acute or nonacute inpatient care: an event, or the first reason why it is none; and
-- whether the practice was told of the admission on day 0 to $notice_days of the first stay of the chain.
with discharges as (
    select stay_id, patient_id, organization_id, practitioner_id, start_date, end_date, discharge_disposition
    from prepared.stays
    union all
    select encounter_id, patient_id, organization_id, practitioner_id, start_date, end_date, discharge_disposition
    from lake.encounter
    where class in ('psychiatric', 'skilled_nursing', 'rehabilitation', 'long_term')
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
neighboured as (
    select
        discharges.*,
        cast(lead(start_date) over in_order as int) - cast(end_date as int) as days_to_next,
        cast(start_date as int) - cast(lag(end_date) over in_order as int) as days_from_previous
    from discharges
    window in_order as (partition by patient_id order by start_date, end_date nulls last, stay_id)
),
numbered as (
    select
        neighboured.*,
        sum(case when days_from_previous <= 30 then 0 else 1 end) over in_order as chain_number
    from neighboured
    window in_order as (partition by patient_id order by start_date, end_date nulls last, stay_id)
),
chained as (
    select
        numbered.*,
        min(start_date) over (partition by patient_id, chain_number) as admission_date
    from numbered
),
enrolled as (
    select
        d.stay_id,
        d.patient_id,
        d.organization_id,
        d.practitioner_id,
        d.start_date,
        d.end_date,
        d.discharge_disposition,
        d.days_to_next,
        d.admission_date,
        count(c.coverage_id) as spans
    from chained d
    left join lake.coverage c
        on c.patient_id = d.patient_id
        and c.start_date <= d.end_date
        and cast(coalesce(c.end_date, date '9999-12-31') as int) >= cast(d.end_date as int) + 30
    group by
        d.stay_id, d.patient_id, d.organization_id, d.practitioner_id, d.start_date, d.end_date, d.discharge_disposition,
        d.days_to_next, d.admission_date
),
in_hospice as (
    select distinct patient_id, date_part('year', start_date) as year
    from lake.encounter
    where class = 'hospice'
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
reasoned as (
    select
        d.stay_id,
        d.patient_id,
        d.organization_id,
        d.practitioner_id,
        d.start_date,
        d.end_date,
        d.admission_date,
        case
            when d.end_date is null then 'no_discharge'
            when d.days_to_next <= 30 then 'readmitted_within_30'
            when cast(to_char(d.end_date, '%m%d') as int) > 1201 then 'after_last_discharge_date'
            when d.end_date < $period_start or d.end_date > $period_end then 'outside_period'
            when p.birth_date is null then 'age_unknown'
            when p.birth_date > cast(d.end_date - interval '18 years' as date) then 'under_18'
            when h.patient_id is not null then 'hospice'
            when date_part('year', p.deceased_date) = date_part('year', d.end_date) then 'died_in_year'
            when d.discharge_disposition in ('20', '40', '41', '42') then 'died_in_year'
            when $has_coverage and d.spans = 0 then 'not_enrolled_30_days'
        end as exclusion_reason
    from enrolled d
    left join prepared.person p on p.patient_id = d.patient_id
    left join in_hospice h on h.patient_id = d.patient_id and h.year = date_part('year', d.end_date)
)
select
    r.stay_id as unit_id,
    r.patient_id,
    coalesce(r.end_date, r.start_date) as index_date,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case when r.exclusion_reason is null then count(c.contact_id) > 0 end as in_numerator,
    case when r.exclusion_reason is null then first_value(c.contact_id order by c.contact_date, c.contact_id) end as evidence,
    r.organization_id,
    r.practitioner_id
from reasoned r
left join lake.contact c
    on c.patient_id = r.patient_id
    and c.purpose = 'admission_notification'
    and cast(c.contact_date as int) - cast(r.admission_date as int) between 0 and $notice_days
group by
    r.stay_id, r.patient_id, r.organization_id, r.practitioner_id, r.start_date, r.end_date, r.admission_date, r.exclusion_reason
