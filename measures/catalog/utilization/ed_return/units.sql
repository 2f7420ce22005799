-- One row for each emergency visit: whether another one follows within $window_days days of one treated and released.
with followed as (
    select
        encounter_id,
        patient_id,
        organization_id,
        practitioner_id,
        start_date,
        until_date,
        admitted,
        transferred,
        lead(encounter_id) over in_order as next_encounter_id,
        lead(start_date) over in_order as next_start_date
    from prepared.emergency_visits
    window in_order as (partition by patient_id order by start_date, started_at nulls last, encounter_id)
),
reasoned as (
    select
        followed.*,
        case
            when next_start_date is not null then greatest(days_between(until_date, next_start_date), 0)
        end as days_to_next,
        case
            when start_date < $period_start or start_date > $period_end then 'outside_period'
            when admitted then 'admitted'
            when transferred then 'transferred'
        end as exclusion_reason
    from followed
)
select
    encounter_id as unit_id,
    patient_id,
    start_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then coalesce(days_to_next <= $window_days, false) end as in_numerator,
    case when days_to_next <= $window_days then next_encounter_id end as evidence,
    organization_id,
    practitioner_id
from reasoned
