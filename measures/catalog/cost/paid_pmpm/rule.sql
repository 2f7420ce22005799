-- A member-month counts what was paid for its services.
select
    unit,
    paid <> 0 as in_numerator,
    paid as numerator
from cohort
