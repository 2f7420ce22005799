-- Emergency visits, one row for each; `emergency_rows` says which rows make a visit. It is to the practitioner who was seen first.
-- `admitted`: the visit became a stay (inpatient or observation), as its link says (`part_of_encounter_id`), or because a stay
-- of the patient begins from the day of the visit to the day after its end [K HEDIS] and was not over before the visit began.
-- `known_by` says which: link or time. `transferred`: the patient was sent to another hospital.
with linked as (
    select r.*, a.encounter_id as linked_encounter_id
    from prepared.emergency_rows r
    left join (
        select encounter_id, patient_id
        from lake.encounter
        where class in ('inpatient', 'observation')
          and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
    ) a on a.encounter_id = r.part_of_encounter_id and a.patient_id = r.patient_id
),
visits as (
    select
        patient_id,
        first_value(organization_id order by start_date, started_at nulls last, encounter_id) as organization_id,
        min(start_date) as start_date,
        max(until_date) as until_date,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        of_encounter_id as encounter_id,
        first_value(practitioner_id order by practitioner_id is null, started_at nulls last, practitioner_id) as practitioner_id,
        bool_or(coalesce(disposition_kind = 'hospital', false)) as transferred,
        min(linked_encounter_id) as linked_encounter_id
    from linked
    group by patient_id, of_encounter_id
),
-- A stay is the result of one visit: of the one linked to it, else of the last that begins before it.
candidates as (
    select
        v.patient_id,
        v.encounter_id,
        a.encounter_id as stay_encounter_id,
        a.start_date as stay_start,
        row_number() over (
            partition by v.patient_id, a.encounter_id
            order by v.start_date desc, v.started_at desc nulls last, v.encounter_id desc
        ) as from_last
    from visits v
    join lake.encounter a
        on a.patient_id = v.patient_id
        and days_between(v.start_date, a.start_date) >= 0
        and days_between(v.until_date, a.start_date) <= 1
    where a.class in ('inpatient', 'observation')
      and coalesce(a.status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
      and coalesce(a.ended_at > v.started_at, true)
      and not exists (
          select 1 from visits l where l.patient_id = a.patient_id and l.linked_encounter_id = a.encounter_id
      )
),
stays_in_time as (
    select
        patient_id,
        encounter_id,
        first_value(stay_encounter_id order by stay_start, stay_encounter_id) as stay_encounter_id
    from candidates
    where from_last = 1
    group by patient_id, encounter_id
)
select
    v.patient_id,
    v.organization_id,
    v.start_date,
    v.until_date,
    v.started_at,
    v.ended_at,
    v.encounter_id,
    v.practitioner_id,
    v.transferred,
    v.linked_encounter_id is not null or s.stay_encounter_id is not null as admitted,
    coalesce(v.linked_encounter_id, s.stay_encounter_id) as led_to_encounter_id,
    case when v.linked_encounter_id is not null then 'link' when s.stay_encounter_id is not null then 'time' end as known_by
from visits v
left join stays_in_time s on s.patient_id = v.patient_id and s.encounter_id = v.encounter_id
