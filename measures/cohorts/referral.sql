-- Referrals, by the day of the order, with the day on which each step was reached. A referral is left out that was entered in error,
-- cancelled, a draft or no order, that lies outside the period, or that repeats an earlier one.
select
    named_struct(
        'unit_id', referral_id,
        'patient_id', patient_id,
        'index_date', ordered_date,
        'exclusion_reason', left_out,
        'organization_id', organization_id,
        'practitioner_id', referring_practitioner_id
    ) as unit,
    *
from prepared.referral_steps
