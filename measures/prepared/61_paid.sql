-- What was paid for each patient and month of service, by all payers.
select patient_id, month, sum(paid) as paid
from prepared.paid_by_payer
group by patient_id, month
