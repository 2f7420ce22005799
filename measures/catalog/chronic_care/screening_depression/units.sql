-- One row for each patient with a visit outside hospital in the calendar year: whether the patient was screened for depression,
-- and, if the most recent screening was positive, whether a follow-up plan was made on the day or within $window_days days.
with found as (
    select patient_id, day, row_id, target, value_number, value_text
    from prepared.coded_rows
    where set_id = 'screening_depression'
),
-- What takes a patient out for good: codes of the set with the target exclusion.
excluded as (
    select f.patient_id, y.mp_year, min(f.row_id) as condition_id
    from found f
    join prepared.calendar_years y on f.day <= y.last_day
    where f.target = 'exclusion'
    group by f.patient_id, y.mp_year
),
-- Screenings with an answer that can be read.
answers as (
    select
        f.patient_id,
        f.day,
        f.row_id,
        f.target,
        case
            when f.target = 'phq9' then f.value_number >= 10
            when f.target = 'phq2' then f.value_number >= 3
            when f.target = 'assessment' and lower(f.value_text) like 'positive%' then true
            when f.target = 'assessment' and lower(f.value_text) like 'negative%' then false
            when f.target = 'screen_positive' then true
            when f.target = 'screen_negative' then false
        end as positive
    from found f
),
-- The most recent day of the year; of that day a whole instrument before the two questions of the PHQ-2, a positive one first.
screens as (
    select
        a.*,
        y.mp_year,
        row_number() over (
            partition by a.patient_id, y.mp_year
            order by a.day desc, a.target = 'phq2', a.positive desc, a.row_id
        ) as place
    from answers a
    join prepared.calendar_years y on a.day between y.first_day and y.last_day
    where a.positive is not null
),
-- What counts as a follow-up plan.
plans as (
    select patient_id, day, row_id
    from found
    where target = 'follow_up'
    union all
    select patient_id, ordered_date, referral_id
    from lake.referral
    where status in ('active', 'completed')
      and coalesce(intent, 'order') = 'order'
      and regexp_like(lower(specialty), 'psych|mental|behavio')
    union all
    select patient_id, filled_date, fill_id
    from prepared.fills
    where left_out is null
      and drug_class in ('antidepressant', 'antidepressants')
    union all
    select patient_id, start_date, care_plan_id
    from lake.care_plan
    where coalesce(status, 'active') in ('active', 'completed')
      and regexp_like(lower(category), 'depress|mental|behavio')
),
followed as (
    select
        s.patient_id,
        s.mp_year,
        first_value(p.row_id order by p.day, p.row_id) as plan_id,
        min(p.day) as plan_day
    from screens s
    join plans p
        on p.patient_id = s.patient_id
        and days_between(s.day, p.day) between 0 and $window_days
    where s.place = 1
    group by s.patient_id, s.mp_year
),
aged as (
    select
        v.*,
        p.primary_practitioner_id,
        p.birth_date,
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
        s.row_id,
        s.target,
        s.day,
        s.positive,
        w.plan_id,
        w.plan_day,
        case
            when a.birth_date is null then 'no_birth_date'
            when a.birth_date > make_date(a.mp_year - 12, 1, 1) then 'under_12'
            when x.hospice_id is not null then 'hospice'
            when a.age >= 66 and x.long_term_id is not null then 'long_term_care'
            when a.age >= 66 and x.frail_and_ill then 'frailty_advanced_illness'
            when x.palliative_id is not null then 'palliative_care'
            when n.condition_id is not null then 'excluded_condition'
        end as exclusion_reason
    from aged a
    left join prepared.exclusions_in_year x on x.patient_id = a.patient_id and x.mp_year = a.mp_year
    left join excluded n on n.patient_id = a.patient_id and n.mp_year = a.mp_year
    left join screens s on s.patient_id = a.patient_id and s.mp_year = a.mp_year and s.place = 1
    left join followed w on w.patient_id = a.patient_id and w.mp_year = a.mp_year
)
select
    concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
    patient_id,
    last_day as index_date,
    make_date(mp_year + 1, 1, $window_days) as mature_on,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then coalesce(not positive or plan_id is not null, false) end as in_numerator,
    case
        when exclusion_reason = 'hospice' then hospice_id
        when exclusion_reason = 'long_term_care' then long_term_id
        when exclusion_reason = 'frailty_advanced_illness' then frail_ids
        when exclusion_reason = 'palliative_care' then palliative_id
        when exclusion_reason = 'excluded_condition' then condition_id
        when exclusion_reason is not null then last_visit_id
        when row_id is null then concat(last_visit_id, ', not screened')
        when not positive then concat(row_id, ' ', target, ' of ', cast(day as varchar), ', negative')
        when plan_id is null then concat(row_id, ' ', target, ' of ', cast(day as varchar), ', positive, no plan')
        else concat(
            row_id, ' ', target, ' of ', cast(day as varchar), ', positive, plan ', plan_id, ' of ', cast(plan_day as varchar)
        )
    end as evidence,
    organization_id,
    coalesce(practitioner_id, primary_practitioner_id) as practitioner_id
from reasoned
