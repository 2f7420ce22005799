-- One row for each questionnaire: answers to the items of the CG-CAHPS 3.0 composite, and its case-mix adjusters: general and
-- mental health, age, education.
select
    a.response_id,
    a.patient_id,
    max(a.organization_id) as organization_id,
    min(a.completed_date) as completed_date,
    max(case when item_id = 'q13' then answer end) as item_q13,
    max(case when item_id = 'q17' then answer end) as item_q17,
    max(case when item_id = 'q20' then answer end) as item_q20,
    max(case when item_id = 'q23' then answer end) as adjuster_general_health,
    max(case when item_id = 'q24' then answer end) as adjuster_mental_health,
    max(case when item_id = 'q25' then answer end) as adjuster_age,
    max(case when item_id = 'q27' then answer end) as adjuster_education
from prepared.survey_answers a
join prepared.survey_returns r
    on r.patient_id = a.patient_id
    and r.response_id = a.response_id
    and r.instrument = a.instrument
    and r.version = a.version
where a.instrument = $instrument
  and a.version = $instrument_version
  and a.state not in ('ineligible', 'after_death')
  and not r.duplicate
group by a.response_id, a.patient_id
