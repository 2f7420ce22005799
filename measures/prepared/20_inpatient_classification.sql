-- What each inpatient encounter was for, as the planned-readmission algorithm asks: its condition, whether a category
-- of the encounter is always planned, whether a procedure is potentially planned, whether the principal diagnosis is
-- acute, and whether the condition leaves the cohort.
-- Without loaded category tables [P]: the condition is the first three characters of the principal diagnosis; an
-- elective admission counts as potentially planned; no diagnosis counts as acute; ICD-10 chapter F (mental disorders)
-- is psychiatric. Results that rest on this say so.
select
    encounter_id,
    patient_id,
    substr(primary_diagnosis, 1, 3) as condition_group,
    false as always_planned,
    coalesce(admission_type = 'elective', false) as potentially_planned_procedure,
    false as acute_diagnosis,
    case when substr(primary_diagnosis, 1, 1) = 'F' then 'psychiatric' end as excluded_condition
from lake.encounter
where class = 'inpatient'
