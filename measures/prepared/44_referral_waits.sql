-- One row for each referral and `scope` with the day on which it reached each step of the nine-step loop (`measures.md` RF-FUNNEL: step
-- wording ours, middle steps [K]). Scope `patient`: orders that are one referral for the patient (`referral_chains`) are the first of
-- them, which carries the steps of all. Scope `organization`: the same for the organization that is asked, so that each has its own
-- share of a referral that was rejected and sent on. Only steps that were completed, on or after the day of the order, count; an
-- appointment that names the referral stands in for the steps scheduled and seen (the first that was kept), where it is earlier. It
-- proves that the visit was scheduled on the day of booking; where that is not known, or lies before the order, on the day for which it
-- was booked at the latest, or the day on which it was cancelled or the extracts were taken, if that came first.
-- `left_out`: entered_in_error, cancelled (revoked), draft, intent (not an order), outside_period, duplicate.
-- `…_date` is the recorded day of a step, of a report and what follows it the first day on or after the visit where there is one: a
-- letter that came before the visit acknowledges the referral and is no report [P]. `…_reached` is that day; of a step that is not
-- recorded the first day of a later one that proves it, since a referral that was seen was scheduled, recorded or not [P].
-- A report proves a visit only from the last day on which the visit was scheduled or for which it was booked, since an
-- acknowledgement may come before [P].
-- `ended_as`: rejected, cancelled or expired, whichever was first, of a referral that was not seen and for which nothing was done after
-- it.
-- Most patients have the same referrals in both scopes: theirs are looked at once, as scope `both`. `twice` are the others.
with twice as (
    select distinct patient_id from prepared.referral_chains where own_referral_id <> of_referral_id
),
orders as (
    select
        s.scope,
        c.patient_id,
        c.referral_id,
        c.ordered_date,
        case when s.scope = 'organization' then c.own_referral_id else c.of_referral_id end as of_referral_id
    from (
        select 'both' as scope, false as apart
        union all
        select 'patient', true
        union all
        select 'organization', true
    ) s
    join (
        select c.patient_id, c.referral_id, c.ordered_date, c.of_referral_id, c.own_referral_id, t.patient_id is not null as apart
        from twice t
        right join prepared.referral_chains c on c.patient_id = t.patient_id
    ) c on c.apart = s.apart
),
-- What is recorded of each order. An appointment has two days for step `scheduled`: which of them counts depends on the order's own.
recorded as (
    select patient_id, referral_id, step, occurred_date as day, cast(null as date) as booked_date, cast(null as date) as booked_for
    from lake.referral_event
    where coalesce(status, 'completed') = 'completed'
    union all
    select
        patient_id,
        referral_id,
        'scheduled' as step,
        least(start_date, cancelled_date, $data_through) as day,
        booked_date,
        start_date as booked_for
    from lake.appointment
    where status not in ('proposed', 'pending', 'waitlist', 'entered-in-error')
    union all
    select
        patient_id,
        referral_id,
        case status when 'noshow' then 'no_show' when 'fulfilled' then 'completed' else 'booked' end as step,
        start_date as day,
        cast(null as date) as booked_date,
        cast(null as date) as booked_for
    from lake.appointment
    where status in ('fulfilled', 'noshow', 'booked', 'arrived', 'checked-in')
),
-- An order that takes an earlier one up again is something that was done for it, on `again_date`.
dated as (
    select
        o.scope,
        o.patient_id,
        o.of_referral_id as referral_id,
        m.ordered_date,
        case when o.referral_id <> o.of_referral_id then o.ordered_date end as again_date,
        r.step,
        case when r.booked_date >= o.ordered_date then least(r.booked_date, r.booked_for) else r.day end as day
    from prepared.referral_chains m
    join orders o on o.of_referral_id = m.referral_id and o.patient_id = m.patient_id
    left join recorded r on r.referral_id = o.referral_id and r.patient_id = o.patient_id
),
-- `last_step` is the last day on which something was done for the referral: what was rejected, cancelled or expired before it was taken
-- up again, and goes on. Referrals of which nothing is recorded on or after the day of the order have no row.
steps as (
    select
        scope,
        patient_id,
        referral_id,
        ordered_date,
        greatest(
            max(again_date),
            max(day) filter (where step in ('sent', 'reviewed', 'scheduled', 'no_show', 'completed'))
        ) as last_step,
        min(day) filter (where step = 'sent' and day >= ordered_date) as sent_date,
        min(day) filter (where step = 'reviewed' and day >= ordered_date) as reviewed_date,
        min(day) filter (where step = 'scheduled' and day >= ordered_date) as scheduled_date,
        min(day) filter (where step = 'completed' and day >= ordered_date) as seen_date,
        min(day) filter (where step = 'no_show' and day >= ordered_date) as no_show_date,
        max(day) filter (where step = 'booked' and day >= ordered_date) as booked_for
    from dated
    group by scope, patient_id, referral_id, ordered_date
    having greatest(max(again_date), max(day) filter (where step is distinct from 'booked')) >= ordered_date
),
-- `from_day` is the day from which a letter may be the report: that of the visit; else the last day that was planned for it.
expected as (
    select
        *,
        greatest(ordered_date, last_step) as ends_from,
        coalesce(seen_date, greatest(scheduled_date, booked_for)) as from_day
    from steps
),
-- The letters and the ends, which depend on those days. The steps found before are one row for each referral: `min` carries them on.
ended as (
    select
        s.scope,
        s.patient_id,
        s.referral_id,
        min(s.sent_date) as sent_date,
        min(s.reviewed_date) as reviewed_date,
        min(s.scheduled_date) as scheduled_date,
        min(s.seen_date) as seen_date,
        min(s.no_show_date) as no_show_date,
        min(s.from_day) as from_day,
        min(e.day) filter (where e.step = 'plan_to_patient' and e.day >= s.ordered_date) as plan_date,
        min(e.day) filter (where e.step = 'report_received' and e.day >= s.ordered_date) as first_report,
        min(e.day) filter (where e.step = 'report_acknowledged' and e.day >= s.ordered_date) as first_acknowledged,
        min(e.day) filter (where e.step = 'patient_informed' and e.day >= s.ordered_date) as first_informed,
        min(e.day) filter (where e.step = 'report_received' and e.day >= s.from_day) as report_after,
        min(e.day) filter (where e.step = 'report_acknowledged' and e.day >= s.from_day) as acknowledged_after,
        min(e.day) filter (where e.step = 'patient_informed' and e.day >= s.from_day) as informed_after,
        min(e.day) filter (where e.step = 'rejected' and e.day >= s.ordered_date) as rejected_date,
        min(e.day) filter (where e.step = 'expired' and e.day >= s.ordered_date) as expired_date,
        min(e.day) filter (where e.step = 'rejected' and e.day >= s.ends_from) as rejected_at_last,
        min(e.day) filter (where e.step = 'cancelled' and e.day >= s.ends_from) as cancelled_at_last,
        min(e.day) filter (where e.step = 'expired' and e.day >= s.ends_from) as expired_at_last
    from expected s
    left join (
        select o.scope, o.patient_id, o.of_referral_id, e.step, e.occurred_date as day
        from orders o
        join lake.referral_event e on e.referral_id = o.referral_id and e.patient_id = o.patient_id
        where coalesce(e.status, 'completed') = 'completed'
          and e.step not in ('ordered', 'sent', 'reviewed', 'scheduled', 'completed', 'report_sent')
    ) e on e.scope = s.scope and e.of_referral_id = s.referral_id and e.patient_id = s.patient_id
    group by s.scope, s.patient_id, s.referral_id
),
loops as (
    select
        e.*,
        coalesce(case when seen_date is not null then report_after end, first_report) as report_date,
        coalesce(case when seen_date is not null then acknowledged_after end, first_acknowledged) as acknowledged_date,
        coalesce(case when seen_date is not null then informed_after end, first_informed) as informed_date,
        -- What proves a visit that is not recorded.
        case
            when from_day is null then least(first_report, first_acknowledged, first_informed)
            else least(report_after, acknowledged_after, informed_after)
        end as proof_of_visit,
        least(first_report, first_acknowledged, first_informed) as first_letter,
        least(rejected_at_last, cancelled_at_last, expired_at_last) as first_end
    from ended e
)
select
    scopes.scope,
    m.referral_id,
    case when scopes.scope = 'patient' then m.of_referral_id else m.own_referral_id end as of_referral_id,
    m.patient_id,
    m.organization_id,
    m.referring_practitioner_id,
    m.referred_to_practitioner_id,
    m.specialty,
    m.priority,
    coalesce(m.receiving_organization_id, receiver.organization_id) as receiving_organization_id,
    m.in_network,
    m.status_now as status,
    m.ordered_date,
    m.reason is not null as has_reason,
    m.clinical_question is not null as has_question,
    m.priority is not null as has_priority,
    coalesce(
        m.unfit_now,
        case when case when scopes.scope = 'patient' then m.of_referral_id else m.own_referral_id end <> m.referral_id then 'duplicate' end
    ) as left_out,
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
    coalesce(e.sent_date, e.reviewed_date, least(e.scheduled_date, e.seen_date, e.first_letter)) as sent_reached,
    coalesce(e.reviewed_date, least(e.scheduled_date, e.seen_date, e.first_letter)) as reviewed_reached,
    coalesce(e.scheduled_date, e.seen_date, e.proof_of_visit) as scheduled_reached,
    coalesce(e.seen_date, e.proof_of_visit) as seen_reached,
    coalesce(e.report_date, least(e.acknowledged_date, e.informed_date)) as report_reached,
    coalesce(e.acknowledged_date, e.informed_date) as acknowledged_reached,
    e.informed_date as informed_reached,
    case when e.seen_date is null then e.first_end end as ended_date,
    case
        when e.seen_date is not null or e.first_end is null then null
        when e.first_end = e.rejected_at_last then 'rejected'
        when e.first_end = e.cancelled_at_last then 'cancelled'
        else 'expired'
    end as ended_as
from prepared.referral_chains m
cross join (select 'patient' as scope union all select 'organization') scopes
left join loops e on e.referral_id = m.referral_id and e.patient_id = m.patient_id and (e.scope = scopes.scope or e.scope = 'both')
left join lake.practitioner receiver on receiver.practitioner_id = m.referred_to_practitioner_id
