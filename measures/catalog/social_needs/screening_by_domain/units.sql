-- One row for each patient with a visit outside hospital and calendar year: whether the need domain was asked about with a named
-- instrument and answered.
with screens as (
    select
        c.domain,
        c.patient_id,
        y.mp_year,
        first_value(c.screening_id order by c.screened_date, c.screening_id) as screening_id,
        min(c.screened_date) as screened_date
    from lake.social_screening c
    join prepared.calendar_years y on c.screened_date between y.first_day and y.last_day
    where c.result in ('positive', 'negative')
      and c.instrument is not null
    group by c.domain, c.patient_id, y.mp_year
),
aged as (
    select
        v.*,
        p.primary_practitioner_id,
        age_at(p.birth_date, make_date(v.mp_year, 1, 1)) as age
    from prepared.attributed_in_year v
    left join prepared.person p on p.patient_id = v.patient_id
),
reasoned as (
    select
        a.*,
        variant.variant,
        x.hospice_id,
        x.long_term_id,
        s.screening_id,
        s.screened_date,
        case
            when x.hospice_id is not null then 'hospice'
            when x.long_term_id is not null then 'long_term_care'
        end as exclusion_reason
    from aged a
    cross join variant
    left join prepared.exclusions_in_year x on x.patient_id = a.patient_id and x.mp_year = a.mp_year
    left join screens s on s.patient_id = a.patient_id and s.mp_year = a.mp_year and s.domain = variant.domain
)
select
    variant,
    concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
    patient_id,
    last_day as index_date,
    make_date(mp_year, 12, 31) as mature_on,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then screening_id is not null end as in_numerator,
    case
        when exclusion_reason = 'hospice' then hospice_id
        when exclusion_reason = 'long_term_care' then long_term_id
        when screening_id is null then concat(last_visit_id, ', not screened')
        else concat(screening_id, ' of ', cast(screened_date as varchar))
    end as evidence,
    case when age < 18 then '0-17' when age < 65 then '18-64' when age >= 65 then '65+' else 'unknown' end as subgroup,
    organization_id,
    coalesce(practitioner_id, primary_practitioner_id) as practitioner_id
from reasoned
