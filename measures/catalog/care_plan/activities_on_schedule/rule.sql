-- An activity meets the numerator if it was done by its due date, moved by held days, plus window_days days of grace.
with judged as (
    select cohort.*, variant.variant, coalesce(days_late <= variant.window_days, false) as done_in_time
    from cohort
    cross join variant
)
select
    unit,
    variant,
    done_in_time as in_numerator,
    case
        when left_out is null and not done_in_time and status_reason = 'patient_declined' then 'patient_declined'
    end as exception_reason,
    cast(completed_date as varchar) as evidence
from judged
