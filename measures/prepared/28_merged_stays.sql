-- Acute inpatient stays, one row for each: the rows of `stay_rows` put together. What stood at admission comes from the first
-- row, what stood at discharge from the last (the disposition from the last that was closed); a procedure of any row counts for
-- the stay.
-- A row that was never closed does not leave the whole stay open: a discharge after it closes it too [P].
-- A stay is planned if it is always planned, or potentially planned and not acute; without loaded tables an elective
-- admission stands in for "potentially planned". That the stay before ended with a planned return (dispositions 81 to 95) makes
-- none planned, and its absence makes none unplanned: the publisher's rule looks at procedures and diagnoses alone [V].
with put_together as (
    select
        patient_id,
        organization_id,
        hospital,
        of_encounter_id as first_encounter_id,
        array_agg(encounter_id) over of_stay as encounter_ids,
        count(*) over of_stay as encounter_rows,
        lead(encounter_id) over (
            partition by patient_id, hospital, stay_number order by start_date, end_date nulls last, encounter_id
        ) as following_row,
        min(start_date) over of_stay as start_date,
        max(case when end_date is null then start_date end) over of_stay as latest_open_date,
        max(end_date) over of_stay as latest_end_date,
        first_value(admission_type) over of_stay as admission_type,
        first_value(admit_source) over of_stay as admit_source,
        bool_or(always_planned) over of_stay as always_planned,
        bool_or(potentially_planned_procedure) over of_stay as potentially_planned_procedure,
        first_value(elective_stands_in) over of_stay as elective_stands_in,
        first_value(acute_diagnosis) over of_stay as acute_diagnosis,
        practitioner_id,
        coalesce(
            nullif(
                last_value(case when end_date is not null then coalesce(discharge_disposition, '') end) ignore nulls over of_stay, ''
            ),
            discharge_disposition
        ) as discharge_disposition,
        primary_diagnosis,
        condition_group,
        specialty_cohort,
        excluded_condition,
        sum(amount_paid) over of_stay as amount_paid
    from prepared.stay_rows
    where because not in ('status', 'copy')
    -- In order and running: what the last row of a stay has seen is the stay, and only one stay is held at a time.
    window of_stay as (
        partition by patient_id, hospital, stay_number
        order by start_date, end_date nulls last, encounter_id
        rows between unbounded preceding and current row
    )
)
select
    array_to_string(encounter_ids, '+') as stay_id,
    patient_id,
    organization_id,
    hospital,
    practitioner_id,
    first_encounter_id,
    encounter_rows,
    start_date,
    case when latest_open_date is null or latest_open_date < latest_end_date then latest_end_date end as end_date,
    admission_type,
    admit_source,
    discharge_disposition,
    disposition_kind(discharge_disposition) as disposition_kind,
    primary_diagnosis,
    condition_group,
    specialty_cohort,
    excluded_condition,
    always_planned or ((potentially_planned_procedure or elective_stands_in) and not acute_diagnosis) as planned,
    amount_paid
from put_together
where following_row is null
