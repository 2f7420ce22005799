-- A stay counts its days in acute care from discharge through day window_days, of the kind that part names.
with events as (
    select patient_id, encounter_id as event_id, 'emergency' as kind, start_date, start_date as end_date, 0.5 as days
    from prepared.emergency_visits
    where not admitted
    union all
    select
        o.patient_id,
        o.encounter_id,
        'observation',
        o.start_date,
        o.end_date,
        case
            when o.started_at is not null and o.ended_at is not null
                then greatest(ceil((date_part('epoch', o.ended_at) - date_part('epoch', o.started_at)) / 43200.0), 1.0) / 2
            else greatest(days_between(o.start_date, coalesce(o.end_date, o.start_date)), 0.5)
        end
    from lake.encounter o
    left join (
        select encounter_id, patient_id
        from lake.encounter
        where class = 'inpatient'
          and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
    ) a
        on a.encounter_id = o.part_of_encounter_id and a.patient_id = o.patient_id
    where o.class = 'observation'
      and coalesce(o.status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
      and a.encounter_id is null
    union all
    select patient_id, stay_id, 'admission', start_date, end_date, greatest(coalesce(days_between(start_date, in_hospital_until), 9999), 1)
    from prepared.stays
    where not planned
),
after_discharge as (
    select
        variant.variant,
        s.stay_id,
        s.patient_id,
        sum(least(e.days, variant.window_days + 1 - days_between(s.end_date, e.start_date))) as days,
        array_to_string(array_agg(e.event_id order by e.start_date, e.event_id), ',') as events
    from cohort s
    cross join variant
    join events e
        on e.patient_id = s.patient_id
        and e.event_id <> s.stay_id
        and days_between(s.end_date, e.start_date) between 0 and variant.window_days
    where (variant.part = 'all' or variant.part = e.kind)
    group by variant.variant, s.stay_id, s.patient_id
)
select
    s.unit,
    variant.variant,
    case
        when s.disposition_kind = 'against_advice' then 'ama'
        when s.excluded_condition is not null then 'excluded_condition'
        when s.age is null then 'age_unknown'
        when s.age < 18 then 'under_age'
    end as exclusion_reason,
    coalesce(a.days, 0) > 0 as in_numerator,
    coalesce(a.days, 0) as numerator,
    a.events as evidence
from cohort s
cross join variant
left join after_discharge a on a.variant = variant.variant and a.stay_id = s.stay_id and a.patient_id = s.patient_id
