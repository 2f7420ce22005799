-- The first day of discharge in the loaded data: what happened before it cannot be found in them.
select min(end_date) as first_discharge
from prepared.stays
