-- Which acute inpatient row belongs to which stay, and why (`measures.md` 0.5 and 1 [V]). Column `because`:
--   status           cancelled, planned or entered in error: in no stay;
--   copy             the same stay as `of_encounter_id`, which is kept: same patient, hospital, admission and discharge; or the same
--                    patient and the same nights under another hospital's name, since nobody sleeps in two hospitals: one stay that
--                    two feeds report (admission messages and claims) [P];
--   begins           the first row of a stay;
--   overlaps         begins before the running latest discharge at the same hospital: continues the stay;
--   same_day         begins on the very day of that discharge, for the same condition: continues the stay;
--   interim_bill     begins no later than the day after a row that ended as "still a patient" (30): continues the stay.
-- `of_encounter_id` is the first row of the stay, `stay_number` its place among the patient's stays at the hospital.
-- Hospitals whose names differ by letter case only are one (`hospital`) [P]. Rows without a hospital are taken as of one hospital,
-- unless the row before says that the patient went to another one.
-- A row that was never closed reaches no further than its own first day: what follows it is a stay of its own, since the patient
-- must have left in between [P]. A discharge after the day on which the extracts were taken has not happened: not closed either.
-- Of copies the row is kept that says most: an organization that the lake knows, a diagnosis, a disposition, a practitioner; then
-- by name of hospital, then by id. What it lacks is taken from the others, a procedure of any of them counts, and so does a death.
with acute as (
    select
        e.bucket,
        e.encounter_id,
        e.patient_id,
        e.organization_id,
        lower(e.organization_id) as hospital,
        o.organization_id is not null as known_organization,
        e.practitioner_id,
        e.start_date,
        case when e.end_date <= $data_through then e.end_date end as end_date,
        e.admission_type,
        e.admit_source,
        e.discharge_disposition,
        e.primary_diagnosis,
        e.amount_paid,
        c.condition_group,
        coalesce(c.diagnosis_unknown, false) as diagnosis_unknown,
        coalesce(c.always_planned, false) as always_planned,
        coalesce(c.potentially_planned_procedure, false) as potentially_planned_procedure,
        coalesce(c.elective_stands_in, false) as elective_stands_in,
        coalesce(c.acute_diagnosis, false) as acute_diagnosis,
        c.specialty_cohort,
        c.excluded_condition,
        case
            when coalesce(e.status, 'finished') in ('cancelled', 'entered-in-error', 'planned') then 'status'
        end as out_because
    from lake.encounter e
    left join prepared.inpatient_classification c on c.encounter_id = e.encounter_id and c.patient_id = e.patient_id
    left join lake.organization o on o.organization_id = e.organization_id
    where e.class = 'inpatient'
),
copies as (
    select
        bucket,
        encounter_id,
        patient_id,
        organization_id,
        hospital,
        start_date,
        end_date,
        first_value(encounter_id) over same_stay as kept_encounter_id,
        first_value(practitioner_id) ignore nulls over same_stay as practitioner_id,
        first_value(admission_type) ignore nulls over same_stay as admission_type,
        first_value(admit_source) ignore nulls over same_stay as admit_source,
        coalesce(
            first_value(case when disposition_kind(discharge_disposition) = 'died' then discharge_disposition end) ignore nulls
                over same_stay,
            first_value(discharge_disposition) ignore nulls over same_stay
        ) as discharge_disposition,
        first_value(amount_paid) ignore nulls over same_stay as amount_paid,
        bool_or(always_planned) over same_stay as always_planned,
        bool_or(potentially_planned_procedure) over same_stay as potentially_planned_procedure,
        primary_diagnosis,
        condition_group,
        diagnosis_unknown,
        elective_stands_in,
        acute_diagnosis,
        specialty_cohort,
        excluded_condition
    from acute
    where out_because is null
    window same_stay as (
        -- Nights tell a stay whatever the hospital is called; a stay of a day may be one before a transfer.
        partition by bucket, patient_id, start_date, end_date, case when end_date > start_date then '' else hospital end
        order by
            known_organization desc, primary_diagnosis is null, discharge_disposition is null, practitioner_id is null,
            hospital nulls last, encounter_id
        rows between unbounded preceding and unbounded following
    )
),
distinct_rows as (
    select
        copies.*,
        disposition_kind(discharge_disposition) as disposition_kind,
        lag(condition_group) over same_hospital as condition_before,
        lag(disposition_kind(discharge_disposition)) over same_hospital as disposition_before,
        max(coalesce(end_date, start_date)) over (
            partition by bucket, patient_id, hospital
            order by start_date, end_date nulls last, encounter_id
            rows between unbounded preceding and 1 preceding
        ) as latest_discharge_before
    from copies
    where encounter_id = kept_encounter_id
    window same_hospital as (
        partition by bucket, patient_id, hospital order by start_date, end_date nulls last, encounter_id
    )
),
explained as (
    select
        distinct_rows.*,
        case
            when latest_discharge_before is null then 'begins'
            when start_date < latest_discharge_before then 'overlaps'
            when hospital is null and disposition_before = 'hospital' then 'begins'
            when start_date = latest_discharge_before and condition_group = condition_before then 'same_day'
            when disposition_before = 'still_patient' and days_between(latest_discharge_before, start_date) <= 1
                then 'interim_bill'
            else 'begins'
        end as because
    from distinct_rows
),
numbered as (
    select
        explained.*,
        sum(case when because = 'begins' then 1 else 0 end) over (
            partition by bucket, patient_id, hospital
            order by start_date, end_date nulls last, encounter_id
            rows between unbounded preceding and current row
        ) as stay_number
    from explained
),
placed as (
    select
        encounter_id,
        patient_id,
        organization_id,
        hospital,
        practitioner_id,
        start_date,
        end_date,
        admission_type,
        admit_source,
        discharge_disposition,
        primary_diagnosis,
        amount_paid,
        condition_group,
        diagnosis_unknown,
        always_planned,
        potentially_planned_procedure,
        elective_stands_in,
        acute_diagnosis,
        specialty_cohort,
        excluded_condition,
        stay_number,
        because,
        first_value(encounter_id) over (
            partition by bucket, patient_id, hospital, stay_number
            order by start_date, end_date nulls last, encounter_id
        ) as of_encounter_id
    from numbered
),
others as (
    select
        encounter_id,
        patient_id,
        organization_id,
        hospital,
        start_date,
        end_date,
        out_because as because,
        cast(null as varchar) as of_encounter_id
    from acute
    where out_because is not null
    union all
    select encounter_id, patient_id, organization_id, hospital, start_date, end_date, 'copy', kept_encounter_id
    from copies
    where encounter_id <> kept_encounter_id
)
select * from placed
union all
select
    encounter_id, patient_id, organization_id, hospital, null, start_date, end_date, null, null, null, null, null, null, false,
    false, false, false, false, null, null, null, because, of_encounter_id
from others
