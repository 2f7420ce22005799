-- The calendar years of the measured span; the last one ends with the period.
select
    mp_year,
    make_date(mp_year, 1, 1) as first_day,
    least(make_date(mp_year, 12, 31), $period_end) as last_day
from (select cast(date_part('year', month) as int) as mp_year from prepared.months group by 1)
