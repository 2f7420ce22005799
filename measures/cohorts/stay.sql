-- Acute inpatient stays, by the day of discharge. A stay that is left out counts for no measure of discharges.
select
    named_struct(
        'unit_id', stay_id,
        'patient_id', patient_id,
        'index_date', coalesce(end_date, start_date),
        'exclusion_reason', left_out,
        'organization_id', organization_id,
        'practitioner_id', practitioner_id
    ) as unit,
    *
from prepared.stays
