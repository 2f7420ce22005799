-- One row for each discharge from acute or nonacute inpatient care: an event, or the first reason why it is none; and
-- whether medicines were reconciled on day 0 to $window_days.
with discharges as (
    select stay_id, patient_id, organization_id, practitioner_id, start_date, end_date
    from prepared.stays
    union all
    select encounter_id, patient_id, organization_id, practitioner_id, start_date, end_date
    from lake.encounter
    where class in ('psychiatric', 'skilled_nursing', 'rehabilitation', 'long_term')
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
chained as (
    select
        discharges.*,
        lead(start_date) over (partition by patient_id order by start_date, end_date nulls last, stay_id) as next_start_date
    from discharges
),
reconciled as (
    select d.stay_id, d.patient_id, min(m.reconciled_date) as reconciled_date
    from discharges d
    join lake.medication_reconciliation m
        on m.patient_id = d.patient_id
        and cast(m.reconciled_date as int) - cast(d.end_date as int) between 0 and $window_days
    where m.setting = 'outpatient'
      and lower(m.role) in (
          'prescriber', 'physician', 'pharmacist', 'clinical_pharmacist', 'pa', 'physician_assistant', 'np',
          'nurse_practitioner', 'rn', 'registered_nurse'
      )
    group by d.stay_id, d.patient_id
),
seen as (
    select distinct d.stay_id, d.patient_id
    from discharges d
    join prepared.outpatient_visits v
        on v.patient_id = d.patient_id
        and cast(v.start_date as int) - cast(d.end_date as int) between 0 and 30
),
enrolled as (
    select distinct d.stay_id, d.patient_id
    from discharges d
    join lake.coverage c
        on c.patient_id = d.patient_id
        and c.start_date <= d.end_date
        and cast(coalesce(c.end_date, date '9999-12-31') as int) >= cast(d.end_date as int) + 30
),
in_hospice as (
    select distinct patient_id, date_part('year', start_date) as year
    from lake.encounter
    where class = 'hospice'
),
reasoned as (
    select
        d.stay_id,
        d.patient_id,
        d.organization_id,
        d.practitioner_id,
        d.start_date,
        d.end_date,
        r.reconciled_date,
        case
            when d.end_date is null then 'no_discharge'
            when cast(d.next_start_date as int) - cast(d.end_date as int) <= 30 then 'readmitted_within_30'
            when cast(to_char(d.end_date, '%m%d') as int) > $last_discharge then 'after_last_discharge_date'
            when d.end_date < $period_start or d.end_date > $period_end then 'outside_period'
            when date_part('year', d.end_date) - date_part('year', p.birth_date)
                - case when to_char(d.end_date, '%m%d') < to_char(p.birth_date, '%m%d') then 1 else 0 end < 18
                then 'under_18'
            when h.patient_id is not null then 'hospice'
            when date_part('year', p.deceased_date) = date_part('year', d.end_date) then 'died_in_year'
            when $has_coverage and e.stay_id is null then 'not_enrolled_30_days'
            when $needs_visit = 1 and s.stay_id is null then 'no_visit_within_30'
        end as exclusion_reason
    from chained d
    left join prepared.person p on p.patient_id = d.patient_id
    left join reconciled r on r.stay_id = d.stay_id and r.patient_id = d.patient_id
    left join seen s on s.stay_id = d.stay_id and s.patient_id = d.patient_id
    left join enrolled e on e.stay_id = d.stay_id and e.patient_id = d.patient_id
    left join in_hospice h on h.patient_id = d.patient_id and h.year = date_part('year', d.end_date)
)
select
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then reconciled_date is not null end as in_numerator,
    cast(reconciled_date as varchar) as evidence,
    organization_id,
    practitioner_id
from reasoned
