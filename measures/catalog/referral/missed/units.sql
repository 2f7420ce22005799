-- One row for each referral: of those scheduled within $window_days days, whether an appointment for it was missed in that time.
with judged as (
    select
        s.*,
        coalesce(
            left_out,
            case
                when coalesce(days_between(ordered_date, scheduled_reached) > $window_days, true)
                    then 'not_scheduled'
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
            then coalesce(days_between(ordered_date, no_show_date) <= $window_days, false)
    end as in_numerator,
    cast(no_show_date as varchar) as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3,
    organization_id,
    referring_practitioner_id as practitioner_id
from judged
