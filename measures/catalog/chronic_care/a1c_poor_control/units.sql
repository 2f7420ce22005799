-- One row for each patient with a diagnosis of diabetes at any time and each calendar year: whether the most recent HbA1c or
-- glucose management indicator of the year is above 9 %, has no value, or is missing (which is the bad outcome).
with years as (
    select mp_year, make_date(mp_year, 1, 1) as first_day, least(make_date(mp_year, 12, 31), $period_end) as last_day
    from (select cast(date_part('year', month) as int) as mp_year from prepared.months group by 1)
),
-- Diabetes overlaps the year: recorded on or before its last day, and not resolved before its first.
diabetes as (
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
    cross join years y
    group by d.patient_id, y.mp_year, y.first_day, y.last_day
),
-- Visits outside hospital in the year, by practitioner; then the practitioner who answers for the patient.
by_practitioner as (
    select
        v.patient_id,
        y.mp_year,
        v.practitioner_id,
        count(*) as visits,
        max(v.start_date) as last_visit,
        first_value(v.organization_id order by v.start_date desc) as organization_id
    from prepared.outpatient_visits v
    join years y on v.start_date between y.first_day and y.last_day
    group by v.patient_id, y.mp_year, v.practitioner_id
),
visited as (
    select
        patient_id,
        mp_year,
        practitioner_id,
        case when practitioner_id is not null then organization_id end as organization_id,
        row_number() over (
            partition by patient_id, mp_year
            order by practitioner_id is null, visits desc, last_visit desc, practitioner_id
        ) as place
    from by_practitioner
),
-- Hospice and long-term care that overlap the year; an open encounter goes on.
confined as (
    select
        e.patient_id,
        y.mp_year,
        min(e.encounter_id) filter (where e.class = 'hospice') as hospice_id,
        min(e.encounter_id) filter (where e.class = 'long_term') as long_term_id
    from lake.encounter e
    join years y on e.start_date <= y.last_day and coalesce(e.end_date, y.first_day) >= y.first_day
    where coalesce(e.status, 'finished') not in ('planned', 'cancelled', 'entered-in-error')
    group by e.patient_id, y.mp_year
),
-- Frailty, advanced illness, palliative care: only by code sets that the user loads.
recorded as (
    select
        patient_id,
        lower(coalesce(code_system, 'icd-10-cm')) as code_system,
        code,
        recorded_date as day,
        diagnosis_id as row_id
    from lake.diagnosis
    union all
    select patient_id, lower(coalesce(code_system, 'icd-10-pcs')), code, performed_date, procedure_id
    from lake.procedure
    union all
    select patient_id, lower(coalesce(code_system, 'loinc')), code, observed_date, observation_id
    from lake.observation
),
frail as (
    select
        r.patient_id,
        y.mp_year,
        count(distinct r.day) filter (where c.set_id = 'frailty' and r.day >= y.first_day) as frail_days,
        min(r.row_id) filter (where c.set_id = 'frailty' and r.day >= y.first_day) as frailty_id,
        min(r.row_id) filter (where c.set_id = 'advanced_illness') as illness_id,
        min(r.row_id) filter (where c.set_id = 'palliative_care' and r.day >= y.first_day) as palliative_id
    from recorded r
    join prepared.code_member c on c.code_system = r.code_system and c.code = r.code
    join years y on r.day between make_date(y.mp_year - 1, 1, 1) and y.last_day
    where c.set_id in ('frailty', 'advanced_illness', 'palliative_care')
    group by r.patient_id, y.mp_year
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
    join years y on r.observed_date between y.first_day and y.last_day
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
        c.hospice_id,
        c.long_term_id,
        concat(f.frailty_id, ' ', f.illness_id) as frail_ids,
        f.palliative_id,
        r.observation_id,
        r.observed_date,
        r.per_cent,
        case
            when a.diagnosis_id is null then 'no_diabetes_in_year'
            when a.age is null then 'no_birth_date'
            when a.age < 18 or a.age > 75 then 'outside_age'
            when v.patient_id is null then 'no_visit'
            when c.hospice_id is not null then 'hospice'
            when a.age >= 66 and c.long_term_id is not null then 'long_term_care'
            when a.age >= 66 and f.frail_days >= 2 and f.illness_id is not null then 'frailty_advanced_illness'
            when f.palliative_id is not null then 'palliative_care'
        end as exclusion_reason
    from aged a
    left join visited v on v.patient_id = a.patient_id and v.mp_year = a.mp_year and v.place = 1
    left join confined c on c.patient_id = a.patient_id and c.mp_year = a.mp_year
    left join frail f on f.patient_id = a.patient_id and f.mp_year = a.mp_year
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
