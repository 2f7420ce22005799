-- One row for each acute stay: an index stay, or the first reason why it is none; and whether the first acute
-- admission within window_days days of discharge, day 0 included, is unplanned.
with reasoned as (
    select
        variant.variant,
        s.stay_id,
        s.patient_id,
        s.organization_id,
        s.practitioner_id,
        s.start_date,
        s.end_date,
        s.next_stay_id,
        s.next_planned,
        coalesce(s.days_to_next between 0 and variant.window_days, false) as followed,
        s.specialty_cohort,
        case
            when s.left_out is not null then s.left_out
            when s.disposition_kind = 'against_advice' then 'ama'
            when s.excluded_condition is not null then 'excluded_condition'
            when s.age is null then 'age_unknown'
            when s.age < variant.min_age then 'under_age'
        end as exclusion_reason
    from prepared.stays s
    cross join variant
)
select
    variant,
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then followed and not next_planned end as in_numerator,
    case when followed then next_stay_id end as evidence,
    specialty_cohort as subgroup,
    organization_id,
    practitioner_id
from reasoned
