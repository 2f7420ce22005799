-- One row for each patient with what units are split by. Empty values become `unknown` only when rates are made.
-- Language, race and ethnicity are taken as recorded.
select
    patient_id,
    birth_date,
    deceased_date,
    sex,
    race,
    ethnicity,
    language,
    cast(deprivation_quintile as varchar) as deprivation,
    primary_practitioner_id,
    coordinator_id
from lake.patient
