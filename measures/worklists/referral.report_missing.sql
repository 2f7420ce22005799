-- Referrals whose patient was seen 14 days ago or longer and whose report has not come, however long ago; longest first.
-- Priority 1: urgent, or seen more than 60 days ago; 2: more than 30 days ago; 3: the rest.
-- `left_out` says of every other referral whose patient was seen why it is not on the list.
with waiting as (
    select
        s.*,
        p.coordinator_id,
        days_between(s.seen_date, $data_through) as days,
        concat(
            coalesce(s.priority, 'routine'), ' referral', coalesce(concat(' to ', s.specialty), ''),
            ', seen on ', cast(s.seen_date as varchar), ', no report'
        ) as what,
        case
            when s.left_out = 'duplicate' then 'joined with an order of the week before to the same specialty'
            when s.left_out is not null and s.left_out <> 'outside_period'
                then 'entered in error, revoked, a draft or no order'
            when p.deceased_date is not null then 'the patient has died'
            when s.report_reached is not null then 'the report has come'
        end as out_because
    from prepared.referral_steps s
    left join prepared.person p on p.patient_id = s.patient_id
    where s.seen_date is not null
)
select
    'referral.report_missing' as worklist_id,
    referral_id as item_id,
    patient_id,
    case when priority in ('urgent', 'asap', 'stat') or days > 60 then 1 when days > 30 then 2 else 3 end as priority,
    seen_date as since_date,
    days,
    organization_id,
    referring_practitioner_id as practitioner_id,
    coordinator_id,
    what,
    'ask the specialist for the report' as next_step,
    coalesce(out_because, case when days < 14 then 'seen less than 14 days ago' end) as left_out
from waiting
