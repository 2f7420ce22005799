-- One row for each calendar day from two years before the measured period until the data end: `ordinal` counts the business
-- days (Monday to Friday, holidays apart) up to and with it, so that the difference of two is the number of business days
-- after the one until the other.
with days as (
    select cast(value as int) as number, cast(cast(value as int) as date) as day
    from (select unnest(range(cast($period_start as int) - 731, cast($data_through as int) + 1)) as value)
)
select
    d.day,
    sum(case when (d.number + 3) % 7 < 5 and h.day is null then 1 else 0 end)
        over (order by d.number rows between unbounded preceding and current row) as ordinal
from days d
left join prepared.holidays h on h.day = d.day
