-- One row for each open activity at the end of the period: whether someone is to do it and someone answers for the plan.
with open_activities as (
    select a.*
    from prepared.plan_activities a
    where status in ('not-started', 'scheduled', 'in-progress', 'on-hold')
      and coalesce(superseded_on > $period_end, true)
      and coalesce(plan_ended_on > $period_end, true)
      and coalesce(life_ended_on > $period_end, true)
)
select
    activity_id as unit_id,
    patient_id,
    $period_end as index_date,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    performer_practitioner_id is not null and owner_practitioner_id is not null as in_numerator,
    case
        when performer_practitioner_id is null and owner_practitioner_id is null then 'neither performer nor owner'
        when performer_practitioner_id is null then 'no performer'
        when owner_practitioner_id is null then 'no owner'
    end as evidence,
    practitioner_id,
    organization_id
from open_activities
