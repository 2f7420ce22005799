-- One row for each care-plan activity that was due and not done: whether anyone recorded why.
with judged as (
    select
        a.*,
        case
            when left_out is not null then left_out
            when days_late is not null then 'done'
        end as exclusion_reason
    from prepared.plan_activities a
)
select
    activity_id as unit_id,
    patient_id,
    coalesce(due_date, $period_start) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then status_reason is not null end as in_numerator,
    status_reason as evidence,
    case when exclusion_reason is null then coalesce(status_reason, 'none recorded') end as subgroup,
    practitioner_id,
    organization_id
from judged
