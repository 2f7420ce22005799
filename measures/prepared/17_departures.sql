-- The hour at which patients left a hospital or another inpatient stay: the latest one of the day on which rows ended, where any
-- row tells it. A contact or visit on that day is a follow-up where it is not earlier; where the hour of either is not known, the
-- day decides [P].
select patient_id, end_date as day, max(ended_at) as left_at
from lake.encounter
where class in ('inpatient', 'observation', 'psychiatric', 'skilled_nursing', 'rehabilitation', 'long_term')
  and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
  and ended_at is not null
group by patient_id, end_date
