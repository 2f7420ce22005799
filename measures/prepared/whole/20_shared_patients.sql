-- How many patients two practitioners both saw in a calendar year, over all patients.
select year, practitioner_a, practitioner_b, sum(patients) as patients
from prepared.shared_patients_part
group by year, practitioner_a, practitioner_b
