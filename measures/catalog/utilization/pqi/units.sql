-- One row for each member-month: its discharges with a condition of the composite (90 all, 91 acute, 92 chronic).
with recorded as (
    -- The few codes that are asked for come first.
    select d.patient_id, d.encounter_id, c.target
    from prepared.code_member c
    join lake.diagnosis d on c.code_system = lower(coalesce(d.code_system, 'icd-10-cm')) and c.code = d.code
    where c.set_id = 'pqi_beside'
    union all
    select p.patient_id, p.encounter_id, c.target
    from prepared.code_member c
    join lake.procedure p on c.code_system = lower(coalesce(p.code_system, 'icd-10-pcs')) and c.code = p.code
    where c.set_id = 'pqi_beside'
),
of_stay as (
    -- Codes on any row of a stay, copies of rows too.
    select r.patient_id, first_row.of_encounter_id as first_encounter_id, r.target
    from recorded r
    join prepared.stay_rows s on s.patient_id = r.patient_id and s.encounter_id = r.encounter_id
    join prepared.stay_rows first_row
        on first_row.patient_id = s.patient_id and first_row.encounter_id = s.of_encounter_id
    union all
    select s.patient_id, s.first_encounter_id, c.target
    from prepared.code_member c
    join prepared.stays s on c.code = s.primary_diagnosis
    where c.set_id = 'pqi_beside' and c.code_system = 'icd-10-cm'
),
beside as (
    select
        patient_id,
        first_encounter_id,
        bool_or(target = 'diabetes') and bool_or(target = 'amputation') as diabetic_amputation,
        bool_or(target = 'dialysis_access') as dialysis_access,
        bool_or(target = 'sickle_cell') as sickle_cell,
        bool_or(target = 'kidney_disorder') as kidney_disorder
    from of_stay
    group by patient_id, first_encounter_id
),
fitting as (
    -- A stay may fit two components: one by its principal diagnosis, and 16 by its amputation.
    select
        s.*,
        case
            when fit.by_amputation then '16'
            when c.target = '15' and s.age >= 40 then '05'
            else c.target
        end as component,
        b.dialysis_access,
        b.sickle_cell,
        b.kidney_disorder
    from prepared.stays s
    left join prepared.code_member c
        on c.set_id = 'pqi_component' and c.code_system = 'icd-10-cm' and c.code = s.primary_diagnosis
    left join beside b on b.patient_id = s.patient_id and b.first_encounter_id = s.first_encounter_id
    cross join (values (true), (false)) fit (by_amputation)
    where case when fit.by_amputation then b.diabetic_amputation else c.target is not null end
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
        array_length(array_distinct(array_agg(stay_id) filter (where reason is null))) as discharges,
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
