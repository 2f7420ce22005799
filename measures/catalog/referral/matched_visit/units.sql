-- One row for each referral: the first completed visit of the patient to the specialty, on or after the day of the order.
with visits as (
    select a.patient_id, coalesce(a.specialty, p.specialty) as specialty, a.start_date
    from lake.appointment a
    left join lake.practitioner p on p.practitioner_id = a.practitioner_id
    where a.status = 'fulfilled'
),
followed as (
    select r.referral_id, r.patient_id, min(v.start_date) as seen_date
    from lake.referral r
    join visits v
        on v.patient_id = r.patient_id
        and lower(v.specialty) = lower(r.specialty)
        and v.start_date >= r.ordered_date
        and v.start_date <= $data_through
    group by r.referral_id, r.patient_id
),
judged as (
    select
        r.*,
        f.seen_date,
        case
            when r.status = 'entered-in-error' then 'entered_in_error'
            when r.status = 'revoked' then 'cancelled'
            when r.status = 'draft' then 'draft'
            when coalesce(r.intent, 'order') <> 'order' then 'intent'
            when r.ordered_date < $period_start or r.ordered_date > $period_end then 'outside_period'
            when r.specialty is null then 'no_specialty'
        end as exclusion_reason
    from lake.referral r
    left join followed f on f.referral_id = r.referral_id and f.patient_id = r.patient_id
)
select
    variant.variant,
    referral_id as unit_id,
    patient_id,
    ordered_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is null
            then coalesce(days_between(ordered_date, seen_date) <= variant.window_days, false)
    end as in_numerator,
    seen_date as event_date,
    cast(seen_date as varchar) as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3,
    organization_id,
    referring_practitioner_id as practitioner_id
from judged
cross join variant
