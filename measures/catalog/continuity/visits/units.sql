-- One row for each person and calendar year with visits: the continuity index that index names (1 COC, 2 UPC, 3 SECON,
-- 4 Herfindahl, 5 MMCI), from min_visits visits.
-- The usual practitioner is the one with the most visits; of several the one seen last, then the one known longer; only where all
-- that is equal the lowest id. Visits of one day whose hours are not known stand in the order of the same rule: an id that is
-- renamed changes no rate unless nothing else tells two practitioners apart.
with counted as (
    select
        patient_id,
        cast(date_part('year', start_date) as int) as mp_year,
        practitioner_id,
        start_date,
        started_at,
        count(*) over of_practitioner as visits_to,
        max(start_date) over of_practitioner as last_date,
        min(start_date) over of_practitioner as first_date
    from prepared.outpatient_visits
    where practitioner_id is not null
      and date_part('year', start_date) >= date_part('year', $period_start)
      and start_date <= $period_end
    window of_practitioner as (partition by patient_id, date_part('year', start_date), practitioner_id)
),
visits as (
    select
        counted.*,
        lag(practitioner_id) over (
            partition by patient_id, mp_year
            order by start_date, started_at nulls last, visits_to desc, last_date desc, first_date, practitioner_id
        ) as practitioner_before
    from counted
),
by_practitioner as (
    select
        patient_id,
        mp_year,
        practitioner_id,
        count(*) as visits,
        max(start_date) as last_date,
        max(started_at) as last_instant,
        min(start_date) as first_date,
        count(*) filter (where practitioner_before = practitioner_id) as repeats
    from visits
    group by patient_id, mp_year, practitioner_id
),
persons as (
    select
        patient_id,
        mp_year,
        sum(visits) as n,
        count(*) as m,
        sum(visits * visits) as squares,
        max(visits) as most,
        sum(repeats) as repeats,
        first_value(
            practitioner_id
            order by visits desc, last_date desc, last_instant desc nulls last, first_date, practitioner_id
        ) as usual_practitioner
    from by_practitioner
    group by patient_id, mp_year
),
-- What is the same for every variant is made once, before they are joined.
named as (
    select
        concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
        patient_id,
        least(make_date(mp_year, 12, 31), $period_end) as index_date,
        make_date(mp_year, 12, 31) as mature_on,
        n,
        m,
        squares,
        most,
        repeats,
        concat(cast(n as varchar), ' visits to ', cast(m as varchar)) as evidence,
        usual_practitioner as practitioner_id
    from persons
),
valued as (
    select
        named.*,
        variant.variant,
        case
            when n < variant.min_visits then null
            when variant.index = 1 then case when n > 1 then cast(squares - n as double) / (n * (n - 1)) end
            when variant.index = 2 then cast(most as double) / n
            when variant.index = 3 then case when n > 1 then cast(repeats as double) / (n - 1) end
            when variant.index = 4 then cast(squares as double) / (n * n)
            when variant.index = 5 then case when n > 1 then (1 - m / (n + 0.1)) / (1 - 1 / (n + 0.1)) end
        end as value
    from named
    cross join variant
)
select
    variant,
    unit_id,
    patient_id,
    index_date,
    mature_on,
    value is not null as in_denominator,
    case when value is null then 'fewer_visits' end as exclusion_reason,
    case when value is not null then true end as in_numerator,
    value as numerator,
    evidence,
    practitioner_id
from valued
