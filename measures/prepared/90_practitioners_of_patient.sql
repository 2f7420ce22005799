-- Who saw whom: one row for each calendar year, patient and practitioner with a visit outside hospital.
select distinct
    cast(date_part('year', start_date) as int) as year,
    patient_id,
    practitioner_id
from prepared.outpatient_visits
where practitioner_id is not null
  and date_part('year', start_date) >= date_part('year', $period_start)
  and start_date <= $period_end
