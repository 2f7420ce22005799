-- Visits outside hospital: one for each patient, practitioner and day [V], from finished encounters of class ambulatory,
-- home or virtual. Emergency and inpatient encounters are none. Where several rows make a visit, the first is kept;
-- `last_started_at` is the hour of the last, where all of them tell it.
with placed as (
    select
        patient_id,
        practitioner_id,
        organization_id,
        encounter_id,
        start_date,
        started_at,
        row_number() over (
            partition by patient_id, practitioner_id, start_date order by started_at nulls last, encounter_id
        ) as place,
        case
            when count(*) over same_visit = count(started_at) over same_visit then max(started_at) over same_visit
        end as last_started_at
    from lake.encounter
    where class in ('ambulatory', 'home', 'virtual')
      and coalesce(status, 'finished') = 'finished'
    window same_visit as (partition by patient_id, practitioner_id, start_date)
)
select patient_id, practitioner_id, organization_id, encounter_id, start_date, started_at, last_started_at
from placed
where place = 1
