-- One row for each referral with the day on which it reached each step of the nine-step loop (`measures.md` RF-FUNNEL: step
-- wording ours, middle steps [K]). Orders of a patient to the same specialty no more than 7 days after the one before are one
-- referral [P]: the first, which carries the steps of all. Only steps that were completed, on or after the day of the order,
-- count; an appointment that names the referral stands in for the steps scheduled and seen (the first that was kept), where it is
-- earlier. It proves that the visit was scheduled on the day of booking; where that is not known, or lies before the order, on the
-- day for which it was booked at the latest, or the day on which it was cancelled or the extracts were taken, if that came first.
-- `left_out`: entered_in_error, cancelled (revoked), draft, intent (not an order), outside_period, duplicate.
-- `…_date` is the recorded day of a step; `…_reached` the first day of that step or of any later one, since a referral that was
-- seen was scheduled, recorded or not [P].
-- `ended_as`: rejected, cancelled or expired, whichever was first, of a referral that was not seen.
with judged as (
    select
        r.*,
        case
            when status = 'entered-in-error' then 'entered_in_error'
            when status = 'revoked' then 'cancelled'
            when status = 'draft' then 'draft'
            when coalesce(intent, 'order') <> 'order' then 'intent'
            when ordered_date < $period_start or ordered_date > $period_end then 'outside_period'
        end as unfit
    from lake.referral r
),
chained as (
    select
        judged.*,
        case
            when specialty is null then 1
            when cast(ordered_date as int) - cast(lag(ordered_date) over same_request as int) <= 7 then 0
            else 1
        end as begins
    from judged
    window same_request as (
        partition by patient_id, unfit is null, specialty order by ordered_date, ordered_at nulls last, referral_id
    )
),
numbered as (
    select
        chained.*,
        sum(begins) over (
            partition by patient_id, unfit is null, specialty
            order by ordered_date, ordered_at nulls last, referral_id
            rows between unbounded preceding and current row
        ) as request
    from chained
),
merged as (
    select
        numbered.*,
        case
            when unfit is not null then referral_id
            else first_value(referral_id) over (
                partition by patient_id, unfit is null, specialty, request
                order by ordered_date, ordered_at nulls last, referral_id
            )
        end as of_referral_id
    from numbered
),
dated as (
    select m.patient_id, m.of_referral_id, e.step, e.occurred_date as day
    from merged m
    join lake.referral_event e on e.referral_id = m.referral_id and e.patient_id = m.patient_id
    where coalesce(e.status, 'completed') = 'completed'
    union all
    select
        m.patient_id,
        m.of_referral_id,
        'scheduled',
        case
            when a.booked_date >= m.ordered_date then least(a.booked_date, a.start_date)
            else least(a.start_date, a.cancelled_date, $data_through)
        end
    from merged m
    join lake.appointment a on a.referral_id = m.referral_id and a.patient_id = m.patient_id
    where a.status not in ('proposed', 'pending', 'waitlist', 'entered-in-error')
    union all
    select m.patient_id, m.of_referral_id, case when a.status = 'noshow' then 'no_show' else 'completed' end, a.start_date
    from merged m
    join lake.appointment a on a.referral_id = m.referral_id and a.patient_id = m.patient_id
    where a.status in ('fulfilled', 'noshow')
),
steps as (
    select
        m.patient_id,
        m.referral_id,
        min(d.day) filter (where d.step = 'sent') as sent_date,
        min(d.day) filter (where d.step = 'reviewed') as reviewed_date,
        min(d.day) filter (where d.step = 'scheduled') as scheduled_date,
        min(d.day) filter (where d.step = 'completed') as seen_date,
        min(d.day) filter (where d.step = 'plan_to_patient') as plan_date,
        min(d.day) filter (where d.step = 'report_received') as report_date,
        min(d.day) filter (where d.step = 'report_acknowledged') as acknowledged_date,
        min(d.day) filter (where d.step = 'patient_informed') as informed_date,
        min(d.day) filter (where d.step = 'no_show') as no_show_date,
        min(d.day) filter (where d.step = 'rejected') as rejected_date,
        min(d.day) filter (where d.step = 'cancelled') as cancelled_date,
        min(d.day) filter (where d.step = 'expired') as expired_date
    from merged m
    join dated d on d.of_referral_id = m.referral_id and d.patient_id = m.patient_id
    where m.of_referral_id = m.referral_id and d.day >= m.ordered_date
    group by m.patient_id, m.referral_id
),
ended as (
    select steps.*, least(rejected_date, cancelled_date, expired_date) as first_end
    from steps
)
select
    m.referral_id,
    m.of_referral_id,
    m.patient_id,
    m.organization_id,
    m.referring_practitioner_id,
    m.referred_to_practitioner_id,
    m.specialty,
    m.priority,
    coalesce(m.receiving_organization_id, receiver.organization_id) as receiving_organization_id,
    m.in_network,
    m.status,
    m.ordered_date,
    m.reason is not null as has_reason,
    m.clinical_question is not null as has_question,
    m.priority is not null as has_priority,
    coalesce(m.unfit, case when m.of_referral_id <> m.referral_id then 'duplicate' end) as left_out,
    e.sent_date,
    e.reviewed_date,
    e.scheduled_date,
    e.seen_date,
    e.plan_date,
    e.report_date,
    e.acknowledged_date,
    e.informed_date,
    e.no_show_date,
    e.rejected_date,
    e.expired_date,
    least(e.sent_date, e.reviewed_date, e.scheduled_date, e.seen_date, e.report_date, e.acknowledged_date, e.informed_date)
        as sent_reached,
    least(e.reviewed_date, e.scheduled_date, e.seen_date, e.report_date, e.acknowledged_date, e.informed_date)
        as reviewed_reached,
    least(e.scheduled_date, e.seen_date, e.report_date, e.acknowledged_date, e.informed_date) as scheduled_reached,
    least(e.seen_date, e.report_date, e.acknowledged_date, e.informed_date) as seen_reached,
    least(e.report_date, e.acknowledged_date, e.informed_date) as report_reached,
    least(e.acknowledged_date, e.informed_date) as acknowledged_reached,
    e.informed_date as informed_reached,
    case when e.seen_date is null then e.first_end end as ended_date,
    case
        when e.seen_date is not null or e.first_end is null then null
        when e.first_end = e.rejected_date then 'rejected'
        when e.first_end = e.cancelled_date then 'cancelled'
        else 'expired'
    end as ended_as
from merged m
left join ended e on e.referral_id = m.referral_id and e.patient_id = m.patient_id
left join lake.practitioner receiver on receiver.practitioner_id = m.referred_to_practitioner_id
