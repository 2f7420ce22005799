-- One row for each member-month: its acute admissions.
select
    concat(patient_id, '|', cast(month as varchar)) as unit_id,
    patient_id,
    month as index_date,
    last_day as mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    admissions > 0 as in_numerator,
    cast(admissions as double) as numerator,
    organization_id,
    practitioner_id,
    coordinator_id
from prepared.person_month
