-- One row for each referral: of those that the receiving side judged within $window_days days, whether it took it.
with judged as (
    select
        s.*,
        coalesce(
            -- An order that is revoked because it was rejected was judged all the same.
            case
                when left_out <> 'cancelled' or rejected_date is null then left_out
                when ordered_date < $period_start or ordered_date > $period_end then 'outside_period'
            end,
            case
                when coalesce(
                    days_between(ordered_date, least(reviewed_reached, rejected_date)) > $window_days, true
                ) then 'not_reviewed'
            end
        ) as exclusion_reason
    from prepared.referral_steps s
)
select
    referral_id as unit_id,
    patient_id,
    ordered_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is null
            then coalesce(days_between(ordered_date, rejected_date) > $window_days, true)
    end as in_numerator,
    cast(rejected_date as varchar) as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3,
    organization_id,
    referring_practitioner_id as practitioner_id
from judged
