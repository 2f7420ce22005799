-- Hospital stays as measures of plans take them: inpatient rows (without copies) and observation, at whatever hospital, put
-- together while one begins no later than the day after the latest end before. One row for each; `planned` is that of the first
-- row, hospital, practitioner and disposition those of the row that ends last; `of_birth` says that a row's principal diagnosis is
-- of pregnancy or the perinatal period. A row that was never closed reaches no further than its first day, and a later end closes
-- it too, as for `stay_rows`.
with hospital_rows as (
    select
        patient_id,
        encounter_id,
        organization_id,
        practitioner_id,
        start_date,
        end_date,
        primary_diagnosis,
        disposition_kind(discharge_disposition) as disposition_kind,
        always_planned or ((potentially_planned_procedure or elective_stands_in) and not acute_diagnosis) as planned
    from prepared.stay_rows
    where because not in ('status', 'copy')
    union all
    select
        patient_id, encounter_id, organization_id, practitioner_id, start_date, end_date, primary_diagnosis, disposition_kind,
        false
    from prepared.other_stays
    where class = 'observation'
),
numbered as (
    select
        chained.*,
        sum(case when end_before is null or days_between(end_before, start_date) > 1 then 1 else 0 end) over (
            partition by patient_id order by start_date, end_date nulls last, encounter_id
            rows between unbounded preceding and current row
        ) as stay_number
    from (
        select
            hospital_rows.*,
            max(coalesce(end_date, start_date)) over (
                partition by patient_id
                order by start_date, end_date nulls last, encounter_id
                rows between unbounded preceding and 1 preceding
            ) as end_before
        from hospital_rows
    ) chained
),
put_together as (
    select
        patient_id,
        array_agg(encounter_id) over of_stay as encounter_ids,
        lead(encounter_id) over (
            partition by patient_id, stay_number order by start_date, end_date nulls last, encounter_id
        ) as following_row,
        min(start_date) over of_stay as start_date,
        max(case when end_date is null then start_date end) over of_stay as latest_open_date,
        max(end_date) over of_stay as latest_end_date,
        first_value(organization_id) over last_to_end as organization_id,
        first_value(practitioner_id) over last_to_end as practitioner_id,
        first_value(disposition_kind) over last_to_end as disposition_kind,
        first_value(planned) over of_stay as planned,
        bool_or(coalesce(upper(substr(primary_diagnosis, 1, 1)) in ('O', 'P'), false)) over of_stay as of_birth
    from numbered
    -- Running: what the last row of a stay has seen is the stay, and only one stay is held at a time.
    window
        of_stay as (
            partition by patient_id, stay_number
            order by start_date, end_date nulls last, encounter_id
            rows between unbounded preceding and current row
        ),
        last_to_end as (
            partition by patient_id, stay_number
            order by coalesce(end_date, start_date) desc, start_date desc, encounter_id desc
            rows between unbounded preceding and current row
        )
)
select
    patient_id,
    array_to_string(encounter_ids, '+') as stay_id,
    start_date,
    case when latest_open_date is null or latest_open_date < latest_end_date then latest_end_date end as end_date,
    organization_id,
    practitioner_id,
    disposition_kind,
    planned,
    of_birth
from put_together
where following_row is null
