-- One row for each patient with a diagnosis of diabetes at any time and each calendar year: whether the most recent HbA1c or
-- glucose management indicator of the year is above 9 %, has no value, or is missing (which is the bad outcome).
-- Diabetes overlaps the year: recorded on or before its last day, and not resolved before its first.
with diabetes as (
    select
        d.patient_id,
        y.mp_year,
        y.first_day,
        y.last_day,
        min(d.diagnosis_id) as any_diagnosis_id,
        min(d.diagnosis_id) filter (
            where d.recorded_date <= y.last_day and coalesce(d.resolved_date, y.first_day) >= y.first_day
        ) as diagnosis_id
    from lake.diagnosis d
    join prepared.code_member c
        on c.set_id = 'diabetes' and c.code_system = lower(coalesce(d.code_system, 'icd-10-cm')) and c.code = d.code
    cross join prepared.calendar_years y
    group by d.patient_id, y.mp_year, y.first_day, y.last_day
),
-- Results in per cent. A value in another unit cannot be read: it is a result without a value.
results as (
    select
        o.patient_id,
        o.observation_id,
        o.observed_date,
        case
            when regexp_like(lower(coalesce(o.unit, '%')), '^(%|percent)') then o.value_number
            when regexp_like(lower(o.unit), '^mmol/mol') then 0.09148 * o.value_number + 2.152
        end as per_cent
    from lake.observation o
    join prepared.code_member c
        on c.set_id = 'glycemic_status' and c.code_system = lower(coalesce(o.code_system, 'loinc')) and c.code = o.code
),
-- The most recent day of the year; of that day the lowest value.
placed as (
    select
        r.*,
        y.mp_year,
        row_number() over (
            partition by r.patient_id, y.mp_year
            order by r.observed_date desc, r.per_cent nulls last, r.observation_id
        ) as place
    from results r
    join prepared.calendar_years y on r.observed_date between y.first_day and y.last_day
),
aged as (
    select
        d.*,
        p.primary_practitioner_id,
        d.mp_year - cast(date_part('year', p.birth_date) as int) as age
    from diabetes d
    left join prepared.person p on p.patient_id = d.patient_id
),
reasoned as (
    select
        a.*,
        coalesce(v.practitioner_id, a.primary_practitioner_id) as practitioner_id,
        v.organization_id,
        x.hospice_id,
        x.long_term_id,
        x.frail_ids,
        x.palliative_id,
        r.observation_id,
        r.observed_date,
        r.per_cent,
        case
            when a.diagnosis_id is null then 'no_diabetes_in_year'
            when a.age is null then 'no_birth_date'
            when a.age < 18 or a.age > 75 then 'outside_age'
            when v.patient_id is null then 'no_visit'
            when x.hospice_id is not null then 'hospice'
            when a.age >= 66 and x.long_term_id is not null then 'long_term_care'
            when a.age >= 66 and x.frail_and_ill then 'frailty_advanced_illness'
            when x.palliative_id is not null then 'palliative_care'
        end as exclusion_reason
    from aged a
    left join prepared.attributed_in_year v on v.patient_id = a.patient_id and v.mp_year = a.mp_year
    left join prepared.exclusions_in_year x on x.patient_id = a.patient_id and x.mp_year = a.mp_year
    left join placed r on r.patient_id = a.patient_id and r.mp_year = a.mp_year and r.place = 1
)
select
    concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
    patient_id,
    last_day as index_date,
    make_date(mp_year, 12, 31) as mature_on,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then coalesce(per_cent > 9.0, true) end as in_numerator,
    case
        when exclusion_reason = 'hospice' then hospice_id
        when exclusion_reason = 'long_term_care' then long_term_id
        when exclusion_reason = 'frailty_advanced_illness' then frail_ids
        when exclusion_reason = 'palliative_care' then palliative_id
        when exclusion_reason is not null then coalesce(diagnosis_id, any_diagnosis_id)
        when observation_id is null then concat(diagnosis_id, ', no result in the year')
        else concat(
            observation_id, ' of ', cast(observed_date as varchar), ', ',
            coalesce(cast(round(per_cent, 2) as varchar) || ' %', 'no value in % or mmol/mol')
        )
    end as evidence,
    organization_id,
    practitioner_id
from reasoned
