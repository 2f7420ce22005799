-- Acute stays of the same patient that began in the twelve months before each acute stay; stays without any have no row.
select s.stay_id, s.patient_id, count(*) as admissions
from prepared.stays s
join prepared.stays b
    on b.patient_id = s.patient_id
    and b.start_date < s.start_date
    and b.start_date >= cast(s.start_date - interval '12 months' as date)
group by s.stay_id, s.patient_id
