-- Referrals to act on: active orders without a completed report, oldest first. Priority 1: urgent, or open for more
-- than 60 days; 2: seen but no report, or open for more than 30 days; 3: the rest after 14 days.
with reached as (
    select
        referral_id,
        patient_id,
        max(case when step = 'scheduled' then occurred_date end) as scheduled,
        max(case when step = 'completed' then occurred_date end) as seen,
        max(case when step = 'report_received' and coalesce(status, 'completed') = 'completed' then occurred_date end)
            as reported,
        max(case when step in ('rejected', 'cancelled', 'expired') then occurred_date end) as ended
    from lake.referral_event
    where occurred_date <= $data_through
    group by referral_id, patient_id
),
open_referrals as (
    select
        r.referral_id,
        r.patient_id,
        r.priority,
        r.ordered_date,
        r.specialty,
        r.organization_id,
        r.referring_practitioner_id,
        p.coordinator_id,
        e.scheduled,
        e.seen,
        cast($data_through as int) - cast(r.ordered_date as int) as days
    from lake.referral r
    join prepared.person p on p.patient_id = r.patient_id
    left join reached e on e.referral_id = r.referral_id and e.patient_id = r.patient_id
    where r.status = 'active'
      and coalesce(r.intent, 'order') = 'order'
      and e.reported is null
      and e.ended is null
      and p.deceased_date is null
      and r.ordered_date between cast(cast($data_through as int) - 365 as date) and $data_through
)
select
    'referral.open' as worklist_id,
    referral_id as item_id,
    patient_id,
    case
        when priority in ('urgent', 'asap', 'stat') or days > 60 then 1
        when seen is not null or days > 30 then 2
        else 3
    end as priority,
    ordered_date as since_date,
    days,
    organization_id,
    referring_practitioner_id as practitioner_id,
    coordinator_id,
    concat(
        coalesce(priority, 'routine'), ' referral',
        case when specialty is not null then concat(' to ', specialty) else '' end,
        case
            when seen is not null then concat(', seen on ', cast(seen as varchar), ', no report')
            when scheduled is not null then concat(', booked for or on ', cast(scheduled as varchar), ', not seen')
            else ', not scheduled'
        end
    ) as what,
    case
        when seen is not null then 'ask the specialist for the report'
        when scheduled is not null then 'find out whether the visit took place'
        else 'schedule the visit'
    end as next_step
from open_referrals
where days > 14 or priority in ('urgent', 'asap', 'stat')
