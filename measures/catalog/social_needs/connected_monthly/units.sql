-- One row for each patient and day of the period with a positive answer about one of the five needs: the first of its patient and
-- month counts; whether a community provider was in contact for one of these needs within $window_days days.
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
days as (
    select
        s.patient_id,
        s.screened_date,
        min(s.screening_id) as screening_id,
        first_value(s.organization_id order by s.screening_id) as organization_id,
        first_value(s.practitioner_id order by s.screening_id) as practitioner_id,
        first_value(c.row_id order by c.day, c.row_id) filter (where c.row_id is not null) as contact_id,
        min(c.day) as contact_date
    from lake.social_screening s
    left join contacts c
        on c.patient_id = s.patient_id
        and c.domain = s.domain
        and days_between(s.screened_date, c.day) between 0 and $window_days
    where s.result = 'positive'
      and s.domain in ('food', 'housing', 'transportation', 'utilities', 'safety')
      and s.screened_date between $period_start and $period_end
    group by s.patient_id, s.screened_date
),
aged as (
    select
        d.*,
        age_at(p.birth_date, d.screened_date) as age
    from days d
    left join prepared.person p on p.patient_id = d.patient_id
),
-- Who turns 18 in the month has the first day as an adult.
placed as (
    select
        aged.*,
        row_number() over (
            partition by patient_id, date_trunc('month', screened_date), coalesce(age >= 18, false) order by screened_date
        ) as place
    from aged
),
reasoned as (
    select
        placed.*,
        case
            when age is null then 'age_unknown'
            when age < 18 then 'under_18'
            when place > 1 then 'not_first_of_month'
        end as exclusion_reason
    from placed
)
select
    concat(patient_id, '|', cast(screened_date as varchar)) as unit_id,
    patient_id,
    screened_date as index_date,
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
