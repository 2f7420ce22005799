-- Referrals to act on: orders that are active or on hold and have no report, oldest first, however old they are. Steps and
-- appointments are those of the measures (`prepared.referral_steps`): a visit that is booked or was kept is not to be scheduled.
-- Priority 1: urgent, or open for more than 60 days; 2: seen but no report, or open for more than 30 days; 3: the rest after 14
-- days [P].
-- `left_out` says of every other referral why it is not on the list; a referral that was rejected, cancelled or expired is, unless
-- something was done for it afterwards: then it was taken up again.
with events as (
    select
        s.of_referral_id,
        s.patient_id,
        max(case when e.step in ('rejected', 'cancelled', 'expired') then e.occurred_date end) as ended_date,
        max(case when e.step not in ('rejected', 'cancelled', 'expired') then e.occurred_date end) as last_step_date
    from prepared.referral_steps s
    join lake.referral_event e on e.referral_id = s.referral_id and e.patient_id = s.patient_id
    where coalesce(e.status, 'completed') = 'completed'
    group by s.of_referral_id, s.patient_id
),
appointments as (
    select
        s.of_referral_id,
        s.patient_id,
        max(a.booked_date) as booked_date,
        min(a.start_date) filter (where a.status in ('booked', 'arrived', 'checked-in') and a.start_date >= $data_through)
            as next_date,
        max(a.start_date) filter (where a.status in ('booked', 'arrived', 'checked-in') and a.start_date < $data_through)
            as past_date,
        max(a.start_date) filter (where a.status = 'noshow') as missed_date,
        max(a.start_date) filter (where a.status = 'cancelled') as cancelled_date,
        bool_or(a.status in ('proposed', 'pending', 'waitlist')) as waiting
    from prepared.referral_steps s
    join lake.appointment a on a.referral_id = s.referral_id and a.patient_id = s.patient_id
    where a.status <> 'entered-in-error'
    group by s.of_referral_id, s.patient_id
),
judged as (
    select
        s.referral_id,
        s.patient_id,
        s.status,
        s.priority,
        s.ordered_date,
        s.specialty,
        s.organization_id,
        s.referring_practitioner_id,
        s.scheduled_date,
        s.seen_date,
        p.coordinator_id,
        a.next_date,
        a.past_date,
        a.missed_date,
        a.cancelled_date,
        coalesce(a.waiting, false) as waiting,
        coalesce(s.priority in ('urgent', 'asap', 'stat'), false) as urgent,
        greatest(days_between(s.ordered_date, $data_through), 0) as days,
        case
            when s.status = 'entered-in-error' then 'entered in error'
            when s.status = 'draft' then 'drafts'
            when s.left_out = 'intent' then 'proposals and plans, no orders'
            when s.left_out = 'duplicate' then 'joined with an order of the week before to the same specialty'
            when s.status = 'revoked' then 'revoked'
            when s.status = 'completed' then 'completed'
            when s.status = 'unknown' then 'status unknown'
            when p.deceased_date is not null then 'the patient has died'
            when s.report_date is not null then 'the report has come'
            when e.ended_date >= e.last_step_date or (e.ended_date is not null and e.last_step_date is null) then
                case
                    when coalesce(a.booked_date > e.ended_date, false) or coalesce(a.next_date > e.ended_date, false)
                        or coalesce(s.seen_date > e.ended_date, false) then null
                    else 'rejected, cancelled or expired'
                end
        end as out_because
    from prepared.referral_steps s
    left join prepared.person p on p.patient_id = s.patient_id
    left join events e on e.of_referral_id = s.referral_id and e.patient_id = s.patient_id
    left join appointments a on a.of_referral_id = s.referral_id and a.patient_id = s.patient_id
),
told as (
    select
        judged.*,
        case
            when seen_date is not null then 'seen'
            when next_date is not null then 'booked'
            when past_date is not null and past_date >= coalesce(greatest(missed_date, cancelled_date), past_date) then 'past'
            when missed_date is not null and missed_date >= coalesce(cancelled_date, missed_date) then 'missed'
            when cancelled_date is not null then 'cancelled'
            when scheduled_date is not null then 'scheduled'
            when waiting then 'waiting'
            else 'nothing'
        end as stands
    from judged
)
select
    'referral.open' as worklist_id,
    referral_id as item_id,
    patient_id,
    case
        when urgent or days > 60 then 1
        when seen_date is not null or days > 30 then 2
        else 3
    end as priority,
    ordered_date as since_date,
    days,
    organization_id,
    referring_practitioner_id as practitioner_id,
    coordinator_id,
    concat(
        coalesce(priority, 'routine'), ' referral', coalesce(concat(' to ', specialty), ''),
        case when status = 'on-hold' then ', on hold' else '' end,
        case stands
            when 'seen' then concat(', seen on ', cast(seen_date as varchar), ', no report')
            when 'booked' then concat(', booked for ', cast(next_date as varchar))
            when 'past' then concat(', booked for ', cast(past_date as varchar), ', not recorded as seen')
            when 'missed' then concat(', appointment of ', cast(missed_date as varchar), ' missed')
            when 'cancelled' then concat(', appointment of ', cast(cancelled_date as varchar), ' cancelled')
            when 'scheduled' then concat(', booked for or on ', cast(scheduled_date as varchar), ', not seen')
            when 'waiting' then ', waiting for an appointment'
            else ', not scheduled'
        end
    ) as what,
    case
        when stands = 'seen' then 'ask the specialist for the report'
        when stands = 'booked' then 'see that the visit takes place'
        when stands in ('past', 'scheduled') then 'find out whether the visit took place'
        when status = 'on-hold' then 'find out whether it can go on'
        when stands in ('missed', 'cancelled') then 'schedule the visit again'
        when stands = 'waiting' then 'schedule the visit: the patient is on the waiting list'
        else 'schedule the visit'
    end as next_step,
    coalesce(
        out_because, case when days <= 14 and not urgent then 'no older than 14 days and not urgent' end
    ) as left_out
from told
