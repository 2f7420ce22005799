-- A member-month counts its emergency visits, all of them or those treated and released.
select
    unit,
    variant,
    case when treat_and_release = 1 then ed_treat_and_release else ed_visits end > 0 as in_numerator,
    cast(case when treat_and_release = 1 then ed_treat_and_release else ed_visits end as double) as numerator
from cohort
cross join variant
