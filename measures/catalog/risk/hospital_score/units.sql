-- One row for each acute stay: its HOSPITAL score, and whether it reaches $high points ($as_score = 1: the score itself).
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
earlier as (
    select s.stay_id, s.patient_id, count(*) as admissions
    from prepared.stays s
    join prepared.stays b
        on b.patient_id = s.patient_id
        and b.start_date < s.start_date
        and b.start_date >= cast(s.start_date - interval '12 months' as date)
    group by s.stay_id, s.patient_id
),
oncology as (
    select distinct s.stay_id, s.patient_id
    from prepared.stays s
    join lake.encounter e
        on e.patient_id = s.patient_id
        and e.class = 'inpatient'
        and e.start_date between s.start_date and s.end_date
    where lower(e.type) like '%oncology%'
),
points as (
    select
        s.stay_id,
        s.patient_id,
        s.organization_id,
        s.practitioner_id,
        s.start_date,
        s.end_date,
        case
            when s.end_date is null then 'no_discharge'
            when s.end_date < $period_start or s.end_date > $period_end then 'outside_period'
            when s.discharge_disposition in ('20', '40', '41', '42') then 'died_in_hospital'
            when s.discharge_disposition is null and p.deceased_date between s.start_date and s.end_date
                then 'died_in_hospital'
            when s.transferred_out then 'transferred_out'
            when date_part('year', s.start_date) - date_part('year', p.birth_date)
                - case when to_char(s.start_date, '%m%d') < to_char(p.birth_date, '%m%d') then 1 else 0 end < 18
                then 'under_age'
            when coalesce(s.admission_type, 'unknown') = 'unknown' then 'admission_type_unknown'
            when l.haemoglobin is null or l.sodium is null then 'laboratory_missing'
        end as exclusion_reason,
        case when l.haemoglobin < 12 then 1 else 0 end
            + case when n.stay_id is not null then 2 else 0 end
            + case when l.sodium < 135 then 1 else 0 end
            + case when o.stay_id is not null then 1 else 0 end
            + case when s.admission_type in ('emergency', 'urgent', 'trauma') then 1 else 0 end
            + case when e.admissions > 5 then 5 when e.admissions >= $from_admissions then 2 else 0 end
            + case when cast(s.end_date as int) - cast(s.start_date as int) >= 5 then 2 else 0 end as score
    from prepared.stays s
    left join prepared.person p on p.patient_id = s.patient_id
    left join laboratory l on l.stay_id = s.stay_id and l.patient_id = s.patient_id
    left join operated o on o.stay_id = s.stay_id and o.patient_id = s.patient_id
    left join earlier e on e.stay_id = s.stay_id and e.patient_id = s.patient_id
    left join oncology n on n.stay_id = s.stay_id and n.patient_id = s.patient_id
)
select
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then score >= $high end as in_numerator,
    case
        when exclusion_reason is not null then null
        when $as_score = 1 then score
        when score >= $high then 1
        else 0
    end as numerator,
    organization_id,
    practitioner_id
from points
