-- A stay meets the numerator if a visit outside hospital follows on day 1 to window_days after discharge home.
with longest as (
    select max(variant.window_days) as days from (select 1) one cross join variant
),
first_visits as (
    select s.stay_id, s.patient_id, min(v.start_date) as visit_date
    from cohort s
    cross join longest
    join prepared.outpatient_visits v
        on v.patient_id = s.patient_id
        and days_between(s.end_date, v.start_date) between 1 and longest.days
    group by s.stay_id, s.patient_id
),
-- The first visit of all, where it lies within the variant's window.
followed as (
    select
        s.*,
        variant.variant,
        variant.window_days,
        variant.strict,
        case when days_between(s.end_date, f.visit_date) <= variant.window_days then f.visit_date end as visit_date
    from cohort s
    cross join variant
    left join first_visits f on f.stay_id = s.stay_id and f.patient_id = s.patient_id
)
select
    s.unit,
    s.variant,
    case
        when coalesce(s.disposition_kind, 'home') <> 'home' then 'not_discharged_home'
        when s.strict = 1
            and s.days_to_next between 0 and s.window_days
            and (s.visit_date is null or s.visit_date > s.next_start_date)
            then 'readmitted_first'
        when s.strict = 1
            and days_between(s.end_date, p.deceased_date) between 0 and s.window_days
            and (s.visit_date is null or s.visit_date > p.deceased_date)
            then 'died_first'
    end as exclusion_reason,
    s.visit_date is not null as in_numerator,
    cast(s.visit_date as varchar) as evidence
from followed s
left join prepared.person p on p.patient_id = s.patient_id
