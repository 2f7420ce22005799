-- One row for each calendar day from two years before the measured period until the data end: `ordinal` counts the business
-- days (Monday to Friday, holidays apart) up to and with it, so that the difference of two is the number of business days
-- after the one until the other.
with days as (
    select add_days($period_start, number) as day
    from (select unnest(range(-731, days_between($period_start, $data_through) + 1)) as number) numbers
)
select
    d.day,
    sum(case when date_part('dow', d.day) between 1 and 5 and h.day is null then 1 else 0 end)
        over (order by d.day rows between unbounded preceding and current row) as ordinal
from days d
left join prepared.holidays h on h.day = d.day
