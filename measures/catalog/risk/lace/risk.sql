-- The score beside the outcome: how well it tells apart who is readmitted.
select stay_id as unit_id, patient_id, score
from prepared.lace
