-- A referral meets the numerator if it says why, what is asked, and how urgent it is.
select
    unit,
    has_reason and has_question and has_priority as in_numerator,
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
    coalesce(receiving_organization_id, 'unknown') as subgroup_3
from cohort
