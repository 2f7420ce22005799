-- Diagnoses, procedures and observations whose code belongs to a set that a measure brings, or to one of the sets frailty,
-- advanced_illness and palliative_care that the user loads: one row for each row and set. Maps of whole code systems are left
-- out, since every row would belong to them.
with recorded as (
    select
        patient_id,
        lower(coalesce(code_system, case when recorded_date < date '2015-10-01' then 'icd-9-cm' else 'icd-10-cm' end))
            as code_system,
        code,
        recorded_date as day,
        diagnosis_id as row_id,
        cast(null as double) as value_number,
        cast(null as varchar) as value_text
    from lake.diagnosis
    union all
    select
        patient_id,
        lower(coalesce(code_system, case when performed_date < date '2015-10-01' then 'icd-9-pcs' else 'icd-10-pcs' end)),
        code,
        performed_date,
        procedure_id,
        null,
        null
    from lake.procedure
    union all
    select patient_id, lower(coalesce(code_system, 'loinc')), code, observed_date, observation_id, value_number, value_text
    from lake.observation
),
codes as (
    select set_id, target, code_system, code
    from prepared.code_member
    where set_id in (select set_id from prepared.shipped_code_set)
       or set_id in ('frailty', 'advanced_illness', 'palliative_care')
)
select r.patient_id, c.set_id, c.target, r.day, r.row_id, r.value_number, r.value_text
from codes c
join recorded r on r.code_system = c.code_system and r.code = c.code
