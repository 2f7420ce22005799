-- One row for each emergency visit: the probability, by its principal diagnosis, that it is primary-care-sensitive.
with classified as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.practitioner_id,
        v.start_date,
        v.admitted,
        e.primary_diagnosis,
        c.code is not null as in_table,
        c.target,
        try_cast(c.target as double) as probability
    from prepared.emergency_visits v
    join lake.encounter e on e.patient_id = v.patient_id and e.encounter_id = v.encounter_id
    left join prepared.code_member c
        on c.set_id = 'nyu_ed' and c.code_system = 'icd-10-cm' and c.code = e.primary_diagnosis
),
reasoned as (
    select
        classified.*,
        case
            when start_date < $period_start or start_date > $period_end then 'outside_period'
            when admitted then 'admitted'
            when primary_diagnosis is null then 'no_diagnosis'
            when not in_table then 'not_classified'
            when probability is null or probability < 0 or probability > 1 then 'probability_invalid'
        end as exclusion_reason
    from classified
)
select
    encounter_id as unit_id,
    patient_id,
    start_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then true end as in_numerator,
    case when exclusion_reason is null then probability end as numerator,
    concat_ws(' ', encounter_id, primary_diagnosis, target) as evidence,
    organization_id,
    practitioner_id
from reasoned
