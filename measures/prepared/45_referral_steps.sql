-- One row for each referral with the day on which it reached each step of the nine-step loop (`measures.md` RF-FUNNEL: step
-- wording ours, middle steps [K]). Orders of a patient to the same specialty no more than 7 days after the one before are one
-- referral [P]: the first, which carries the steps of all. So is an order to the same specialty up to 30 days after the one before
-- was rejected without a visit: the patient goes on waiting [P]. Only steps that were completed, on or after the day of the order,
-- count; an appointment that names the referral stands in for the steps scheduled and seen (the first that was kept), where it is
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
with answered as (
    select
        referral_id,
        patient_id,
        max(case when step = 'rejected' then occurred_date end) as rejected_on,
        min(case when step = 'completed' then occurred_date end) as seen_on
    from lake.referral_event
    where coalesce(status, 'completed') = 'completed'
    group by referral_id, patient_id
),
judged as (
    select
        r.*,
        a.rejected_on,
        a.seen_on,
        case
            when r.status = 'entered-in-error' then 'entered_in_error'
            when r.status = 'revoked' then 'cancelled'
            when r.status = 'draft' then 'draft'
            when coalesce(r.intent, 'order') <> 'order' then 'intent'
            when r.ordered_date < $period_start or r.ordered_date > $period_end then 'outside_period'
        end as unfit
    from lake.referral r
    left join answered a on a.referral_id = r.referral_id and a.patient_id = r.patient_id
),
-- A rejected referral may have been revoked too; it stays in line, since the next one may take it up.
in_line as (
    select judged.*, unfit is null or (unfit = 'cancelled' and rejected_on is not null) as stands
    from judged
),
chained as (
    select
        in_line.*,
        case
            when specialty is null then 1
            when unfit is null
                and lag(unfit is null) over same_request
                and cast(ordered_date as int) - cast(lag(ordered_date) over same_request as int) <= 7
                then 0
            when lag(seen_on) over same_request is null
                and cast(ordered_date as int) - cast(lag(rejected_on) over same_request as int) between 0 and 30
                then 0
            else 1
        end as begins
    from in_line
    window same_request as (
        partition by patient_id, stands, specialty order by ordered_date, ordered_at nulls last, referral_id
    )
),
numbered as (
    select
        chained.*,
        sum(begins) over (
            partition by patient_id, stands, specialty
            order by ordered_date, ordered_at nulls last, referral_id
            rows between unbounded preceding and current row
        ) as request
    from chained
),
placed as (
    select
        numbered.*,
        case when stands then first_value(referral_id) over in_order else referral_id end as of_referral_id,
        bool_or(unfit is null) over in_order as taken_up,
        last_value(status) over in_order as last_status
    from numbered
    window in_order as (
        partition by patient_id, stands, specialty, request
        order by ordered_date, ordered_at nulls last, referral_id
        rows between unbounded preceding and unbounded following
    )
),
-- A revoked referral that was sent again goes on: it is as fit as the one that took it up, and stands as that one does.
merged as (
    select
        placed.*,
        case
            when unfit = 'cancelled' and stands and taken_up then
                case when ordered_date < $period_start or ordered_date > $period_end then 'outside_period' end
            else unfit
        end as unfit_now,
        case when unfit = 'cancelled' and stands and taken_up then last_status else status end as status_now
    from placed
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
-- With each step the last one by which something was done for the referral: what was rejected, cancelled or expired before it was
-- taken up again, and goes on.
in_time as (
    select
        d.*,
        coalesce(
            max(case when d.step in ('sent', 'reviewed', 'scheduled', 'no_show', 'completed') then d.day end)
                over (partition by d.patient_id, d.of_referral_id),
            d.day
        ) as last_step
    from dated d
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
    join in_time d on d.of_referral_id = m.referral_id and d.patient_id = m.patient_id
    where m.of_referral_id = m.referral_id and d.day >= m.ordered_date
    group by m.patient_id, m.referral_id
),
-- The day from which a letter may be the report: that of the visit; else the last day that was planned for it.
expected as (
    select
        s.patient_id,
        s.referral_id,
        coalesce(s.seen_date, greatest(s.scheduled_date, b.booked_for)) as from_day
    from steps s
    left join (
        select m.of_referral_id, m.patient_id, max(a.start_date) as booked_for
        from merged m
        join lake.appointment a on a.referral_id = m.referral_id and a.patient_id = m.patient_id
        where a.status in ('booked', 'arrived', 'checked-in')
        group by m.of_referral_id, m.patient_id
    ) b on b.of_referral_id = s.referral_id and b.patient_id = s.patient_id
),
after_visit as (
    select
        x.patient_id,
        x.referral_id,
        min(d.day) filter (where d.step = 'report_received') as report_date,
        min(d.day) filter (where d.step = 'report_acknowledged') as acknowledged_date,
        min(d.day) filter (where d.step = 'patient_informed') as informed_date
    from expected x
    join dated d on d.of_referral_id = x.referral_id and d.patient_id = x.patient_id
    where d.step in ('report_received', 'report_acknowledged', 'patient_informed')
      and d.day >= x.from_day
    group by x.patient_id, x.referral_id
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
    left join expected x on x.referral_id = s.referral_id and x.patient_id = s.patient_id
    left join after_visit v on v.referral_id = s.referral_id and v.patient_id = s.patient_id
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
left join ended e on e.referral_id = m.referral_id and e.patient_id = m.patient_id
left join lake.practitioner receiver on receiver.practitioner_id = m.referred_to_practitioner_id
