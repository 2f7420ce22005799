-- A stay with answers to all five needs, during the stay or in the days_before days before admission, meets the numerator if the most
-- recent answer to the need domain is positive.
-- `answers` has the most recent answer for each stay and need; of one day a positive one first: a need that was named is not talked away.
with windows as (
    select distinct variant.days_before
    from (select 1 as one) once
    cross join variant
),
answers as (
    select
        w.days_before,
        s.stay_id,
        s.patient_id,
        c.domain,
        first_value(c.screening_id order by c.screened_date desc, c.result desc, c.screening_id) as screening_id,
        first_value(c.result order by c.screened_date desc, c.result desc, c.screening_id) as result
    from cohort s
    join lake.social_screening c on c.patient_id = s.patient_id and c.screened_date <= s.end_date
    join windows w on days_between(c.screened_date, s.start_date) <= w.days_before
    where c.domain in ('food', 'housing', 'transportation', 'utilities', 'safety')
      and c.result in ('positive', 'negative')
    group by w.days_before, s.stay_id, s.patient_id, c.domain
),
asked as (
    select days_before, stay_id, patient_id, count(*) as domains
    from answers
    group by days_before, stay_id, patient_id
),
reasoned as (
    select
        s.unit,
        s.left_out,
        variant.variant,
        a.screening_id,
        a.result,
        case
            when s.age is null then 'age_unknown'
            when s.age < 18 then 'under_18'
            when coalesce(q.domains, 0) < 5 then 'not_screened_for_all_five'
        end as own_reason
    from cohort s
    cross join variant
    left join asked q on q.days_before = variant.days_before and q.stay_id = s.stay_id and q.patient_id = s.patient_id
    left join answers a
        on a.days_before = variant.days_before
        and a.domain = variant.domain
        and a.stay_id = s.stay_id
        and a.patient_id = s.patient_id
)
select
    unit,
    variant,
    own_reason as exclusion_reason,
    result = 'positive' as in_numerator,
    case when left_out is null and own_reason is null then screening_id end as evidence
from reasoned
