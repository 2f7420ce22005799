-- One row for each item of the composite on each questionnaire: the state of its answer, and what it adds: 1 for the top box, or
-- the answer as steps above the lowest where linear is 1.
with judged as (
    select a.*, case when r.duplicate then 'duplicate' else a.state end as counts_as
    from prepared.survey_answers a
    join prepared.survey_returns r
        on r.patient_id = a.patient_id
        and r.response_id = a.response_id
        and r.instrument = a.instrument
        and r.version = a.version
)
select
    variant.variant,
    concat(a.response_id, '|', a.item_id) as unit_id,
    a.patient_id,
    a.completed_date as index_date,
    a.counts_as = 'answered' as in_denominator,
    case when a.counts_as <> 'answered' then a.counts_as end as exclusion_reason,
    case when a.counts_as = 'answered' then a.answer = a.high end as in_numerator,
    case
        when a.counts_as <> 'answered' then null
        when variant.linear = 1 then a.answer - a.low
        when a.answer = a.high then 1
        else 0
    end as numerator,
    a.item_id as component,
    coalesce(a.mode, 'unknown') as subgroup,
    a.raw_value as evidence,
    a.organization_id,
    a.practitioner_id
from judged a
join prepared.instrument_composite c
    on c.instrument = a.instrument and c.version = a.version and c.item_id = a.item_id
cross join variant
where a.instrument = variant.instrument
  and a.version = variant.instrument_version
  and c.composite = variant.composite
  and a.completed_date between $period_start and $period_end
