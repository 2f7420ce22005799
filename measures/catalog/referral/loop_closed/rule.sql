-- A referral meets the numerator if the loop is fully closed within window_days days of the order, every step dated.
with closed as (
    select
        cohort.*,
        variant.variant,
        variant.window_days,
        case
            when scheduled_date is null then 'not scheduled'
            when seen_date is null then 'not seen'
            when report_date is null then 'no report'
            when acknowledged_date is null then 'report not acknowledged'
            when variant.to_patient = 1 and informed_date is null then 'patient not informed'
        end as open_at,
        greatest(
            scheduled_date, seen_date, report_date, acknowledged_date, case when variant.to_patient = 1 then informed_date end
        ) as closed_date
    from cohort
    cross join variant
)
select
    unit,
    variant,
    open_at is null and days_between(ordered_date, closed_date) <= window_days as in_numerator,
    case
        when left_out = 'duplicate' then of_referral_id
        when left_out is null then coalesce(open_at, cast(closed_date as varchar))
    end as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3
from closed
