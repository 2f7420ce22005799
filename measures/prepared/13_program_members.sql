-- The spans in which people are in a program, the comparison arm left out. A person can be in several programs; spans of one
-- program that touch or overlap are one.
with spans as (
    select
        patient_id,
        program_id,
        enrollment_id,
        start_date,
        coalesce(end_date, date '9999-12-31') as last_day,
        max(coalesce(end_date, date '9999-12-31')) over (
            partition by patient_id, program_id order by start_date, enrollment_id rows between unbounded preceding and 1 preceding
        ) as before
    from lake.program_enrollment
    where coalesce(arm, 'program') <> 'comparison'
),
numbered as (
    select
        spans.*,
        sum(case when before is null or start_date > before then 1 else 0 end) over (
            partition by patient_id, program_id order by start_date, enrollment_id rows between unbounded preceding and current row
        ) as span
    from spans
)
select patient_id, program_id, min(start_date) as valid_from, max(last_day) as valid_until
from numbered
group by patient_id, program_id, span
