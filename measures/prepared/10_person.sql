-- One row for each patient with what units are split by. Empty values become `unknown` only when rates are made.
-- Language, race and ethnicity are taken as recorded, except what is no word for a group: a text of more than 40 letters, an address
-- of any kind, or a number of five digits or more may say who the patient is [P].
select
    patient_id,
    birth_date,
    deceased_date,
    sex,
    case when not regexp_like(race, '^.{41}|@|://|[0-9]{5}') then race end as race,
    case when not regexp_like(ethnicity, '^.{41}|@|://|[0-9]{5}') then ethnicity end as ethnicity,
    case when not regexp_like(language, '^.{41}|@|://|[0-9]{5}') then language end as language,
    cast(deprivation_quintile as varchar) as deprivation,
    primary_practitioner_id,
    coordinator_id
from lake.patient
