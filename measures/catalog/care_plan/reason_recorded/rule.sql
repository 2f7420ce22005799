-- An activity that was due and not done meets the numerator if anyone recorded why.
select
    unit,
    case when days_late is not null then 'done' end as exclusion_reason,
    status_reason is not null as in_numerator,
    status_reason as evidence,
    case when left_out is null and days_late is null then coalesce(status_reason, 'none recorded') end as subgroup
from cohort
