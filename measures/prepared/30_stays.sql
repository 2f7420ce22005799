-- Acute inpatient stays, one row for each, in order of time, with what followed.
-- `next_…` is the first acute stay of the patient that begins on the day of discharge or later, whatever its hospital. A stay that
-- lies inside another one (at another hospital: those at the same hospital are one stay) is a stay of its own, but follows nothing
-- and is no transfer: the patient had not left [P]. So is a stay that begins inside another one and was never closed.
-- A stay is transferred out where the next one is at another hospital and begins no later than the day after discharge [V], or
-- begins before it and outlasts it. Where the hospital of one of them is not known, the disposition tells: to another hospital
-- (02, 05, 43 or 66, with a planned return or not) and a stay on the same or the next day [P].
-- `base_disposition` is the disposition without a planned return, `planned_return` says that it had one, `disposition_kind` where
-- the patient went.
-- `in_hospital_until` is the day of discharge; of a stay that was never closed the day on which the next one begins, since it had
-- ended by then; empty where none begins.
-- `age` is in completed years at admission. `left_out` is the first reason that keeps a stay out of measures of discharges:
-- no_discharge, outside_period, died_in_hospital (20, 40, 41, 42, or a date of death within the stay, whatever the disposition
-- says, unless the patient was transferred), transferred_out. Measures add their own reasons after these.
with framed as (
    select
        m.*,
        -- Of stays that begin on one day those of a day come first, then the longest.
        max(m.end_date) over (
            partition by m.patient_id
            order by m.start_date, coalesce(m.end_date = m.start_date, false) desc, m.end_date desc nulls last, m.stay_id
            rows between unbounded preceding and 1 preceding
        ) as latest_end_before
    from prepared.merged_stays m
),
placed as (
    select
        framed.*,
        coalesce(start_date < latest_end_before and coalesce(end_date, start_date) <= latest_end_before, false) as inside
    from framed
),
followed as (
    select
        placed.*,
        lead(case when not inside then stay_id end) ignore nulls over by_patient as next_stay_id,
        lead(case when not inside then start_date end) ignore nulls over by_patient as next_start_date,
        lead(case when not inside then coalesce(end_date, date '9999-12-31') end) ignore nulls over by_patient as next_end_date,
        lead(case when not inside then coalesce(hospital, '') end) ignore nulls over by_patient as next_hospital,
        lead(case when not inside then planned end) ignore nulls over by_patient as next_planned
    from placed
    window by_patient as (
        partition by patient_id
        order by start_date, coalesce(end_date = start_date, false) desc, end_date desc nulls last, stay_id
    )
),
timed as (
    select
        followed.*,
        days_between(end_date, next_start_date) as days_to_next,
        coalesce(
            not inside
            and days_between(end_date, next_start_date) <= 1
            and (next_start_date >= end_date or next_end_date > end_date)
            and case
                when hospital is null or next_hospital = '' then disposition_kind = 'hospital'
                else next_hospital <> hospital
            end,
            false
        ) as transferred_out
    from followed
),
received as (
    select
        timed.*,
        not inside and coalesce(
            lag(case when not inside then transferred_out end) ignore nulls over (
                partition by patient_id
                order by start_date, coalesce(end_date = start_date, false) desc, end_date desc nulls last, stay_id
            ),
            false
        ) as transferred_in
    from timed
),
aged as (
    select
        received.*,
        p.birth_date,
        coalesce(disposition_kind = 'died', false)
            or coalesce(p.deceased_date between received.start_date and received.end_date and not transferred_out, false) as died
    from received
    left join prepared.person p on p.patient_id = received.patient_id
)
select
    t.stay_id,
    t.patient_id,
    t.organization_id,
    t.practitioner_id,
    t.first_encounter_id,
    t.encounter_rows,
    t.start_date,
    t.end_date,
    cast(days_between(t.start_date, t.end_date) as bigint) as days,
    coalesce(t.end_date, t.next_start_date) as in_hospital_until,
    t.admission_type,
    t.admit_source,
    t.discharge_disposition,
    base_disposition(t.discharge_disposition) as base_disposition,
    planned_return(t.discharge_disposition) as planned_return,
    t.disposition_kind,
    t.primary_diagnosis,
    t.condition_group,
    t.specialty_cohort,
    t.excluded_condition,
    t.planned,
    t.amount_paid,
    t.next_stay_id,
    t.next_start_date,
    t.next_planned,
    t.days_to_next,
    t.transferred_out,
    t.transferred_in,
    t.died as died_in_hospital,
    age_at(t.birth_date, t.start_date) as age,
    case
        when t.end_date is null then 'no_discharge'
        when t.end_date < $period_start or t.end_date > $period_end then 'outside_period'
        when t.died then 'died_in_hospital'
        when t.transferred_out then 'transferred_out'
    end as left_out
from aged t
