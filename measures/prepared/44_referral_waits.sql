-- One row for each referral and `scope` with the day on which it reached each step of the nine-step loop (`measures.md` RF-FUNNEL: step
-- wording ours, middle steps [K]). Scope `patient`: orders that are one referral for the patient (`referral_chains`) are the first of
-- them, which carries the steps of all. Scope `organization`: the same for the organization that is asked, so that each has its own
-- share of a referral that was rejected and sent on. Only steps that were completed, on or after the day of the order, count; an appointment that names the referral stands in for the steps scheduled and seen (the first that was kept), where it is
-- earlier. It proves that the visit was scheduled on the day of booking; where that is not known, or lies before the order, on the
-- day for which it was booked at the latest, or the day on which it was cancelled or the extracts were taken, if that came first.
-- `left_out`: entered_in_error, cancelled (revoked), draft, intent (not an order), outside_period, duplicate.
-- `…_date` is the recorded day of a step, of a report and what follows it the first day on or after the visit where there is one: a
-- letter that came before the visit acknowledges the referral and is no report [P]. `…_reached` is that day; of a step that is not
-- recorded the first day of a later one that proves it, since a referral that was seen was scheduled, recorded or not [P].
-- A report proves a visit only from the last day on which the visit was scheduled or for which it was booked, since an
-- acknowledgement may come before [P].
-- `ended_as`: rejected, cancelled or expired, whichever was first, of a referral that was not seen and for which nothing was done after
-- it.
-- Most orders are one referral for both scopes, with the same steps: what is found of them for the patient is taken for the organization
-- too. `twice` are those of which the two differ, which are looked at once more.
with twice as (
    select patient_id, of_referral_id as referral_id from prepared.referral_chains where own_referral_id <> of_referral_id
    union
    select patient_id, own_referral_id from prepared.referral_chains where own_referral_id <> of_referral_id
),
merged as (
    select c.*, 'patient' as scope, t.referral_id is null as for_both
    from prepared.referral_chains c
    left join twice t on t.referral_id = c.of_referral_id and t.patient_id = c.patient_id
    union all
    select c.* replace (own_referral_id as of_referral_id), 'organization', false
    from prepared.referral_chains c
    join twice t on t.referral_id = c.of_referral_id and t.patient_id = c.patient_id
),
dated as (
    select m.scope, m.patient_id, m.of_referral_id, e.step, e.occurred_date as day
    from merged m
    join lake.referral_event e on e.referral_id = m.referral_id and e.patient_id = m.patient_id
    where coalesce(e.status, 'completed') = 'completed'
    union all
    select
        m.scope,
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
    select m.scope, m.patient_id, m.of_referral_id, case when a.status = 'noshow' then 'no_show' else 'completed' end, a.start_date
    from merged m
    join lake.appointment a on a.referral_id = m.referral_id and a.patient_id = m.patient_id
    where a.status in ('fulfilled', 'noshow')
    union all
    -- An order that takes an earlier one up again is something that was done for it.
    select m.scope, m.patient_id, m.of_referral_id, 'ordered_again', m.ordered_date
    from merged m
    where m.referral_id <> m.of_referral_id
),
-- With each step the last one by which something was done for the referral: what was rejected, cancelled or expired before it was
-- taken up again, and goes on.
in_time as (
    select
        d.*,
        coalesce(
            max(case when d.step in ('ordered_again', 'sent', 'reviewed', 'scheduled', 'no_show', 'completed') then d.day end)
                over (partition by d.scope, d.patient_id, d.of_referral_id),
            d.day
        ) as last_step
    from dated d
),
steps as (
    select
        m.scope,
        m.patient_id,
        m.referral_id,
        min(d.day) filter (where d.step = 'sent') as sent_date,
        min(d.day) filter (where d.step = 'reviewed') as reviewed_date,
        min(d.day) filter (where d.step = 'scheduled') as scheduled_date,
        min(d.day) filter (where d.step = 'completed') as seen_date,
        min(d.day) filter (where d.step = 'plan_to_patient') as plan_date,
        min(d.day) filter (where d.step = 'report_received') as first_report_date,
        min(d.day) filter (where d.step = 'report_acknowledged') as first_acknowledged_date,
        min(d.day) filter (where d.step = 'patient_informed') as first_informed_date,
        min(d.day) filter (where d.step = 'no_show') as no_show_date,
        min(d.day) filter (where d.step = 'rejected') as rejected_date,
        min(d.day) filter (where d.step = 'expired') as expired_date,
        min(d.day) filter (where d.step = 'rejected' and d.day >= d.last_step) as rejected_at_last,
        min(d.day) filter (where d.step = 'cancelled' and d.day >= d.last_step) as cancelled_at_last,
        min(d.day) filter (where d.step = 'expired' and d.day >= d.last_step) as expired_at_last
    from merged m
    join in_time d on d.scope = m.scope and d.of_referral_id = m.referral_id and d.patient_id = m.patient_id
    where m.of_referral_id = m.referral_id and d.day >= m.ordered_date
    group by m.scope, m.patient_id, m.referral_id
),
-- The day from which a letter may be the report: that of the visit; else the last day that was planned for it.
expected as (
    select
        s.scope,
        s.patient_id,
        s.referral_id,
        coalesce(s.seen_date, greatest(s.scheduled_date, b.booked_for)) as from_day
    from steps s
    left join (
        select m.scope, m.of_referral_id, m.patient_id, max(a.start_date) as booked_for
        from merged m
        join lake.appointment a on a.referral_id = m.referral_id and a.patient_id = m.patient_id
        where a.status in ('booked', 'arrived', 'checked-in')
        group by m.scope, m.of_referral_id, m.patient_id
    ) b on b.scope = s.scope and b.of_referral_id = s.referral_id and b.patient_id = s.patient_id
),
after_visit as (
    select
        x.scope,
        x.patient_id,
        x.referral_id,
        min(d.day) filter (where d.step = 'report_received') as report_date,
        min(d.day) filter (where d.step = 'report_acknowledged') as acknowledged_date,
        min(d.day) filter (where d.step = 'patient_informed') as informed_date
    from expected x
    join dated d on d.scope = x.scope and d.of_referral_id = x.referral_id and d.patient_id = x.patient_id
    where d.step in ('report_received', 'report_acknowledged', 'patient_informed')
      and d.day >= x.from_day
    group by x.scope, x.patient_id, x.referral_id
),
ended as (
    select
        s.*,
        coalesce(case when s.seen_date is not null then v.report_date end, s.first_report_date) as report_date,
        coalesce(case when s.seen_date is not null then v.acknowledged_date end, s.first_acknowledged_date) as acknowledged_date,
        coalesce(case when s.seen_date is not null then v.informed_date end, s.first_informed_date) as informed_date,
        -- What proves a visit that is not recorded.
        case
            when x.from_day is null then least(s.first_report_date, s.first_acknowledged_date, s.first_informed_date)
            else least(v.report_date, v.acknowledged_date, v.informed_date)
        end as proof_of_visit,
        least(s.first_report_date, s.first_acknowledged_date, s.first_informed_date) as first_letter,
        least(s.rejected_at_last, s.cancelled_at_last, s.expired_at_last) as first_end
    from steps s
    left join expected x on x.scope = s.scope and x.referral_id = s.referral_id and x.patient_id = s.patient_id
    left join after_visit v on v.scope = s.scope and v.referral_id = s.referral_id and v.patient_id = s.patient_id
)
select
    scopes.scope,
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
    m.status_now as status,
    m.ordered_date,
    m.reason is not null as has_reason,
    m.clinical_question is not null as has_question,
    m.priority is not null as has_priority,
    coalesce(m.unfit_now, case when m.of_referral_id <> m.referral_id then 'duplicate' end) as left_out,
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
from merged m
join (select 'patient' as scope union all select 'organization') scopes on scopes.scope = m.scope or m.for_both
left join ended e on e.scope = m.scope and e.referral_id = m.referral_id and e.patient_id = m.patient_id
left join lake.practitioner receiver on receiver.practitioner_id = m.referred_to_practitioner_id
