-- One row for each emergency visit: an event, or the first reason why it is none; and whether
-- a mental-health visit follows on day 0 to window_days, and not before the hour at which the emergency visit ended.
with emergency_visits as (
    select
        v.patient_id,
        v.organization_id,
        v.start_date,
        v.encounter_id,
        v.ended_at,
        count(illness.code) > 0 as mental
    from prepared.emergency_visits v
    join prepared.emergency_rows e on e.patient_id = v.patient_id and e.of_encounter_id = v.encounter_id
    left join prepared.code_member illness
        on illness.set_id = 'mental_illness' and illness.code_system = 'icd-10-cm' and illness.code = e.primary_diagnosis
    group by v.patient_id, v.organization_id, v.start_date, v.encounter_id, v.ended_at
),
admissions as (
    select stay_id, patient_id, start_date
    from prepared.stays
    union all
    select encounter_id, patient_id, start_date
    from prepared.other_stays
    where class <> 'observation'
),
admitted as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.start_date,
        v.ended_at,
        v.mental,
        first_value(a.stay_id order by a.start_date, a.stay_id) as admission_id
    from emergency_visits v
    left join admissions a
        on a.patient_id = v.patient_id
        and days_between(v.start_date, a.start_date) between 0 and 30
    group by v.encounter_id, v.patient_id, v.organization_id, v.start_date, v.ended_at, v.mental
),
reasoned as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.start_date,
        v.ended_at,
        v.admission_id,
        case
            when v.start_date < $period_start or v.start_date > $period_end then 'outside_period'
            when not v.mental then 'other_condition'
            when p.birth_date is null then 'age_unknown'
            when age_at(p.birth_date, v.start_date) < 6 then 'under_6'
            when v.admission_id is not null then 'admitted_within_30'
        end as exclusion_reason
    from admitted v
    left join prepared.person p on p.patient_id = v.patient_id
),
mental_health_visits as (
    select v.patient_id, v.encounter_id, v.start_date, v.started_at
    from lake.encounter v
    left join prepared.code_member illness
        on illness.set_id = 'mental_illness' and illness.code_system = 'icd-10-cm' and illness.code = v.primary_diagnosis
    left join lake.practitioner who on who.practitioner_id = v.practitioner_id
    left join prepared.code_set specialty
        on specialty.set_id = 'mental_health_specialty' and lower(specialty.code) = lower(who.specialty)
    where v.class in ('ambulatory', 'home', 'virtual')
      and coalesce(v.status, 'finished') = 'finished'
      and coalesce(illness.code, specialty.code) is not null
),
longest as (
    select max(variant.window_days) as days from (select 1) one cross join variant
),
first_visits as (
    select
        r.encounter_id,
        r.patient_id,
        min(v.start_date) as visit_date,
        first_value(v.encounter_id order by v.start_date, v.encounter_id) as visit_id
    from reasoned r
    cross join longest
    join mental_health_visits v
        on v.patient_id = r.patient_id
        and days_between(r.start_date, v.start_date) between 0 and longest.days
        and coalesce(v.started_at >= r.ended_at, true)
    group by r.encounter_id, r.patient_id
)
select
    variant.variant,
    r.encounter_id as unit_id,
    r.patient_id,
    r.start_date as index_date,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case when r.exclusion_reason is null then v.visit_id is not null end as in_numerator,
    case
        when r.exclusion_reason is null then v.visit_id
        when r.exclusion_reason = 'admitted_within_30' then r.admission_id
    end as evidence,
    r.organization_id
from reasoned r
cross join variant
left join first_visits v
    on v.encounter_id = r.encounter_id
    and v.patient_id = r.patient_id
    and days_between(r.start_date, v.visit_date) <= variant.window_days
