-- One row for each referral: whether it was closed as expired within $window_days days, without a visit.
select
    referral_id as unit_id,
    patient_id,
    ordered_date as index_date,
    left_out is null as in_denominator,
    left_out as exclusion_reason,
    case
        when left_out is null
            then coalesce(ended_as = 'expired' and days_between(ordered_date, ended_date) <= $window_days, false)
    end as in_numerator,
    concat(ended_as, ' on ', cast(ended_date as varchar)) as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3,
    organization_id,
    referring_practitioner_id as practitioner_id
from prepared.referral_steps
