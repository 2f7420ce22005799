-- Acute inpatient stays, one row for each: the rows of `stay_rows` put together, in order of time. What stood at admission
-- comes from the first row, what stood at discharge from the last; a procedure of any row counts for the stay.
-- A stay followed by an admission to another hospital no later than the day after discharge is transferred out [V].
-- The next stay is the next acute stay of the patient, whatever its hospital.
-- A stay is planned if it is always planned, or potentially planned and not acute; without loaded tables an elective
-- admission stands in for "potentially planned".
-- `age` is in completed years at admission. `left_out` is the first reason that keeps a stay out of measures of discharges:
-- no_discharge, outside_period, died_in_hospital (20, 40, 41, 42, or no disposition and a death within the stay),
-- transferred_out. Measures add their own reasons after these.
with put_together as (
    select
        patient_id,
        organization_id,
        of_encounter_id as first_encounter_id,
        array_agg(encounter_id) over of_stay as encounter_ids,
        count(*) over of_stay as encounter_rows,
        lead(encounter_id) over (
            partition by patient_id, organization_id, stay_number order by start_date, end_date nulls last, encounter_id
        ) as following_row,
        min(start_date) over of_stay as start_date,
        count(end_date) over of_stay as ended_rows,
        max(end_date) over of_stay as latest_end_date,
        first_value(admission_type) over of_stay as admission_type,
        first_value(admit_source) over of_stay as admit_source,
        bool_or(always_planned) over of_stay as always_planned,
        bool_or(potentially_planned_procedure) over of_stay as potentially_planned_procedure,
        first_value(elective_stands_in) over of_stay as elective_stands_in,
        first_value(acute_diagnosis) over of_stay as acute_diagnosis,
        practitioner_id,
        discharge_disposition,
        primary_diagnosis,
        condition_group,
        specialty_cohort,
        excluded_condition,
        sum(amount_paid) over of_stay as amount_paid
    from prepared.stay_rows
    where because not in ('status', 'copy')
    -- In order and running: what the last row of a stay has seen is the stay, and only one stay is held at a time.
    window of_stay as (
        partition by patient_id, organization_id, stay_number
        order by start_date, end_date nulls last, encounter_id
        rows between unbounded preceding and current row
    )
),
merged as (
    select
        put_together.*,
        array_to_string(encounter_ids, '+') as stay_id,
        case when ended_rows = encounter_rows then latest_end_date end as end_date
    from put_together
    where following_row is null
),
classified as (
    select
        merged.*,
        (always_planned or ((potentially_planned_procedure or elective_stands_in) and not acute_diagnosis)) as planned
    from merged
),
followed as (
    select
        classified.*,
        lead(stay_id) over by_patient as next_stay_id,
        lead(start_date) over by_patient as next_start_date,
        lead(organization_id) over by_patient as next_organization_id,
        lead(planned) over by_patient as next_planned,
        lag(organization_id) over by_patient as organization_before,
        lag(end_date) over by_patient as end_date_before
    from classified
    window by_patient as (partition by patient_id order by start_date, end_date nulls last, stay_id)
),
timed as (
    select
        followed.*,
        cast(next_start_date as int) - cast(end_date as int) as days_to_next,
        coalesce(
            next_organization_id <> organization_id and cast(next_start_date as int) - cast(end_date as int) <= 1, false
        ) as transferred_out,
        coalesce(
            organization_before <> organization_id and cast(start_date as int) - cast(end_date_before as int) <= 1, false
        ) as transferred_in
    from followed
),
aged as (
    select
        timed.*,
        p.birth_date,
        timed.discharge_disposition in ('20', '40', '41', '42')
            or (timed.discharge_disposition is null and p.deceased_date between timed.start_date and timed.end_date)
            as died
    from timed
    left join prepared.person p on p.patient_id = timed.patient_id
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
    cast(cast(t.end_date as int) - cast(t.start_date as int) as bigint) as days,
    t.admission_type,
    t.admit_source,
    t.discharge_disposition,
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
    coalesce(t.died, false) as died_in_hospital,
    date_part('year', t.start_date) - date_part('year', t.birth_date)
        - case when to_char(t.start_date, '%m%d') < to_char(t.birth_date, '%m%d') then 1 else 0 end as age,
    case
        when t.end_date is null then 'no_discharge'
        when t.end_date < $period_start or t.end_date > $period_end then 'outside_period'
        when t.died then 'died_in_hospital'
        when t.transferred_out then 'transferred_out'
    end as left_out
from aged t
