-- One row for each coordination item of each questionnaire: the state of its answer, and what it adds: 1 for the top
-- box, or the answer as steps above the lowest, 0 to 3, where $linear is 1.
with items as (
    select response_id, patient_id, organization_id, practitioner_id, completed_date, item_id, raw_value
    from lake.survey_response
    where instrument = 'cg-cahps'
      and item_id in ('q1', 'q13', 'q16', 'q17', 'q19', 'q20')
      and completed_date between $period_start and $period_end
),
screeners as (
    select
        response_id,
        max(case when item_id = 'q1' then raw_value end) as q1,
        max(case when item_id = 'q16' then raw_value end) as q16,
        max(case when item_id = 'q19' then raw_value end) as q19
    from items
    group by response_id
),
reasoned as (
    select
        i.response_id,
        i.patient_id,
        i.organization_id,
        i.practitioner_id,
        i.completed_date,
        i.item_id,
        case when i.raw_value in ('1', '2', '3', '4') then cast(i.raw_value as int) end as answer,
        case
            when s.q1 = '2' then 'not_eligible'
            when i.item_id = 'q17' and s.q16 = '2' then 'cleaned_by_screener'
            when i.item_id = 'q20' and s.q19 = '2' then 'cleaned_by_screener'
            when i.raw_value = 'S' then 'skipped'
            when i.raw_value = 'H' then 'multiple_mark'
            when i.raw_value is null or i.raw_value = 'M' then 'blank'
            when i.raw_value not in ('1', '2', '3', '4') then 'out_of_range'
        end as exclusion_reason
    from items i
    join screeners s on s.response_id = i.response_id
    where i.item_id in ('q13', 'q17', 'q20')
)
select
    concat(response_id, '|', item_id) as unit_id,
    patient_id,
    completed_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then answer = 4 end as in_numerator,
    case
        when exclusion_reason is not null then null
        when $linear = 1 then answer - 1
        when answer = 4 then 1
        else 0
    end as numerator,
    item_id as component,
    cast(answer as varchar) as evidence,
    organization_id,
    practitioner_id
from reasoned
