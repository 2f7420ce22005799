-- Referrals whose report came 7 days ago or longer and was not acknowledged, within a year of the report; longest first.
-- Priority 1: urgent, or received more than 60 days ago; 2: more than 30 days ago; 3: the rest.
with waiting as (
    select
        s.*,
        p.coordinator_id,
        cast($data_through as int) - cast(s.report_date as int) as days,
        concat(
            coalesce(s.priority, 'routine'), ' referral', coalesce(concat(' to ', s.specialty), ''),
            ', report of ', cast(s.report_date as varchar), ' not acknowledged'
        ) as what
    from prepared.referral_steps s
    join prepared.person p on p.patient_id = s.patient_id
    where s.acknowledged_reached is null and s.report_date is not null
      and (s.left_out is null or s.left_out = 'outside_period')
      and p.deceased_date is null
      and s.report_date between cast(cast($data_through as int) - 365 as date) and $data_through
)
select
    'referral.report_unread' as worklist_id,
    referral_id as item_id,
    patient_id,
    case when priority in ('urgent', 'asap', 'stat') or days > 60 then 1 when days > 30 then 2 else 3 end as priority,
    report_date as since_date,
    days,
    organization_id,
    referring_practitioner_id as practitioner_id,
    coordinator_id,
    what,
    'read the report, and tell the patient' as next_step
from waiting
where days >= 7
