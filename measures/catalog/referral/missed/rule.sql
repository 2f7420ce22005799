-- A referral that was scheduled within $window_days days meets the numerator if an appointment for it was missed in that time.
select
    unit,
    case
        when coalesce(days_between(ordered_date, scheduled_reached) > $window_days, true)
            then 'not_scheduled'
    end as exclusion_reason,
    coalesce(days_between(ordered_date, no_show_date) <= $window_days, false) as in_numerator,
    cast(no_show_date as varchar) as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3
from cohort
