-- One row for each patient and calendar quarter with activities due: the share done on schedule. An activity that the patient
-- declined, and that was not done, is not counted.
with judged as (
    select
        a.patient_id,
        cast(date_trunc('quarter', a.due_date) as date) as quarter,
        coalesce(a.days_late <= 0, false) as done,
        coalesce(not coalesce(a.days_late <= 0, false) and a.status_reason = 'patient_declined', false) as declined
    from prepared.plan_activities a
    where a.left_out is null
),
persons as (
    select
        patient_id,
        quarter,
        count(*) filter (where not declined) as due,
        count(*) filter (where done) as done
    from judged
    group by patient_id, quarter
),
reasoned as (
    select
        persons.*,
        variant.variant,
        variant.mean,
        case when due < variant.fewest then 'too_few_due' end as exclusion_reason
    from persons
    cross join variant
)
select
    r.variant,
    concat(r.patient_id, '|', cast(r.quarter as varchar)) as unit_id,
    r.patient_id,
    least(cast(r.quarter + interval '3 months' - interval '1 day' as date), $period_end) as index_date,
    cast(r.quarter + interval '3 months' - interval '1 day' as date) as mature_on,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case when r.exclusion_reason is null then r.mean = 1 or 5 * r.done >= 4 * r.due end as in_numerator,
    case
        when r.exclusion_reason is not null then null
        when r.mean = 1 then cast(r.done as double) / r.due
        when 5 * r.done >= 4 * r.due then cast(1 as double)
        else cast(0 as double)
    end as numerator,
    concat(cast(r.done as varchar), ' of ', cast(r.due as varchar)) as evidence
from reasoned r
