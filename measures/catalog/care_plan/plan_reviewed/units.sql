-- One row for each plan and month at whose end it has been in force for interval days or more: whether it was reviewed in the
-- interval days that end with the month.
with in_force as (
    select
        variant.variant,
        variant.interval as days_between,
        p.care_plan_id,
        p.patient_id,
        p.owner_practitioner_id,
        p.reviewed_date,
        m.month,
        m.last_day,
        least(
            coalesce(p.end_date, date '9999-12-31'), coalesce(n.deceased_date, date '9999-12-31'),
            coalesce(add_days(s.superseded_on, -1), date '9999-12-31')
        ) as last_date
    from lake.care_plan p
    cross join variant
    join prepared.months m on days_between(p.start_date, m.last_day) >= variant.interval
    left join (
        select replaces_care_plan_id as care_plan_id, patient_id, min(start_date) as superseded_on
        from lake.care_plan
        where replaces_care_plan_id is not null
          and coalesce(status, 'active') not in ('draft', 'entered-in-error')
        group by replaces_care_plan_id, patient_id
    ) s on s.care_plan_id = p.care_plan_id and s.patient_id = p.patient_id
    left join prepared.person n on n.patient_id = p.patient_id
    where coalesce(p.status, 'active') in ('active', 'completed', 'on-hold')
),
judged as (
    select
        f.*,
        case
            when reviewed_date > last_day then 'reviewed_later'
        end as exclusion_reason
    from in_force f
    where last_date >= last_day
)
select
    j.variant,
    concat(j.care_plan_id, '|', cast(j.month as varchar)) as unit_id,
    j.patient_id,
    j.last_day as index_date,
    j.exclusion_reason is null as in_denominator,
    j.exclusion_reason,
    case
        when j.exclusion_reason is null
            then coalesce(days_between(j.reviewed_date, j.last_day) < j.days_between, false)
    end as in_numerator,
    cast(j.reviewed_date as varchar) as evidence,
    j.owner_practitioner_id as practitioner_id
from judged j
