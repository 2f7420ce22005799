-- One row for each patient and calendar year with an emergency visit: whether there were at_least or more.
with persons as (
    select
        patient_id,
        cast(date_part('year', start_date) as int) as mp_year,
        count(*) as visits,
        array_to_string(array_agg(encounter_id order by start_date, encounter_id), '+') as evidence
    from prepared.emergency_visits
    where date_part('year', start_date) >= date_part('year', $period_start)
      and start_date <= $period_end
    group by patient_id, date_part('year', start_date)
)
select
    variant.variant,
    concat(v.patient_id, '|', cast(v.mp_year as varchar)) as unit_id,
    v.patient_id,
    least(make_date(v.mp_year, 12, 31), $period_end) as index_date,
    make_date(v.mp_year, 12, 31) as mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    v.visits >= variant.at_least as in_numerator,
    v.evidence
from persons v
cross join variant
