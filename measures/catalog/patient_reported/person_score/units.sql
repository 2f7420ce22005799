-- One row for each questionnaire: the mean of its answered items of the composite; with variant.from_low = 1 as steps above the lowest
-- answer. At least least items must be answered.
with counted as (
    select
        variant.variant,
        variant.least,
        a.response_id,
        a.patient_id,
        max(a.organization_id) as organization_id,
        max(a.practitioner_id) as practitioner_id,
        max(a.mode) as mode,
        min(a.completed_date) as completed_date,
        max(case when a.state = 'ineligible' then 1 else 0 end) = 1 as ineligible,
        max(case when a.state = 'after_death' then 1 else 0 end) = 1 as after_death,
        max(cast(r.duplicate as int)) = 1 as duplicate,
        count(a.answer) as answered,
        sum(case when variant.from_low = 1 then a.answer - a.low else a.answer end) as total
    from prepared.survey_answers a
    join prepared.survey_returns r
        on r.patient_id = a.patient_id
        and r.response_id = a.response_id
        and r.instrument = a.instrument
        and r.version = a.version
    join prepared.instrument_composite c
        on c.instrument = a.instrument and c.version = a.version and c.item_id = a.item_id
    cross join variant
    where a.instrument = variant.instrument
      and a.version = variant.instrument_version
      and c.composite = variant.composite
      and a.completed_date between $period_start and $period_end
    group by variant.variant, variant.least, a.response_id, a.patient_id
),
judged as (
    select
        counted.*,
        case
            when after_death then 'after_death'
            when ineligible then 'ineligible'
            when duplicate then 'duplicate'
            when answered = 0 then 'no_answer'
            when answered < least then 'too_few_answers'
        end as exclusion_reason
    from counted
)
select
    variant,
    response_id as unit_id,
    patient_id,
    completed_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then total > 0 end as in_numerator,
    case when exclusion_reason is null then cast(total as double) / answered end as numerator,
    concat(cast(answered as varchar), ' items answered') as evidence,
    coalesce(mode, 'unknown') as subgroup,
    organization_id,
    practitioner_id
from judged
