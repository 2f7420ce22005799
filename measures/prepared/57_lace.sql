-- The LACE index of each acute stay and its parts (van Walraven 2010 [V], comorbidity weights [K]).
-- Emergency visits are those of the six calendar months before admission, without the one that led to the stay
-- (see `emergency_visits`). No score where the day of discharge or the type of admission is not known.
with visits as (
    select s.stay_id, s.patient_id, count(*) as emergency_visits
    from prepared.stays s
    join prepared.emergency_visits v
        on v.patient_id = s.patient_id
        and v.start_date >= cast(s.start_date - interval '6 months' as date)
        and v.start_date < s.start_date
    -- A visit that ended before the day of admission and is not linked to the stay did not lead to it.
    where v.led_to_encounter_id is null
       or (v.known_by = 'time' and v.until_date < s.start_date)
       or strpos(concat('+', s.stay_id, '+'), concat('+', v.led_to_encounter_id, '+')) = 0
    group by s.stay_id, s.patient_id
),
points as (
    select
        s.stay_id,
        s.patient_id,
        case
            when s.days <= 3 then s.days
            when s.days <= 6 then 4
            when s.days <= 13 then 5
            when s.days is not null then 7
        end as length_points,
        case
            when s.admission_type in ('emergency', 'urgent', 'trauma') then 3
            when s.admission_type <> 'unknown' then 0
        end as acute_points,
        case when c.charlson_lace >= 4 then 5 else coalesce(c.charlson_lace, 0) end as comorbidity_points,
        least(coalesce(v.emergency_visits, 0), 4) as emergency_points
    from prepared.stays s
    left join prepared.comorbidity c on c.stay_id = s.stay_id and c.patient_id = s.patient_id
    left join visits v on v.stay_id = s.stay_id and v.patient_id = s.patient_id
)
select
    stay_id,
    patient_id,
    length_points,
    acute_points,
    comorbidity_points,
    emergency_points,
    length_points + acute_points + comorbidity_points + emergency_points as score,
    concat(
        'L', cast(length_points as varchar), ' A', cast(acute_points as varchar), ' C', cast(comorbidity_points as varchar),
        ' E', cast(emergency_points as varchar)
    ) as parts
from points
