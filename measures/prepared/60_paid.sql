-- What was paid for each patient and month of service: claim lines where there are any, else the paid amounts of
-- encounters, which then are all the money that the extracts hold.
select patient_id, cast(date_trunc('month', service_date) as date) as month, sum(amount_paid) as paid
from lake.claim_line
group by patient_id, date_trunc('month', service_date)
union all
select patient_id, cast(date_trunc('month', start_date) as date) as month, sum(amount_paid) as paid
from lake.encounter
where not $has_claim_line
  and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
group by patient_id, date_trunc('month', start_date)
