-- One row for each patient with a visit outside hospital in the calendar year: whether a woman had a mammogram from October 1
-- two years before the year to its end.
with found as (
    select patient_id, day, row_id, target
    from prepared.coded_rows
    where set_id = 'screening_breast'
),
-- What makes the screening pointless for good: codes of the set with the target exclusion.
excluded as (
    select f.patient_id, y.mp_year, min(f.row_id) as condition_id
    from found f
    join prepared.calendar_years y on f.day <= y.last_day
    where f.target = 'exclusion'
    group by f.patient_id, y.mp_year
),
-- Mammograms from October 1 two years before the year to its last day; the most recent one is named.
tests as (
    select
        f.patient_id,
        y.mp_year,
        f.row_id,
        f.target,
        f.day,
        row_number() over (partition by f.patient_id, y.mp_year order by f.day desc, f.row_id) as place
    from found f
    join prepared.calendar_years y
        on f.day <= y.last_day
        and f.day >= make_date(y.mp_year - 2, 10, 1)
    where f.target = 'mammogram'
),
aged as (
    select
        v.*,
        p.primary_practitioner_id,
        p.sex,
        v.mp_year - cast(date_part('year', p.birth_date) as int) as age
    from prepared.attributed_in_year v
    left join prepared.person p on p.patient_id = v.patient_id
),
reasoned as (
    select
        a.*,
        x.hospice_id,
        x.long_term_id,
        x.frail_ids,
        x.palliative_id,
        n.condition_id,
        t.row_id,
        t.target,
        t.day,
        case
            when a.age is null then 'no_birth_date'
            when a.age < 42 or a.age > 74 then 'outside_age'
            when coalesce(a.sex, 'unknown') <> 'female' then 'not_female'
            when x.hospice_id is not null then 'hospice'
            when a.age >= 66 and x.long_term_id is not null then 'long_term_care'
            when a.age >= 66 and x.frail_and_ill then 'frailty_advanced_illness'
            when x.palliative_id is not null then 'palliative_care'
            when n.condition_id is not null then 'excluded_condition'
        end as exclusion_reason
    from aged a
    left join prepared.exclusions_in_year x on x.patient_id = a.patient_id and x.mp_year = a.mp_year
    left join excluded n on n.patient_id = a.patient_id and n.mp_year = a.mp_year
    left join tests t on t.patient_id = a.patient_id and t.mp_year = a.mp_year and t.place = 1
)
select
    concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
    patient_id,
    last_day as index_date,
    make_date(mp_year, 12, 31) as mature_on,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then row_id is not null end as in_numerator,
    case
        when exclusion_reason = 'hospice' then hospice_id
        when exclusion_reason = 'long_term_care' then long_term_id
        when exclusion_reason = 'frailty_advanced_illness' then frail_ids
        when exclusion_reason = 'palliative_care' then palliative_id
        when exclusion_reason = 'excluded_condition' then condition_id
        when exclusion_reason is not null then last_visit_id
        when row_id is null then concat(last_visit_id, ', no test within its look-back')
        else concat(row_id, ' ', target, ' of ', cast(day as varchar))
    end as evidence,
    organization_id,
    coalesce(practitioner_id, primary_practitioner_id) as practitioner_id
from reasoned
