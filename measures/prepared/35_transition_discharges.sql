-- Discharges from acute or nonacute inpatient care (hospital, psychiatric, skilled nursing, rehabilitation, long-term) as
-- measures of transitions take them. Where an admission or transfer to such care follows within 30 days, only the last
-- discharge of the chain is the event; `admission_date` is the first day of the chain [P]. A stay that was never closed begins no
-- chain for those after it, and a stay that lies inside another is not the last of a chain.
-- `left_out` is the first reason that keeps a discharge out: no_discharge, readmitted_within_30, outside_period, age_unknown,
-- under_18 (on the day of discharge), hospice (begun in the calendar year of the discharge), died_in_year (by date of death, or
-- disposition 20, 40, 41, 42), not_enrolled_30_days (enrolled without a gap from the day of discharge to day 30; only where the
-- extracts hold coverage). Measures add their own reasons.
with discharges as (
    select stay_id, patient_id, organization_id, practitioner_id, start_date, end_date, disposition_kind
    from prepared.stays
    union all
    select encounter_id, patient_id, organization_id, practitioner_id, start_date, end_date, disposition_kind
    from prepared.other_stays
    where class <> 'observation'
),
neighboured as (
    select
        discharges.*,
        days_between(max(end_date) over (
                partition by patient_id order by start_date, end_date nulls last, stay_id
                rows between unbounded preceding and 1 preceding
            ), start_date) as days_from_previous,
        -- A stay that is still open goes on, unless another one begins after it.
        coalesce(
            end_date,
            lead(start_date) over (partition by patient_id order by start_date, end_date nulls last, stay_id),
            date '9999-12-31'
        ) as until
    from discharges
),
numbered as (
    select
        neighboured.*,
        sum(case when days_from_previous <= 30 then 0 else 1 end) over (
            partition by patient_id order by start_date, end_date nulls last, stay_id
            rows between unbounded preceding and current row
        ) as chain_number
    from neighboured
),
chained as (
    select
        numbered.*,
        min(start_date) over (
            partition by patient_id, chain_number order by start_date, end_date nulls last, stay_id
            rows between unbounded preceding and current row
        ) as admission_date,
        lead(stay_id) over (
            partition by patient_id, chain_number order by until, start_date, stay_id
        ) as later_stay_id
    from numbered
),
enrolled as (
    select distinct d.stay_id, d.patient_id
    from discharges d
    join prepared.enrolment c
        on c.patient_id = d.patient_id
        and c.first_day <= d.end_date
        and c.last_day >= add_days(d.end_date, 30)
),
in_hospice as (
    select distinct patient_id, date_part('year', start_date) as year
    from lake.encounter
    where class = 'hospice'
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
)
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
        when d.later_stay_id is not null then 'readmitted_within_30'
        when d.end_date < $period_start or d.end_date > $period_end then 'outside_period'
        when p.birth_date is null then 'age_unknown'
        when age_at(p.birth_date, d.end_date) < 18 then 'under_18'
        when h.patient_id is not null then 'hospice'
        when date_part('year', p.deceased_date) = date_part('year', d.end_date) then 'died_in_year'
        when d.disposition_kind = 'died' then 'died_in_year'
        when $has_coverage and e.stay_id is null then 'not_enrolled_30_days'
    end as left_out
from chained d
left join prepared.person p on p.patient_id = d.patient_id
left join in_hospice h on h.patient_id = d.patient_id and h.year = date_part('year', d.end_date)
left join enrolled e on e.stay_id = d.stay_id and e.patient_id = d.patient_id
