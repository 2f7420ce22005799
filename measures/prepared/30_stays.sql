-- Acute inpatient stays, one row for each, as `measures.md` 0.5 and the transfer and same-day rules of the
-- hospital-wide readmission measure want them [V]:
--   1. only short-term acute encounters (class inpatient) that were not cancelled or entered in error;
--   2. rows of the same patient, hospital, admission and discharge are one stay: the lowest id is kept;
--   3. at the same hospital, a row that begins before the running latest discharge continues the stay; so does one
--      that begins on the very day of that discharge for the same condition;
--   4. a stay followed by an admission to another hospital no later than the day after discharge is transferred out.
-- The next stay is the next acute stay of the patient, whatever its hospital.
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
        e.discharge_disposition,
        e.primary_diagnosis,
        e.amount_paid,
        c.condition_group,
        coalesce(c.always_planned, false) as always_planned,
        coalesce(c.potentially_planned_procedure, false) as potentially_planned_procedure,
        coalesce(c.acute_diagnosis, false) as acute_diagnosis,
        c.excluded_condition,
        row_number() over (
            partition by e.bucket, e.patient_id, e.organization_id, e.start_date, e.end_date
            order by e.encounter_id
        ) as copy_number
    from lake.encounter e
    left join prepared.inpatient_classification c on c.encounter_id = e.encounter_id and c.patient_id = e.patient_id
    where e.class = 'inpatient'
      and coalesce(e.status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
distinct_rows as (
    select
        acute.*,
        lag(condition_group) over same_hospital as condition_before,
        max(coalesce(end_date, date '9999-12-31')) over (
            partition by bucket, patient_id, organization_id
            order by start_date, end_date nulls last, encounter_id
            rows between unbounded preceding and 1 preceding
        ) as latest_discharge_before
    from acute
    where copy_number = 1
    window same_hospital as (
        partition by bucket, patient_id, organization_id order by start_date, end_date nulls last, encounter_id
    )
),
numbered as (
    select
        distinct_rows.*,
        sum(
            case
                when latest_discharge_before is null then 1
                when start_date < latest_discharge_before then 0
                when start_date = latest_discharge_before and condition_group = condition_before then 0
                else 1
            end
        ) over (
            partition by bucket, patient_id, organization_id
            order by start_date, end_date nulls last, encounter_id
            rows between unbounded preceding and current row
        ) as stay_number
    from distinct_rows
),
merged as (
    select
        bucket,
        patient_id,
        organization_id,
        array_to_string(array_agg(encounter_id order by start_date, end_date nulls last, encounter_id), '+') as stay_id,
        count(*) as encounter_rows,
        min(start_date) as start_date,
        case when count(end_date) = count(*) then max(end_date) end as end_date,
        first_value(admission_type order by start_date, end_date nulls last, encounter_id) as admission_type,
        first_value(always_planned order by start_date, end_date nulls last, encounter_id) as always_planned,
        first_value(potentially_planned_procedure order by start_date, end_date nulls last, encounter_id)
            as potentially_planned_procedure,
        first_value(acute_diagnosis order by start_date, end_date nulls last, encounter_id) as acute_diagnosis,
        last_value(practitioner_id order by start_date, end_date nulls last, encounter_id) as practitioner_id,
        last_value(discharge_disposition order by start_date, end_date nulls last, encounter_id) as discharge_disposition,
        last_value(primary_diagnosis order by start_date, end_date nulls last, encounter_id) as primary_diagnosis,
        last_value(condition_group order by start_date, end_date nulls last, encounter_id) as condition_group,
        last_value(excluded_condition order by start_date, end_date nulls last, encounter_id) as excluded_condition,
        sum(amount_paid) as amount_paid
    from numbered
    group by bucket, patient_id, organization_id, stay_number
),
followed as (
    select
        merged.*,
        (always_planned or (potentially_planned_procedure and not acute_diagnosis)) as planned,
        lead(stay_id) over by_patient as next_stay_id,
        lead(start_date) over by_patient as next_start_date,
        lead(organization_id) over by_patient as next_organization_id,
        lead(always_planned or (potentially_planned_procedure and not acute_diagnosis)) over by_patient as next_planned
    from merged
    window by_patient as (partition by bucket, patient_id order by start_date, end_date nulls last, stay_id)
)
select
    stay_id,
    patient_id,
    organization_id,
    practitioner_id,
    encounter_rows,
    start_date,
    end_date,
    admission_type,
    discharge_disposition,
    primary_diagnosis,
    condition_group,
    excluded_condition,
    planned,
    amount_paid,
    next_stay_id,
    next_start_date,
    next_planned,
    cast(next_start_date as int) - cast(end_date as int) as days_to_next,
    coalesce(
        next_organization_id <> organization_id and cast(next_start_date as int) - cast(end_date as int) <= 1, false
    ) as transferred_out
from followed
