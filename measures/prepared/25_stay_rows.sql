-- Which acute inpatient row belongs to which stay, and why (`measures.md` 0.5 and 1 [V]). Column `because`:
--   status           cancelled, planned or entered in error: in no stay;
--   copy             same patient, hospital, admission and discharge as `of_encounter_id`, the lowest id, which is kept;
--   begins           the first row of a stay;
--   overlaps         begins before the running latest discharge at the same hospital: continues the stay;
--   same_day         begins on the very day of that discharge, for the same condition: continues the stay;
--   interim_bill     begins no later than the day after a row that ended as "still a patient" (30): continues the stay.
-- `of_encounter_id` is the first row of the stay, `stay_number` its place among the patient's stays at the hospital.
with acute as (
    select
        e.bucket,
        e.encounter_id,
        e.patient_id,
        e.organization_id,
        e.practitioner_id,
        e.start_date,
        e.end_date,
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
        coalesce(e.status, 'finished') in ('cancelled', 'entered-in-error', 'planned') as out_by_status
    from lake.encounter e
    left join prepared.inpatient_classification c on c.encounter_id = e.encounter_id and c.patient_id = e.patient_id
    where e.class = 'inpatient'
),
copies as (
    select
        acute.*,
        first_value(encounter_id) over same_dates as kept_encounter_id
    from acute
    where not out_by_status
    window same_dates as (
        partition by bucket, patient_id, organization_id, start_date, end_date order by encounter_id
    )
),
distinct_rows as (
    select
        copies.*,
        lag(condition_group) over same_hospital as condition_before,
        lag(discharge_disposition) over same_hospital as disposition_before,
        max(coalesce(end_date, date '9999-12-31')) over (
            partition by bucket, patient_id, organization_id
            order by start_date, end_date nulls last, encounter_id
            rows between unbounded preceding and 1 preceding
        ) as latest_discharge_before
    from copies
    where encounter_id = kept_encounter_id
    window same_hospital as (
        partition by bucket, patient_id, organization_id order by start_date, end_date nulls last, encounter_id
    )
),
explained as (
    select
        distinct_rows.*,
        case
            when latest_discharge_before is null then 'begins'
            when start_date < latest_discharge_before then 'overlaps'
            when start_date = latest_discharge_before and condition_group = condition_before then 'same_day'
            when disposition_before = '30' and cast(start_date as int) - cast(latest_discharge_before as int) <= 1
                then 'interim_bill'
            else 'begins'
        end as because
    from distinct_rows
),
numbered as (
    select
        explained.*,
        sum(case when because = 'begins' then 1 else 0 end) over (
            partition by bucket, patient_id, organization_id
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
            partition by bucket, patient_id, organization_id, stay_number
            order by start_date, end_date nulls last, encounter_id
        ) as of_encounter_id
    from numbered
),
others as (
    select
        encounter_id,
        patient_id,
        organization_id,
        start_date,
        end_date,
        'status' as because,
        cast(null as varchar) as of_encounter_id
    from acute
    where out_by_status
    union all
    select encounter_id, patient_id, organization_id, start_date, end_date, 'copy', kept_encounter_id
    from copies
    where encounter_id <> kept_encounter_id
)
select * from placed
union all
select
    encounter_id, patient_id, organization_id, null, start_date, end_date, null, null, null, null, null, null, false, false,
    false, false, false, null, null, null, because, of_encounter_id
from others
