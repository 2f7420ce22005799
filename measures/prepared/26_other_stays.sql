-- Stays outside acute inpatient care, one row for each encounter: observation, psychiatric and nonacute inpatient care (skilled
-- nursing, rehabilitation, long-term). Left out: cancelled, planned or entered in error, and those that begin after the patient's
-- date of death [P]. A discharge after the day on which the extracts were taken has not happened.
select
    e.bucket,
    e.encounter_id,
    e.patient_id,
    e.class,
    e.organization_id,
    e.practitioner_id,
    e.start_date,
    case when e.end_date <= $data_through then e.end_date end as end_date,
    disposition_kind(e.discharge_disposition) as disposition_kind,
    e.primary_diagnosis
from lake.encounter e
left join prepared.person p on p.patient_id = e.patient_id
where e.class in ('observation', 'psychiatric', 'skilled_nursing', 'rehabilitation', 'long_term')
  and coalesce(e.status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
  and coalesce(e.start_date <= p.deceased_date, true)
