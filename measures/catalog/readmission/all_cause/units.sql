-- One row for each acute stay; whether any acute admission follows within $window_days days, planned or not.
with reasoned as (
    select
        s.stay_id,
        s.patient_id,
        s.organization_id,
        s.practitioner_id,
        s.start_date,
        s.end_date,
        s.next_stay_id,
        coalesce(s.days_to_next between 0 and $window_days, false) as followed,
        case
            when s.left_out is not null then s.left_out
            when s.disposition_kind = 'against_advice' then 'ama'
        end as exclusion_reason
    from prepared.stays s
)
select
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then followed end as in_numerator,
    case when followed then next_stay_id end as evidence,
    organization_id,
    practitioner_id
from reasoned
