-- A stay meets the numerator if any acute admission follows within $window_days days of discharge, planned or not.
select
    unit,
    case when disposition_kind = 'against_advice' then 'ama' end as exclusion_reason,
    coalesce(days_to_next between 0 and $window_days, false) as in_numerator,
    case when days_to_next between 0 and $window_days then next_stay_id end as evidence
from cohort
