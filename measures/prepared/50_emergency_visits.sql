-- Emergency visits: one for each patient, facility and day [K], to the practitioner who was seen first. A visit that became an admission is told by its link
-- to an inpatient or observation encounter (`part_of_encounter_id`), not by dates.
select
    v.patient_id,
    v.organization_id,
    v.start_date,
    min(v.encounter_id) as encounter_id,
    first_value(v.practitioner_id order by v.practitioner_id is null, v.started_at nulls last, v.practitioner_id) as practitioner_id,
    bool_or(coalesce(a.encounter_id is not null, false)) as admitted,
    min(a.encounter_id) as led_to_encounter_id
from lake.encounter v
left join (
    select encounter_id, patient_id
    from lake.encounter
    where class in ('inpatient', 'observation')
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
) a on a.encounter_id = v.part_of_encounter_id and a.patient_id = v.patient_id
where v.class = 'emergency'
  and coalesce(v.status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
group by v.patient_id, v.organization_id, v.start_date
