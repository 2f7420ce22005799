-- One row for each care-plan activity: whether it counts, and whether it was done by its due date, moved by held days,
-- plus window_days days of grace.
with judged as (
    select a.*, variant.variant, coalesce(days_late <= variant.window_days, false) as done_in_time
    from prepared.plan_activities a
    cross join variant
)
select
    variant,
    activity_id as unit_id,
    patient_id,
    coalesce(due_date, $period_start) as index_date,
    left_out is null as in_denominator,
    left_out as exclusion_reason,
    case when left_out is null then done_in_time end as in_numerator,
    case
        when left_out is null and not done_in_time and status_reason = 'patient_declined' then 'patient_declined'
    end as exception_reason,
    cast(completed_date as varchar) as evidence,
    practitioner_id,
    organization_id
from judged
