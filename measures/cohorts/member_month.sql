-- Months of members, with who answers for the member in the month.
select
    named_struct(
        'unit_id', concat(patient_id, '|', cast(month as varchar)),
        'patient_id', patient_id,
        'index_date', month,
        'mature_on', last_day,
        'exclusion_reason', cast(null as varchar),
        'organization_id', organization_id,
        'practitioner_id', practitioner_id,
        'coordinator_id', coordinator_id
    ) as unit,
    *
from prepared.person_month
