-- The score beside the outcome: how well it tells apart who is readmitted.
select
    stay_id as unit_id,
    patient_id,
    points + case when admissions > 5 then 5 when admissions >= $from_admissions then 2 else 0 end as score
from prepared.hospital_score
