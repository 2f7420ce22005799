-- A stay meets the numerator if the first acute admission within window_days days of discharge, day 0 included, is unplanned.
select
    unit,
    variant,
    case
        when disposition_kind = 'against_advice' then 'ama'
        when excluded_condition is not null then 'excluded_condition'
        when age is null then 'age_unknown'
        when age < min_age then 'under_age'
    end as exclusion_reason,
    coalesce(days_to_next between 0 and window_days, false) and not next_planned as in_numerator,
    case when days_to_next between 0 and window_days then next_stay_id end as evidence,
    specialty_cohort as subgroup
from cohort
cross join variant
