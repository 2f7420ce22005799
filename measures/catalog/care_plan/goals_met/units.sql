-- One row for each goal: whether it was met on or before the day on which it was due.
with judged as (
    select
        g.*,
        p.owner_practitioner_id,
        case
            when g.lifecycle_status = 'entered-in-error' then 'entered_in_error'
            when g.due_date is null then 'no_due_date'
            when g.due_date < $period_start or g.due_date > $period_end then 'outside_period'
            when g.due_date > n.deceased_date then 'died'
            when g.due_date > p.end_date then 'plan_ended'
            when coalesce(g.lifecycle_status, 'active') not in ('active', 'completed') then 'not_pursued'
            when g.achievement_status is null then 'achievement_unknown'
            when g.achievement_status in ('achieved', 'sustaining') and g.achieved_date is null then 'achieved_undated'
        end as exclusion_reason
    from lake.goal g
    left join lake.care_plan p on p.care_plan_id = g.care_plan_id and p.patient_id = g.patient_id
    left join prepared.person n on n.patient_id = g.patient_id
)
select
    j.goal_id as unit_id,
    j.patient_id,
    coalesce(j.due_date, $period_start) as index_date,
    j.exclusion_reason is null as in_denominator,
    j.exclusion_reason,
    case
        when j.exclusion_reason is null
            then coalesce(j.achievement_status in ('achieved', 'sustaining') and j.achieved_date <= j.due_date, false)
    end as in_numerator,
    concat(j.achievement_status, ' ', cast(j.achieved_date as varchar)) as evidence,
    j.owner_practitioner_id as practitioner_id
from judged j
