-- The parts of the HOSPITAL score of each acute stay (Donze 2013 [V]) without the points for earlier admissions, of which two
-- tables are published: `points` is their sum, `admissions` counts the stays of the twelve months before. The last haemoglobin
-- and sodium on or before the day of discharge count; a missing one leaves `points` null.
with laboratory as (
    select
        s.stay_id,
        s.patient_id,
        last_value(
            case when o.code = '718-7' then case when o.unit = 'g/L' then o.value_number / 10 else o.value_number end end
            order by case when o.code = '718-7' then 1 else 0 end, o.observed_date, o.observation_id
        ) as haemoglobin,
        last_value(
            case when o.code = '2951-2' then o.value_number end
            order by case when o.code = '2951-2' then 1 else 0 end, o.observed_date, o.observation_id
        ) as sodium
    from prepared.stays s
    join lake.observation o
        on o.patient_id = s.patient_id
        and o.observed_date between s.start_date and s.end_date
    where o.code in ('718-7', '2951-2')
      and o.value_number is not null
    group by s.stay_id, s.patient_id
),
operated as (
    select distinct s.stay_id, s.patient_id
    from prepared.stays s
    join lake.procedure o
        on o.patient_id = s.patient_id
        and o.performed_date between s.start_date and s.end_date
),
oncology as (
    select distinct s.stay_id, s.patient_id
    from prepared.stays s
    -- Rows of the stay itself, copies left out: not those of a return on the day of discharge.
    join prepared.stay_rows r on r.patient_id = s.patient_id and r.of_encounter_id = s.first_encounter_id and r.because not in ('status', 'after_death', 'copy')
    join lake.encounter e on e.patient_id = r.patient_id and e.encounter_id = r.encounter_id
    where lower(e.type) like '%oncology%'
),
parts as (
    select
        s.stay_id,
        s.patient_id,
        coalesce(e.admissions, 0) as admissions,
        l.haemoglobin is null or l.sodium is null as laboratory_missing,
        case when l.haemoglobin < 12 then 1 when l.haemoglobin is not null then 0 end
            + case when n.stay_id is not null then 2 else 0 end
            + case when l.sodium < 135 then 1 when l.sodium is not null then 0 end
            + case when o.stay_id is not null then 1 else 0 end
            + case when s.admission_type in ('emergency', 'urgent', 'trauma') then 1 else 0 end
            + case when s.days >= 5 then 2 else 0 end as points
    from prepared.stays s
    left join laboratory l on l.stay_id = s.stay_id and l.patient_id = s.patient_id
    left join operated o on o.stay_id = s.stay_id and o.patient_id = s.patient_id
    left join prepared.earlier_admissions e on e.stay_id = s.stay_id and e.patient_id = s.patient_id
    left join oncology n on n.stay_id = s.stay_id and n.patient_id = s.patient_id
)
select stay_id, patient_id, admissions, laboratory_missing, points
from parts
