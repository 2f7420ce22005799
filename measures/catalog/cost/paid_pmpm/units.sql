-- One row for each member-month: what was paid for its services.
select
    concat(patient_id, '|', cast(month as varchar)) as unit_id,
    patient_id,
    month as index_date,
    cast(month + interval '1 month' - interval '1 day' as date) as mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    paid <> 0 as in_numerator,
    paid as numerator,
    organization_id,
    practitioner_id,
    coordinator_id,
    payer_id,
    birth_date,
    sex,
    race,
    ethnicity,
    language,
    deprivation
from prepared.person_month
