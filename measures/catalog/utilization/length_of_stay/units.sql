-- One row for each acute stay: its days.
with reasoned as (
    select
        stay_id,
        patient_id,
        organization_id,
        practitioner_id,
        start_date,
        end_date,
        case
            when end_date is null then 'no_discharge'
            when end_date < $period_start or end_date > $period_end then 'outside_period'
        end as exclusion_reason
    from prepared.stays
)
select
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then true end as in_numerator,
    case when exclusion_reason is null then days_between(start_date, end_date) end as numerator,
    organization_id,
    practitioner_id
from reasoned
