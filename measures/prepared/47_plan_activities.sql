-- Activities of care plans as measures take them, one row for each: `due_date` moved by the days on hold before it, whether it
-- counts as due, and who answers for it. A plan that another one replaces ends where that one begins: what was due from then on
-- is the new plan's [P].
-- Where the history of an activity's statuses is known, its status is the one in force when the data end, not the one recorded
-- last; a day of completion, cancellation or hold that the activity itself does not name is taken from there.
-- Nothing is due of a patient who has died, or of a plan that has ended: what falls due after the date of death or after the last day
-- of the plan (`life_ended_on`, `plan_ended_on`) cannot be done late [P].
-- `left_out`: entered_in_error, no_due_date, outside_period, died, plan_superseded, plan_ended, cancelled_before_due (on or before the due date),
-- on_hold (still on hold), status_unknown (unknown is not "not done"), completion_date_missing.
with changes as (
    select
        h.activity_id,
        h.patient_id,
        h.status,
        h.changed_date,
        lead(h.changed_date) over in_time as until,
        lag(h.status) over in_time as before
    from lake.care_plan_activity_status h
    where h.changed_date <= $data_through
    window in_time as (
        partition by h.patient_id, h.activity_id
        -- Of changes on one day the one that ends the activity is the last.
        order by h.changed_date, case when h.status in ('completed', 'cancelled', 'stopped', 'entered-in-error') then 1 else 0 end, h.status
    )
),
-- Each hold beside the due date as the holds before it left it. A hold that begins after that date moves nothing, nor does any
-- later one, which begins later still.
holds as (
    select
        c.activity_id,
        c.patient_id,
        c.changed_date,
        c.status,
        days_between(c.changed_date, c.until) as days,
        add_days(
            a.due_date,
            coalesce(
                sum(days_between(c.changed_date, c.until)) over (
                    partition by c.patient_id, c.activity_id
                    order by c.changed_date, c.until
                    rows between unbounded preceding and 1 preceding
                ),
                0
            )
        ) as due_date
    from changes c
    join lake.care_plan_activity a on a.activity_id = c.activity_id and a.patient_id = c.patient_id
    where c.status = 'on-hold'
),
held as (
    select activity_id, patient_id, sum(days) as held_days
    from holds
    where changed_date <= due_date
    group by activity_id, patient_id
),
as_known as (
    select
        c.activity_id,
        c.patient_id,
        max(case when c.until is null then c.status end) as status,
        max(case when c.status = 'completed' and coalesce(c.before, '') <> 'completed' then c.changed_date end) as completed_date,
        max(case when c.status in ('cancelled', 'stopped') and coalesce(c.before, '') not in ('cancelled', 'stopped') then c.changed_date end)
            as cancelled_date
    from changes c
    group by c.activity_id, c.patient_id
),
superseded as (
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
        coalesce(h.status, a.status) as status,
        a.status_reason,
        coalesce(a.completed_date, h.completed_date) as completed_date,
        coalesce(a.cancelled_date, h.cancelled_date) as cancelled_date,
        a.performer_practitioner_id,
        add_days(a.due_date, coalesce(a.held_days, d.held_days, 0)) as due_date,
        p.owner_practitioner_id,
        s.superseded_on,
        p.end_date as plan_ended_on,
        person.deceased_date as life_ended_on
    from lake.care_plan_activity a
    left join lake.care_plan p on p.care_plan_id = a.care_plan_id and p.patient_id = a.patient_id
    left join as_known h on h.activity_id = a.activity_id and h.patient_id = a.patient_id
    left join held d on d.activity_id = a.activity_id and d.patient_id = a.patient_id
    left join superseded s on s.care_plan_id = a.care_plan_id and s.patient_id = a.patient_id
    left join prepared.person person on person.patient_id = a.patient_id
)
select
    m.*,
    coalesce(m.performer_practitioner_id, m.owner_practitioner_id) as practitioner_id,
    r.organization_id,
    case
        when m.status = 'entered-in-error' then 'entered_in_error'
        when m.due_date is null then 'no_due_date'
        when m.due_date < $period_start or m.due_date > $period_end then 'outside_period'
        when m.due_date > m.life_ended_on then 'died'
        when m.due_date >= m.superseded_on then 'plan_superseded'
        when m.due_date > m.plan_ended_on then 'plan_ended'
        when m.status in ('cancelled', 'stopped') and coalesce(m.cancelled_date, m.due_date) <= m.due_date
            then 'cancelled_before_due'
        when m.status = 'on-hold' then 'on_hold'
        when m.status = 'unknown' then 'status_unknown'
        when m.status = 'completed' and m.completed_date is null then 'completion_date_missing'
    end as left_out,
    case when m.status = 'completed' then days_between(m.due_date, m.completed_date) end as days_late
from moved m
left join lake.practitioner r on r.practitioner_id = coalesce(m.performer_practitioner_id, m.owner_practitioner_id)
