-- One row for each appointment: whether the patient did not come, and did not say so the day before.
with judged as (
    select
        a.*,
        case
            when status = 'entered-in-error' then 'entered_in_error'
            when start_date < $period_start or start_date > $period_end then 'outside_period'
            when status = 'cancelled' and cancelled_date is null then 'cancelled_undated'
            when status = 'cancelled' and cancelled_date < start_date then 'cancelled_in_time'
            when status not in ('fulfilled', 'arrived', 'checked-in', 'noshow', 'cancelled') then 'no_outcome'
        end as exclusion_reason
    from lake.appointment a
)
select
    appointment_id as unit_id,
    patient_id,
    start_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then status = 'noshow' end as in_numerator,
    case
        when exclusion_reason is not null then null
        when status = 'cancelled' then concat('cancelled on ', cast(cancelled_date as varchar))
        else status
    end as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    organization_id,
    practitioner_id
from judged
