-- Activities of care plans as measures take them, one row for each: `due_date` moved by the days on hold before it, whether it
-- counts as due, and who answers for it. A plan that another one replaces ends where that one begins: what was due from then on
-- is the new plan's [P].
-- `left_out`: entered_in_error, no_due_date, outside_period, plan_superseded, cancelled_before_due (on or before the due date),
-- on_hold (still on hold), status_unknown (unknown is not "not done"), completion_date_missing.
with superseded as (
    select replaces_care_plan_id as care_plan_id, patient_id, min(start_date) as superseded_on
    from lake.care_plan
    where replaces_care_plan_id is not null
      and coalesce(status, 'active') not in ('draft', 'entered-in-error')
    group by replaces_care_plan_id, patient_id
),
moved as (
    select
        a.activity_id,
        a.care_plan_id,
        a.patient_id,
        a.kind,
        a.status,
        a.status_reason,
        a.completed_date,
        a.cancelled_date,
        a.performer_practitioner_id,
        cast(cast(a.due_date as int) + cast(coalesce(a.held_days, 0) as int) as date) as due_date,
        p.owner_practitioner_id,
        s.superseded_on
    from lake.care_plan_activity a
    left join lake.care_plan p on p.care_plan_id = a.care_plan_id and p.patient_id = a.patient_id
    left join superseded s on s.care_plan_id = a.care_plan_id and s.patient_id = a.patient_id
)
select
    m.*,
    coalesce(m.performer_practitioner_id, m.owner_practitioner_id) as practitioner_id,
    r.organization_id,
    case
        when m.status = 'entered-in-error' then 'entered_in_error'
        when m.due_date is null then 'no_due_date'
        when m.due_date < $period_start or m.due_date > $period_end then 'outside_period'
        when m.due_date >= m.superseded_on then 'plan_superseded'
        when m.status in ('cancelled', 'stopped') and coalesce(m.cancelled_date, m.due_date) <= m.due_date
            then 'cancelled_before_due'
        when m.status = 'on-hold' then 'on_hold'
        when m.status = 'unknown' then 'status_unknown'
        when m.status = 'completed' and m.completed_date is null then 'completion_date_missing'
    end as left_out,
    case when m.status = 'completed' then cast(m.completed_date as int) - cast(m.due_date as int) end as days_late
from moved m
left join lake.practitioner r on r.practitioner_id = coalesce(m.performer_practitioner_id, m.owner_practitioner_id)
