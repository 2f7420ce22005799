-- Open care-plan activities that are overdue, however long, or due within 7 days; longest overdue first.
-- Priority 1: overdue by more than 30 days; 2: overdue; 3: due this week.
-- `left_out` says of every other activity why it is not on the list.
with activities as (
    select
        a.*,
        p.coordinator_id,
        days_between(a.due_date, $data_through) as days,
        case
            when a.status = 'entered-in-error' then 'entered in error'
            when a.status = 'completed' then 'done'
            when a.status in ('cancelled', 'stopped') then 'cancelled or stopped'
            when a.status not in ('not-started', 'scheduled', 'in-progress') then 'on hold, or status unknown'
            when a.status_reason = 'patient_declined' then 'the patient declined'
            when a.due_date is null then 'no due date'
            when a.due_date >= a.superseded_on then 'of a plan that another one replaced'
            when a.plan_ended_on <= $data_through or a.due_date > a.plan_ended_on then 'of a plan that has ended'
            when p.deceased_date is not null then 'the patient has died'
        end as out_because
    from prepared.plan_activities a
    left join prepared.person p on p.patient_id = a.patient_id
)
select
    'care_plan.due' as worklist_id,
    activity_id as item_id,
    patient_id,
    case when days > 30 then 1 when days > 0 then 2 else 3 end as priority,
    due_date as since_date,
    days,
    organization_id,
    practitioner_id,
    coordinator_id,
    concat(
        coalesce(replace(kind, '_', ' '), 'activity'),
        case when days > 0 then ', was due on ' when days = 0 then ', due today, ' else ', due on ' end,
        cast(due_date as varchar)
    ) as what,
    case when days > 0 then 'do it, or record why not' else 'see that it is done' end as next_step,
    coalesce(out_because, case when days < -7 then 'due in more than 7 days' end) as left_out
from activities
