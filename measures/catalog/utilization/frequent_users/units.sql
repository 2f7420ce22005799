-- One row for each patient and calendar year with an emergency visit: whether there were at_least or more.
with visits as (
    select
        patient_id,
        cast(date_part('year', start_date) as int) as mp_year,
        row_number() over of_year as place,
        count(*) over of_year as visits,
        array_agg(encounter_id) over of_year as encounters
    from prepared.emergency_visits
    where date_part('year', start_date) >= date_part('year', $period_start)
      and start_date <= $period_end
    window of_year as (
        partition by patient_id, date_part('year', start_date) order by start_date, encounter_id
        rows between unbounded preceding and unbounded following
    )
),
-- What is the same for every variant is made once, before they are joined.
persons as (
    select
        concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
        patient_id,
        least(make_date(mp_year, 12, 31), $period_end) as index_date,
        make_date(mp_year, 12, 31) as mature_on,
        visits,
        array_to_string(encounters, '+') as evidence
    from visits
    where place = 1
)
select
    variant.variant,
    unit_id,
    patient_id,
    index_date,
    mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    visits >= variant.at_least as in_numerator,
    evidence
from persons
cross join variant
