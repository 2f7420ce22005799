-- One row for each referral to a community organization: whether it reached stage within window_days days of the order.
-- Coordination platforms split a referral up: `of_id` is the whole one that a row belongs to, itself where it is no part. A part
-- of a part belongs to the whole one too. Drafts and errors are neither wholes nor parts.
with belonging as (
    select
        r.*,
        coalesce(g.community_referral_id, p.community_referral_id, r.community_referral_id) as of_id
    from lake.community_referral r
    left join lake.community_referral p
        on p.community_referral_id = r.part_of_community_referral_id
        and p.patient_id = r.patient_id
        and p.status not in ('draft', 'entered-in-error')
    left join lake.community_referral g
        on g.community_referral_id = p.part_of_community_referral_id
        and g.patient_id = p.patient_id
        and g.status not in ('draft', 'entered-in-error')
),
-- The stages of a part are dated from the order of the whole.
dated as (
    select
        b.*,
        min(case when community_referral_id = of_id then ordered_date end) over (partition by patient_id, of_id) as first_day,
        status in ('completed', 'rejected', 'cancelled', 'failed') as over,
        case
            when status = 'completed' then greatest(closed_date, output_date)
            when status in ('rejected', 'cancelled', 'failed') then coalesce(closed_date, rejected_date, declined_date)
        end as over_date
    from belonging b
    where status not in ('draft', 'entered-in-error')
),
stages as (
    select
        patient_id,
        of_id,
        min(consented_date) filter (where consented_date >= first_day) as consented_date,
        min(sent_date) filter (where sent_date >= first_day) as sent_date,
        min(accepted_date) filter (where accepted_date >= first_day) as accepted_date,
        min(rejected_date) filter (where rejected_date >= first_day) as rejected_date,
        min(service_date) filter (where service_date >= first_day) as service_date,
        min(output_date) filter (where output_date >= first_day) as output_date,
        min(need_met_date) filter (where need_met_date >= first_day) as need_met_date,
        bool_or(status = 'completed' and output_date >= first_day) as has_output,
        bool_or(service_date is not null or output_date is not null) as served,
        min(community_referral_id) filter (where not over) as open_id,
        max(over_date) as over_date
    from dated
    group by patient_id, of_id
),
reached as (
    select
        r.*,
        variant.variant,
        variant.stage,
        variant.window_days,
        s.open_id,
        s.over_date,
        case variant.stage
            when 'consented' then s.consented_date
            when 'sent' then s.sent_date
            when 'accepted' then s.accepted_date
            when 'in_service' then s.service_date
        end as recorded,
        case variant.stage
            when 'consented' then s.consented_date
            when 'sent' then least(s.sent_date, s.accepted_date, s.rejected_date, s.service_date, s.output_date)
            when 'accepted' then least(s.accepted_date, s.service_date, s.output_date)
            when 'in_service' then least(s.service_date, s.output_date)
            when 'closed' then case when r.status = 'completed' and s.has_output and s.open_id is null then s.over_date end
            when 'unserved' then
                case
                    when r.status in ('rejected', 'cancelled', 'failed') and not s.served and s.open_id is null then s.over_date
                end
            when 'need_met' then s.need_met_date
        end as reached,
        r.status in ('rejected', 'cancelled', 'failed') and not s.served and s.open_id is null and s.over_date is null as undated
    from belonging r
    cross join variant
    left join stages s on s.of_id = r.community_referral_id and s.patient_id = r.patient_id
),
reasoned as (
    select
        reached.*,
        case
            when status = 'entered-in-error' then 'entered_in_error'
            when status = 'draft' then 'draft'
            when ordered_date < $period_start or ordered_date > $period_end then 'outside_period'
            when of_id <> community_referral_id then 'part_of_another'
            when stage = 'unserved' and undated then 'ending_undated'
        end as exclusion_reason
    from reached
)
select
    r.variant,
    r.community_referral_id as unit_id,
    r.patient_id,
    r.ordered_date as index_date,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case
        when r.exclusion_reason is null
            then coalesce(days_between(r.ordered_date, r.reached) between 0 and r.window_days, false)
    end as in_numerator,
    case
        when r.exclusion_reason = 'part_of_another' then r.of_id
        when r.exclusion_reason is not null then null
        when r.stage in ('closed', 'unserved') and r.open_id is not null then concat(r.open_id, ' is open')
        when r.stage in ('sent', 'accepted', 'in_service') and r.reached < coalesce(r.recorded, date '9999-12-31')
            then concat(cast(r.reached as varchar), ', implied by a later stage')
        else cast(r.reached as varchar)
    end as evidence,
    r.domain as subgroup,
    coalesce(o.name, r.community_organization_id, 'unknown') as subgroup_2,
    r.organization_id,
    r.practitioner_id
from reasoned r
left join lake.organization o on o.organization_id = r.community_organization_id
