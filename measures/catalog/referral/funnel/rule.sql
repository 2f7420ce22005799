-- A referral meets the numerator if it reached the step stage within window_days days of the order.
with reached as (
    select
        cohort.*,
        variant.variant,
        variant.window_days,
        case variant.stage
            when 'sent' then sent_date
            when 'reviewed' then reviewed_date
            when 'scheduled' then scheduled_date
            when 'seen' then seen_date
            when 'report' then report_date
            when 'acknowledged' then acknowledged_date
            when 'informed' then informed_date
        end as recorded,
        case variant.stage
            when 'sent' then sent_reached
            when 'reviewed' then reviewed_reached
            when 'scheduled' then scheduled_reached
            when 'seen' then seen_reached
            when 'report' then report_reached
            when 'acknowledged' then acknowledged_reached
            when 'informed' then informed_reached
        end as reached
    from cohort
    cross join variant
)
select
    unit,
    variant,
    coalesce(days_between(ordered_date, reached) <= window_days, false) as in_numerator,
    case
        when left_out = 'duplicate' then of_referral_id
        when recorded > reached or (recorded is null and reached is not null)
            then concat(cast(reached as varchar), ', implied by a later step')
        else cast(reached as varchar)
    end as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3
from reached
