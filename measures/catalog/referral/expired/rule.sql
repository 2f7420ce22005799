-- A referral meets the numerator if it was closed as expired within $window_days days, without a visit.
select
    unit,
    coalesce(ended_as = 'expired' and days_between(ordered_date, ended_date) <= $window_days, false) as in_numerator,
    case when ended_as is not null then concat(ended_as, ' on ', cast(ended_date as varchar)) end as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3
from cohort
