-- One row for each care-plan activity: whether it counts, and whether it was done by its due date, moved by held days,
-- plus $window_days days of grace.
with moved as (
    select
        a.activity_id,
        a.patient_id,
        a.status,
        a.status_reason,
        a.completed_date,
        a.cancelled_date,
        a.performer_practitioner_id,
        cast(cast(a.due_date as int) + cast(coalesce(a.held_days, 0) as int) as date) as due_date,
        p.owner_practitioner_id
    from lake.care_plan_activity a
    left join lake.care_plan p on p.care_plan_id = a.care_plan_id and p.patient_id = a.patient_id
),
reasoned as (
    select
        moved.*,
        case
            when status = 'entered-in-error' then 'entered_in_error'
            when due_date is null then 'no_due_date'
            when due_date < $period_start or due_date > $period_end then 'outside_period'
            when status in ('cancelled', 'stopped') and coalesce(cancelled_date, due_date) <= due_date
                then 'cancelled_before_due'
            when status = 'on-hold' then 'on_hold'
            when status = 'unknown' then 'status_unknown'
            when status = 'completed' and completed_date is null then 'completion_date_missing'
        end as exclusion_reason,
        coalesce(
            status = 'completed' and cast(completed_date as int) - cast(due_date as int) <= $window_days, false
        ) as done_in_time
    from moved
)
select
    r.activity_id as unit_id,
    r.patient_id,
    coalesce(r.due_date, $period_start) as index_date,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case when r.exclusion_reason is null then r.done_in_time end as in_numerator,
    case
        when r.exclusion_reason is null and not r.done_in_time and r.status_reason = 'patient_declined'
            then 'patient_declined'
    end as exception_reason,
    cast(r.completed_date as varchar) as evidence,
    coalesce(r.performer_practitioner_id, r.owner_practitioner_id) as practitioner_id,
    pr.organization_id
from reasoned r
left join lake.practitioner pr on pr.practitioner_id = coalesce(r.performer_practitioner_id, r.owner_practitioner_id)
