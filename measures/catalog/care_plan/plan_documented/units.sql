-- One row for each enrolment in a program: whether a whole plan, with goal, activity and owner, is dated from the day of
-- enrolment to $window_days days after it.
with whole as (
    select p.care_plan_id, p.patient_id, p.start_date
    from lake.care_plan p
    join (select distinct care_plan_id, patient_id from lake.goal where coalesce(lifecycle_status, 'active') <> 'entered-in-error') g
        on g.care_plan_id = p.care_plan_id and g.patient_id = p.patient_id
    join (select distinct care_plan_id, patient_id from lake.care_plan_activity where status <> 'entered-in-error') a
        on a.care_plan_id = p.care_plan_id and a.patient_id = p.patient_id
    where p.owner_practitioner_id is not null
      and coalesce(p.status, 'active') not in ('draft', 'entered-in-error')
),
enrolled as (
    select
        e.*,
        case
            when g.kind = 'ltss' then 'long_term_services'
            when e.arm = 'comparison' then 'comparison'
            when e.start_date < $period_start or e.start_date > $period_end then 'outside_period'
            when days_between(e.start_date, e.end_date) < $window_days then 'left_before'
            when days_between(e.start_date, p.deceased_date) <= $window_days then 'died'
            when days_between(e.start_date, e.refused_date) <= $window_days then 'refused'
        end as exclusion_reason
    from lake.program_enrollment e
    left join lake.program g on g.program_id = e.program_id
    left join prepared.person p on p.patient_id = e.patient_id
),
planned as (
    select e.enrollment_id, e.patient_id, min(w.start_date) as planned_date
    from enrolled e
    join whole w
        on w.patient_id = e.patient_id
        and days_between(e.start_date, w.start_date) between 0 and $window_days
    group by e.enrollment_id, e.patient_id
)
select
    e.enrollment_id as unit_id,
    e.patient_id,
    e.start_date as index_date,
    e.exclusion_reason is null as in_denominator,
    e.exclusion_reason,
    case when e.exclusion_reason is null then d.planned_date is not null end as in_numerator,
    cast(d.planned_date as varchar) as evidence
from enrolled e
left join planned d on d.enrollment_id = e.enrollment_id and d.patient_id = e.patient_id
