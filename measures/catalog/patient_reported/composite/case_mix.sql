-- One row for each questionnaire: answers to the items of the CG-CAHPS 3.0 composite, and its case-mix adjusters: general and
-- mental health, age, education.
select
    response_id,
    patient_id,
    max(organization_id) as organization_id,
    min(completed_date) as completed_date,
    max(case when item_id = 'q13' then answer end) as item_q13,
    max(case when item_id = 'q17' then answer end) as item_q17,
    max(case when item_id = 'q20' then answer end) as item_q20,
    max(case when item_id = 'q23' then answer end) as adjuster_general_health,
    max(case when item_id = 'q24' then answer end) as adjuster_mental_health,
    max(case when item_id = 'q25' then answer end) as adjuster_age,
    max(case when item_id = 'q27' then answer end) as adjuster_education
from prepared.survey_answers
where instrument = $instrument
  and version = $instrument_version
  and state <> 'ineligible'
group by response_id, patient_id
