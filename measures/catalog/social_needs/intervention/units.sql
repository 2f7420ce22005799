-- One row for each positive screen for the need domain in the calendar years of the measured span: the first of its patient and
-- year counts; whether an intervention for the need was completed within window_days days.
-- The whole year is looked at, also what lies before the period: which screen is the first must not depend on what is measured.
with positives as (
    select
        variant.variant,
        variant.window_days,
        c.domain,
        c.screening_id,
        c.patient_id,
        c.screened_date,
        c.organization_id,
        c.practitioner_id,
        c.instrument is not null as named,
        y.mp_year,
        row_number() over (
            partition by variant.variant, c.patient_id, y.mp_year, c.instrument is not null order by c.screened_date, c.screening_id
        ) as place
    from lake.social_screening c
    join prepared.calendar_years y on c.screened_date between y.first_day and y.last_day
    cross join variant
    where c.domain = variant.domain and c.result = 'positive'
),
helped as (
    select
        s.variant,
        s.screening_id,
        s.patient_id,
        first_value(i.intervention_id order by i.intervention_date, i.intervention_id) as intervention_id,
        min(i.intervention_date) as intervention_date
    from positives s
    join lake.social_intervention i
        on i.patient_id = s.patient_id
        and days_between(s.screened_date, i.intervention_date) between 0 and s.window_days
    where i.domain = s.domain and coalesce(i.status, 'completed') = 'completed'
    group by s.variant, s.screening_id, s.patient_id
),
reasoned as (
    select
        s.*,
        x.hospice_id,
        x.long_term_id,
        h.intervention_id,
        h.intervention_date,
        age_at(p.birth_date, make_date(s.mp_year, 1, 1)) as age,
        case
            when s.screened_date < $period_start then 'outside_period'
            when not s.named then 'no_instrument'
            when s.place > 1 then 'not_first_of_year'
            when x.hospice_id is not null then 'hospice'
            when x.long_term_id is not null then 'long_term_care'
        end as exclusion_reason
    from positives s
    left join prepared.person p on p.patient_id = s.patient_id
    left join prepared.exclusions_in_year x on x.patient_id = s.patient_id and x.mp_year = s.mp_year
    left join helped h on h.variant = s.variant and h.screening_id = s.screening_id and h.patient_id = s.patient_id
)
select
    variant,
    screening_id as unit_id,
    patient_id,
    screened_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then intervention_id is not null end as in_numerator,
    case
        when exclusion_reason = 'hospice' then hospice_id
        when exclusion_reason = 'long_term_care' then long_term_id
        when exclusion_reason is null and intervention_id is not null
            then concat(intervention_id, ' of ', cast(intervention_date as varchar))
    end as evidence,
    case when age < 18 then '0-17' when age < 65 then '18-64' when age >= 65 then '65+' else 'unknown' end as subgroup,
    organization_id,
    practitioner_id
from reasoned
