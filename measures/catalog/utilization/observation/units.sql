-- One row for each member-month: its observation stays, those that became an admission counted only if with_admitted = 1.
with stays as (
    select
        o.patient_id,
        o.start_date,
        cast(date_trunc('month', o.start_date) as date) as month,
        min(o.encounter_id) as encounter_id,
        bool_or(a.encounter_id is not null) as admitted
    from lake.encounter o
    left join prepared.stay_rows a
        on a.patient_id = o.patient_id
        and a.encounter_id = o.part_of_encounter_id
        and a.because <> 'status'
    where o.class = 'observation'
      and coalesce(o.status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
    group by o.patient_id, o.organization_id, o.start_date
),
counted as (
    select
        variant.variant,
        patient_id,
        month,
        count(*) as stays,
        array_to_string(array_agg(encounter_id order by start_date, encounter_id), '+') as evidence
    from stays
    cross join variant
    where variant.with_admitted = 1 or not admitted
    group by variant.variant, patient_id, month
)
select
    m.variant,
    concat(m.patient_id, '|', cast(m.month as varchar)) as unit_id,
    m.patient_id,
    m.month as index_date,
    m.last_day as mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    c.stays is not null as in_numerator,
    cast(coalesce(c.stays, 0) as double) as numerator,
    c.evidence,
    m.organization_id,
    m.practitioner_id,
    m.coordinator_id
-- The few months with a stay are kept in memory, and the many member-months run past them.
from counted c
right join (
    select p.*, variant.variant from prepared.person_month p cross join variant
) m on m.patient_id = c.patient_id and m.month = c.month and m.variant = c.variant
