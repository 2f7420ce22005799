-- One row for each patient and calendar year with a positive answer about one of the five needs from November 1 of the year before
-- to October 31: whether a community provider was in contact for one of these needs within $window_days days of the first
-- such day.
-- A contact is one whatever became of the referral later; a draft was never sent.
with contacts as (
    select patient_id, domain, service_date as day, community_referral_id as row_id
    from lake.community_referral
    where status not in ('draft', 'entered-in-error')
    union all
    select patient_id, domain, intervention_date, intervention_id
    from lake.social_intervention
    where provider_contact and coalesce(status, 'completed') = 'completed'
),
positives as (
    select
        c.*,
        age_at(p.birth_date, c.screened_date) as age
    from lake.social_screening c
    left join prepared.person p on p.patient_id = c.patient_id
    where c.result = 'positive' and c.domain in ('food', 'housing', 'transportation', 'utilities', 'safety')
),
-- Every need of a day has its row; the first day of the year as an adult goes before all others.
placed as (
    select
        s.*,
        y.mp_year,
        y.last_day,
        rank() over (
            partition by s.patient_id, y.mp_year order by coalesce(s.age >= 18, false) desc, s.screened_date
        ) as place
    from positives s
    join prepared.calendar_years y
        on s.screened_date between make_date(y.mp_year - 1, 11, 1) and least(make_date(y.mp_year, 10, 31), y.last_day)
),
persons as (
    select
        s.patient_id,
        s.mp_year,
        s.last_day,
        s.age,
        min(s.screening_id) as screening_id,
        first_value(s.organization_id order by s.screening_id) as organization_id,
        first_value(s.practitioner_id order by s.screening_id) as practitioner_id,
        first_value(c.row_id order by c.day, c.row_id) filter (where c.row_id is not null) as contact_id,
        min(c.day) as contact_date
    from placed s
    left join contacts c
        on c.patient_id = s.patient_id
        and c.domain = s.domain
        and days_between(s.screened_date, c.day) between 0 and $window_days
    where s.place = 1
    group by s.patient_id, s.mp_year, s.last_day, s.age
),
reasoned as (
    select
        persons.*,
        case
            when age is null then 'age_unknown'
            when age < 18 then 'under_18'
        end as exclusion_reason
    from persons
)
select
    concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
    patient_id,
    last_day as index_date,
    make_date(mp_year, 12, 31) as mature_on,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then contact_id is not null end as in_numerator,
    case
        when exclusion_reason is not null then screening_id
        when contact_id is null then concat(screening_id, ', no contact')
        else concat(screening_id, ', contact ', contact_id, ' of ', cast(contact_date as varchar))
    end as evidence,
    organization_id,
    practitioner_id
from reasoned
