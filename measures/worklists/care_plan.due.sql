-- Open care-plan activities that are overdue, at most a year, or due within 7 days; longest overdue first.
-- Priority 1: overdue by more than 30 days; 2: overdue; 3: due this week.
with open_activities as (
    select
        a.*,
        p.coordinator_id,
        cast($data_through as int) - cast(a.due_date as int) as days
    from prepared.plan_activities a
    join prepared.person p on p.patient_id = a.patient_id
    where a.status in ('not-started', 'scheduled', 'in-progress')
      and coalesce(a.status_reason, '') <> 'patient_declined'
      and (a.superseded_on is null or a.due_date < a.superseded_on)
      and p.deceased_date is null
      and cast(a.due_date as int) - cast($data_through as int) between -365 and 7
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
    case when days > 0 then 'do it, or record why not' else 'see that it is done' end as next_step
from open_activities
