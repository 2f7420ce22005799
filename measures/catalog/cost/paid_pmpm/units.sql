-- One row for each member-month: what was paid for its services.
select
    concat(patient_id, '|', cast(month as varchar)) as unit_id,
    patient_id,
    month as index_date,
    last_day as mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    paid <> 0 as in_numerator,
    paid as numerator,
    organization_id,
    practitioner_id,
    coordinator_id
from prepared.person_month
