-- A stay meets the numerator if the person answered for all five needs, during the stay or in the $days_before days before admission.
-- `domains` has one row for each stay and need that was asked about. An answer is never undone by a later refusal: what was declined or
-- could not be answered matters only where there is no answer.
with domains as (
    select
        s.stay_id,
        s.patient_id,
        c.domain,
        first_value(c.screening_id order by c.screened_date desc, c.result desc, c.screening_id)
            filter (where c.result in ('positive', 'negative')) as answer_id,
        min(c.screening_id) filter (where c.result = 'declined') as declined_id,
        min(c.screening_id) filter (where c.result = 'unable') as unable_id
    from cohort s
    join lake.social_screening c
        on c.patient_id = s.patient_id
        and days_between(c.screened_date, s.start_date) <= $days_before
        and c.screened_date <= s.end_date
    where c.domain in ('food', 'housing', 'transportation', 'utilities', 'safety')
    group by s.stay_id, s.patient_id, c.domain
),
asked as (
    select
        stay_id,
        patient_id,
        count(answer_id) as answered,
        -- Nobody can do more than ask: all five were answered, declined or could not be answered.
        count(coalesce(answer_id, declined_id, unable_id)) = 5 as all_asked,
        min(declined_id) filter (where answer_id is null) as declined_id,
        min(unable_id) filter (where answer_id is null) as unable_id,
        concat_ws(
            ' ',
            min(answer_id) filter (where domain = 'food'),
            min(answer_id) filter (where domain = 'housing'),
            min(answer_id) filter (where domain = 'safety'),
            min(answer_id) filter (where domain = 'transportation'),
            min(answer_id) filter (where domain = 'utilities')
        ) as answer_ids
    from domains
    group by stay_id, patient_id
),
reasoned as (
    select
        s.unit,
        s.left_out,
        coalesce(a.answered, 0) as answered,
        a.answer_ids,
        a.declined_id,
        a.unable_id,
        case
            when s.age is null then 'age_unknown'
            when s.age < 18 then 'under_18'
            when a.all_asked and a.declined_id is not null then 'declined'
            when a.all_asked and a.unable_id is not null then 'unable_no_proxy'
        end as own_reason
    from cohort s
    left join asked a on a.stay_id = s.stay_id and a.patient_id = s.patient_id
)
select
    unit,
    own_reason as exclusion_reason,
    answered = 5 as in_numerator,
    case
        when left_out is not null then null
        when own_reason = 'declined' then declined_id
        when own_reason = 'unable_no_proxy' then unable_id
        when own_reason is null and answered = 5 then answer_ids
        when own_reason is null then concat(cast(answered as varchar), ' of 5 needs answered')
    end as evidence
from reasoned
