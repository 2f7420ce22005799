-- Episodes of enrolment: spans of coverage of a patient, by whatever payer, put together while no day lies between them.
with spans as (
    select patient_id, start_date, coalesce(end_date, date '9999-12-31') as until
    from lake.coverage
),
chained as (
    select
        spans.*,
        days_between(max(until) over (
                partition by patient_id order by start_date, until rows between unbounded preceding and 1 preceding
            ), start_date) as days_from_previous
    from spans
),
numbered as (
    select
        chained.*,
        sum(case when days_from_previous <= 1 then 0 else 1 end) over (
            partition by patient_id order by start_date, until rows between unbounded preceding and current row
        ) as episode
    from chained
)
select patient_id, min(start_date) as first_day, max(until) as last_day
from numbered
group by patient_id, episode
