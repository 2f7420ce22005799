-- Activities of care plans, by the day on which they are due. An activity that is left out, for example because its plan had ended, counts
-- for no measure of activities that are due.
select
    named_struct(
        'unit_id', activity_id,
        'patient_id', patient_id,
        'index_date', coalesce(due_date, $period_start),
        'exclusion_reason', left_out,
        'organization_id', organization_id,
        'practitioner_id', practitioner_id
    ) as unit,
    *
from prepared.plan_activities
