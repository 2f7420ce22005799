-- A member-month counts its acute admissions.
select
    unit,
    admissions > 0 as in_numerator,
    cast(admissions as double) as numerator
from cohort
