-- One row for each member-month: its discharges with a condition of composite composite (90 all, 91 acute, 92 chronic).
with stay_encounters as (
    -- Every row of a stay, copies too, with the stay's first row.
    select r.patient_id, r.encounter_id, k.of_encounter_id as first_encounter_id
    from prepared.stay_rows r
    join prepared.stay_rows k on k.patient_id = r.patient_id and k.encounter_id = r.of_encounter_id
),
recorded as (
    select e.patient_id, e.first_encounter_id, c.target
    from stay_encounters e
    join lake.diagnosis d on d.patient_id = e.patient_id and d.encounter_id = e.encounter_id
    join prepared.code_member c
        on c.set_id = 'pqi_beside' and c.code_system = lower(coalesce(d.code_system, 'icd-10-cm')) and c.code = d.code
    union all
    select e.patient_id, e.first_encounter_id, c.target
    from stay_encounters e
    join lake.procedure p on p.patient_id = e.patient_id and p.encounter_id = e.encounter_id
    join prepared.code_member c
        on c.set_id = 'pqi_beside' and c.code_system = lower(coalesce(p.code_system, 'icd-10-pcs')) and c.code = p.code
    union all
    select s.patient_id, s.first_encounter_id, c.target
    from prepared.stays s
    join prepared.code_member c
        on c.set_id = 'pqi_beside' and c.code_system = 'icd-10-cm' and c.code = s.primary_diagnosis
),
beside as (
    select
        patient_id,
        first_encounter_id,
        bool_or(target = 'diabetes') as diabetes,
        bool_or(target = 'amputation') as amputation,
        bool_or(target = 'dialysis_access') as dialysis_access,
        bool_or(target = 'sickle_cell') as sickle_cell,
        bool_or(target = 'kidney_disorder') as kidney_disorder
    from recorded
    group by patient_id, first_encounter_id
),
stays as (
    select
        s.*,
        c.target as by_principal,
        b.diabetes and b.amputation as diabetic_amputation,
        b.dialysis_access,
        b.sickle_cell,
        b.kidney_disorder
    from prepared.stays s
    left join prepared.code_member c
        on c.set_id = 'pqi_component' and c.code_system = 'icd-10-cm' and c.code = s.primary_diagnosis
    left join beside b on b.patient_id = s.patient_id and b.first_encounter_id = s.first_encounter_id
),
fitting as (
    -- A stay may fit two components: one by its principal diagnosis, and 16 by its amputation.
    select stays.*, case when by_principal = '15' and age >= 40 then '05' else by_principal end as component
    from stays
    where by_principal is not null
    union all
    select stays.*, '16' as component
    from stays
    where diabetic_amputation
),
reasoned as (
    select
        fitting.*,
        case
            when age < 18 then 'under_18'
            when admit_source in ('4', '5', '6') or transferred_in then 'transferred_in'
            when primary_diagnosis is null then 'no_principal_diagnosis'
            when upper(primary_diagnosis) like 'O%' then 'obstetric'
            when component = '05' and age < 40 then 'under_40'
            when component = '07' and dialysis_access then 'dialysis_access'
            when component = '11' and sickle_cell then 'sickle_cell'
            when component = '12' and kidney_disorder then 'kidney_disorder'
        end as reason
    from fitting
),
counted as (
    select
        variant.variant,
        patient_id,
        cast(date_trunc('month', end_date) as date) as month,
        count(distinct case when reason is null then stay_id end) as discharges,
        array_to_string(
            array_agg(concat_ws(' ', stay_id, 'PQI', component, reason) order by end_date, stay_id, component), ', '
        ) as evidence
    from reasoned
    cross join variant
    where variant.composite = 90 or (variant.composite = 91) = (component in ('11', '12'))
    group by variant.variant, patient_id, date_trunc('month', end_date)
),
months as (
    select
        m.*,
        coalesce(c.discharges, 0) as discharges,
        c.evidence,
        case
            when m.month < date '2015-10-01' then 'before_icd_10'
            when m.birth_date is null then 'age_unknown'
            when age_at(m.birth_date, m.month) < 18
                then 'under_18'
        end as exclusion_reason
    -- The few months with a discharge are kept in memory, and the many member-months run past them.
    from counted c
    right join (
        select p.*, variant.variant from prepared.person_month p cross join variant
    ) m on m.patient_id = c.patient_id and m.month = c.month and m.variant = c.variant
)
select
    variant,
    concat(patient_id, '|', cast(month as varchar)) as unit_id,
    patient_id,
    month as index_date,
    last_day as mature_on,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then discharges > 0 end as in_numerator,
    case when exclusion_reason is null then cast(discharges as double) end as numerator,
    case when exclusion_reason is null then evidence end as evidence,
    organization_id,
    practitioner_id,
    coordinator_id
from months
