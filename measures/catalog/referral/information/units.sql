-- One row for each referral: whether it says why, what is asked, and how urgent it is.
select
    referral_id as unit_id,
    patient_id,
    ordered_date as index_date,
    left_out is null as in_denominator,
    left_out as exclusion_reason,
    case when left_out is null then has_reason and has_question and has_priority end as in_numerator,
    case
        when left_out is null and not (has_reason and has_question and has_priority) then concat(
            'missing:',
            case when not has_reason then ' reason' end,
            case when not has_question then ' question' end,
            case when not has_priority then ' urgency' end
        )
    end as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3,
    organization_id,
    referring_practitioner_id as practitioner_id
from prepared.referral_steps
