-- One row for each referral: from step first to step second, in calendar days, or in business days where j.business = 1.
with dated as (
    select
        s.*,
        variant.variant,
        variant.business,
        case variant.first when 'order' then ordered_date when 'seen' then seen_date when 'report' then report_date end as began,
        case variant.first when 'order' then ordered_date when 'seen' then seen_reached when 'report' then report_reached end
            as begin_reached,
        case variant.second
            when 'scheduled' then scheduled_date
            when 'seen' then seen_date
            when 'report' then report_date
            when 'acknowledged' then acknowledged_date
        end as recorded,
        case variant.second
            when 'scheduled' then scheduled_reached
            when 'seen' then seen_reached
            when 'report' then report_reached
            when 'acknowledged' then acknowledged_reached
        end as reached,
        -- Where the first step is the visit or later, no other end rules the second out.
        case when variant.first = 'order' then ended_date end as other_end
    from prepared.referral_steps s
    cross join variant
),
judged as (
    select
        d.*,
        case
            when left_out = 'cancelled' and ended_date is null then 'cancelled_undated'
            when left_out = 'cancelled' and (ordered_date < $period_start or ordered_date > $period_end) then 'outside_period'
            when left_out <> 'cancelled' then left_out
            when begin_reached is null then 'step_not_reached'
            when began is null then 'step_not_recorded'
            when recorded is null and reached is not null then 'step_not_recorded'
            when recorded < began then 'out_of_order'
        end as exclusion_reason
    from dated d
)
select
    j.variant,
    j.referral_id as unit_id,
    j.patient_id,
    j.ordered_date as index_date,
    j.exclusion_reason is null as in_denominator,
    j.exclusion_reason,
    j.recorded as event_date,
    add_days(coalesce(j.began, j.ordered_date), 90) as mature_on,
    case when j.business = 1 then e.ordinal - b.ordinal else days_between(j.began, j.recorded) end as event_days,
    case when j.business = 1 then c.ordinal - b.ordinal else days_between(j.began, j.other_end) end as competing_days,
    case when j.business = 1 then t.ordinal - b.ordinal else days_between(j.began, $data_through) end as censored_days,
    case
        when j.recorded is not null then cast(j.recorded as varchar)
        when j.other_end is not null then concat(j.ended_as, ' ', cast(j.other_end as varchar))
    end as evidence,
    coalesce(j.specialty, 'unknown') as subgroup,
    coalesce(j.priority, 'unknown') as subgroup_2,
    coalesce(j.receiving_organization_id, 'unknown') as subgroup_3,
    j.organization_id,
    j.referring_practitioner_id as practitioner_id
from judged j
left join prepared.business_days b on j.business = 1 and b.day = j.began
left join prepared.business_days e on j.business = 1 and e.day = j.recorded
left join prepared.business_days c on j.business = 1 and c.day = j.other_end
left join prepared.business_days t on j.business = 1 and t.day = $data_through
