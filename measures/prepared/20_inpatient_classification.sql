-- What each inpatient encounter was for, as the planned-readmission algorithm asks [V]: its condition, whether a category
-- of the encounter is always planned, whether a procedure is potentially planned, whether the principal diagnosis is acute,
-- its specialty cohort, and whether the condition leaves the cohort. The categories are code sets that the user loads.
-- Without them [P]: the condition is the first three characters of the principal diagnosis; an elective admission counts
-- as potentially planned; the list of acute diagnoses is empty; ICD-10 chapter F (mental disorders) is psychiatric. Results that
-- rest on this say so. A diagnosis that the loaded map does not know keeps its first three characters as condition.
with tables as (
    select count(*) > 0 as loaded
    from prepared.code_set
    where set_id = 'potentially_planned_ccs_procedure_category'
),
categories as (
    select
        e.encounter_id,
        e.patient_id,
        e.admission_type,
        e.primary_diagnosis,
        ccs.target as diagnosis_category,
        acute_code.code is not null as acute_code
    from (
        select
            encounter_id,
            patient_id,
            admission_type,
            primary_diagnosis,
            case when start_date < date '2015-10-01' then 'icd-9-cm' else 'icd-10-cm' end as code_system
        from lake.encounter
        where class = 'inpatient'
    ) e
    left join prepared.code_member ccs
        on ccs.set_id = 'icd_10_cm_to_ccs' and ccs.code_system = e.code_system and ccs.code = e.primary_diagnosis
    left join prepared.code_member acute_code
        on acute_code.set_id = 'acute_diagnosis_icd_10_cm'
        and acute_code.code_system = e.code_system
        and acute_code.code = e.primary_diagnosis
),
procedures as (
    select
        p.encounter_id,
        p.patient_id,
        bool_or(always.code is not null) as always_planned,
        bool_or(category.code is not null or listed.code is not null) as potentially_planned,
        bool_or(surgical_category.code is not null or surgical_code.code is not null) as surgical
    from (
        select
            encounter_id,
            patient_id,
            code,
            lower(coalesce(code_system, case when performed_date < date '2015-10-01' then 'icd-9-pcs' else 'icd-10-pcs' end))
                as code_system
        from lake.procedure
        where encounter_id is not null
    ) p
    left join prepared.code_member ccs
        on ccs.set_id = 'icd_10_pcs_to_ccs' and ccs.code_system = p.code_system and ccs.code = p.code
    left join prepared.code_set always
        on always.set_id = 'always_planned_ccs_procedure_category' and always.code = ccs.target
    left join prepared.code_set category
        on category.set_id = 'potentially_planned_ccs_procedure_category' and category.code = ccs.target
    left join prepared.code_member listed
        on listed.set_id = 'potentially_planned_icd_10_pcs'
        and listed.code_system = p.code_system
        and listed.code = p.code
    left join prepared.code_set surgical_category
        on surgical_category.set_id = 'specialty_cohort'
        and surgical_category.code_system = 'ccs-procedure'
        and surgical_category.code = ccs.target
    left join prepared.code_member surgical_code
        on surgical_code.set_id = 'surgery_gynecology_cohort'
        and surgical_code.code_system = p.code_system
        and surgical_code.code = p.code
    group by p.encounter_id, p.patient_id
)
select
    c.encounter_id,
    c.patient_id,
    coalesce(c.diagnosis_category, substr(c.primary_diagnosis, 1, 3)) as condition_group,
    t.loaded and c.primary_diagnosis is not null and c.diagnosis_category is null as diagnosis_unknown,
    coalesce(p.always_planned, false) or always.code is not null as always_planned,
    coalesce(p.potentially_planned, false) as potentially_planned_procedure,
    not t.loaded and coalesce(c.admission_type = 'elective', false) as elective_stands_in,
    c.acute_code or acute.code is not null as acute_diagnosis,
    case
        when coalesce(p.surgical, false) then 'surgery'
        when t.loaded then
            case cohort.target
                when 'Cardiorespiratory' then 'cardiorespiratory'
                when 'Cardiovascular' then 'cardiovascular'
                when 'Neurology' then 'neurology'
                else 'medicine'
            end
    end as specialty_cohort,
    case
        when t.loaded then
            case
                when excluded.target = 'Medical Treatment of Cancer' and coalesce(p.surgical, false) then null
                when excluded.target = 'Medical Treatment of Cancer' then 'cancer'
                when excluded.target = 'Psychiatric' then 'psychiatric'
                when excluded.target = 'Rehabilitation' then 'rehabilitation'
            end
        when substr(c.primary_diagnosis, 1, 1) = 'F' then 'psychiatric'
    end as excluded_condition
from categories c
cross join tables t
left join procedures p on p.encounter_id = c.encounter_id and p.patient_id = c.patient_id
left join prepared.code_set always
    on always.set_id = 'always_planned_ccs_diagnosis_category' and always.code = c.diagnosis_category
left join prepared.code_set acute on acute.set_id = 'acute_diagnosis_ccs' and acute.code = c.diagnosis_category
left join prepared.code_set excluded
    on excluded.set_id = 'exclusion_ccs_diagnosis_category' and excluded.code = c.diagnosis_category
left join prepared.code_set cohort
    on cohort.set_id = 'specialty_cohort' and cohort.code_system = 'ccs-diagnosis' and cohort.code = c.diagnosis_category
