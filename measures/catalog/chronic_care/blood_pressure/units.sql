-- One row for each patient with a diagnosis of hypertension at any time and each calendar year: whether the most recent blood
-- pressure of the year, taken outside hospital, is below 140/90.
-- Hypertension: recorded on or before June 30 (and the end of the period), and not resolved before the year.
with hypertension as (
    select
        d.patient_id,
        y.mp_year,
        y.first_day,
        y.last_day,
        min(d.diagnosis_id) as any_diagnosis_id,
        min(d.diagnosis_id) filter (
            where d.recorded_date <= least(make_date(y.mp_year, 6, 30), y.last_day)
              and coalesce(d.resolved_date, y.first_day) >= y.first_day
        ) as diagnosis_id
    from lake.diagnosis d
    join prepared.code_member c
        on c.set_id = 'hypertension' and c.code_system = lower(coalesce(d.code_system, 'icd-10-cm')) and c.code = d.code
    cross join prepared.calendar_years y
    group by d.patient_id, y.mp_year, y.first_day, y.last_day
),
-- Kidney failure, dialysis or a kidney transplant that overlaps the year.
kidney as (
    select d.patient_id, y.mp_year, min(d.diagnosis_id) as kidney_id
    from lake.diagnosis d
    join prepared.code_member c
        on c.set_id = 'kidney_failure' and c.code_system = lower(coalesce(d.code_system, 'icd-10-cm')) and c.code = d.code
    join prepared.calendar_years y on d.recorded_date <= y.last_day and coalesce(d.resolved_date, y.first_day) >= y.first_day
    group by d.patient_id, y.mp_year
),
-- Pregnancy: recorded in the year.
pregnancy as (
    select d.patient_id, y.mp_year, min(d.diagnosis_id) as pregnancy_id
    from lake.diagnosis d
    join prepared.code_member c
        on c.set_id = 'pregnancy' and c.code_system = lower(coalesce(d.code_system, 'icd-10-cm')) and c.code = d.code
    join prepared.calendar_years y on d.recorded_date between y.first_day and y.last_day
    group by d.patient_id, y.mp_year
),
-- Days with both readings, none of them taken during an inpatient or emergency encounter; the lowest of each.
days as (
    select
        o.patient_id,
        y.mp_year,
        o.observed_date,
        min(o.value_number) filter (where c.target = 'systolic') as systolic,
        min(o.value_number) filter (where c.target = 'diastolic') as diastolic,
        first_value(o.observation_id order by o.value_number, o.observation_id)
            filter (where c.target = 'systolic') as systolic_id,
        first_value(o.observation_id order by o.value_number, o.observation_id)
            filter (where c.target = 'diastolic') as diastolic_id
    from lake.observation o
    join prepared.code_member c
        on c.set_id = 'blood_pressure' and c.code_system = lower(coalesce(o.code_system, 'loinc')) and c.code = o.code
    join prepared.calendar_years y on o.observed_date between y.first_day and y.last_day
    left join lake.encounter e on e.encounter_id = o.encounter_id and e.patient_id = o.patient_id
    where coalesce(e.class, 'unknown') not in ('inpatient', 'emergency')
    group by o.patient_id, y.mp_year, o.observed_date
),
-- The most recent such day of the year.
placed as (
    select days.*, row_number() over (partition by patient_id, mp_year order by observed_date desc) as place
    from days
    where systolic is not null and diastolic is not null
),
aged as (
    select
        d.*,
        p.primary_practitioner_id,
        d.mp_year - cast(date_part('year', p.birth_date) as int) as age
    from hypertension d
    left join prepared.person p on p.patient_id = d.patient_id
),
reasoned as (
    select
        a.*,
        coalesce(v.practitioner_id, a.primary_practitioner_id) as practitioner_id,
        v.organization_id,
        x.hospice_id,
        k.kidney_id,
        g.pregnancy_id,
        r.observed_date,
        r.systolic,
        r.diastolic,
        r.systolic_id,
        r.diastolic_id,
        case
            when a.diagnosis_id is null then 'no_hypertension_by_june_30'
            when a.age is null then 'no_birth_date'
            when a.age < 18 or a.age > 85 then 'outside_age'
            when v.patient_id is null then 'no_visit'
            when x.hospice_id is not null then 'hospice'
            when k.kidney_id is not null then 'kidney_failure'
            when g.pregnancy_id is not null then 'pregnancy'
        end as exclusion_reason
    from aged a
    left join prepared.attributed_in_year v on v.patient_id = a.patient_id and v.mp_year = a.mp_year
    left join prepared.exclusions_in_year x on x.patient_id = a.patient_id and x.mp_year = a.mp_year
    left join kidney k on k.patient_id = a.patient_id and k.mp_year = a.mp_year
    left join pregnancy g on g.patient_id = a.patient_id and g.mp_year = a.mp_year
    left join placed r on r.patient_id = a.patient_id and r.mp_year = a.mp_year and r.place = 1
)
select
    concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
    patient_id,
    last_day as index_date,
    make_date(mp_year, 12, 31) as mature_on,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then coalesce(systolic < 140 and diastolic < 90, false) end as in_numerator,
    case
        when exclusion_reason = 'hospice' then hospice_id
        when exclusion_reason = 'kidney_failure' then kidney_id
        when exclusion_reason = 'pregnancy' then pregnancy_id
        when exclusion_reason is not null then coalesce(diagnosis_id, any_diagnosis_id)
        when systolic is null then concat(diagnosis_id, ', no reading in the year')
        else concat(
            systolic_id, ' ', diastolic_id, ' of ', cast(observed_date as varchar), ', ',
            cast(systolic as varchar), '/', cast(diastolic as varchar)
        )
    end as evidence,
    organization_id,
    practitioner_id
from reasoned
