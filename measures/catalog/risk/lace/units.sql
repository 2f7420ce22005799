-- One row for each acute stay: its LACE score, and whether it reaches $high points ($as_score = 1: the score itself).
with visits as (
    select s.stay_id, s.patient_id, count(*) as emergency_visits
    from prepared.stays s
    join prepared.emergency_visits v
        on v.patient_id = s.patient_id
        and v.start_date >= cast(s.start_date - interval '6 months' as date)
        and v.start_date < s.start_date
    where v.led_to_encounter_id is null
       or strpos(concat('+', s.stay_id, '+'), concat('+', v.led_to_encounter_id, '+')) = 0
    group by s.stay_id, s.patient_id
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
        end as exclusion_reason,
        case
            when cast(s.end_date as int) - cast(s.start_date as int) <= 3 then cast(s.end_date as int) - cast(s.start_date as int)
            when cast(s.end_date as int) - cast(s.start_date as int) <= 6 then 4
            when cast(s.end_date as int) - cast(s.start_date as int) <= 13 then 5
            else 7
        end as length_points,
        case when s.admission_type in ('emergency', 'urgent', 'trauma') then 3 else 0 end as acute_points,
        case when c.charlson_lace >= 4 then 5 else coalesce(c.charlson_lace, 0) end as comorbidity_points,
        least(coalesce(v.emergency_visits, 0), 4) as emergency_points
    from prepared.stays s
    left join prepared.person p on p.patient_id = s.patient_id
    left join prepared.comorbidity c on c.stay_id = s.stay_id and c.patient_id = s.patient_id
    left join visits v on v.stay_id = s.stay_id and v.patient_id = s.patient_id
),
scored as (
    select points.*, length_points + acute_points + comorbidity_points + emergency_points as score from points
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
    concat(
        'L', cast(length_points as varchar), ' A', cast(acute_points as varchar), ' C', cast(comorbidity_points as varchar),
        ' E', cast(emergency_points as varchar)
    ) as evidence,
    organization_id,
    practitioner_id
from scored
