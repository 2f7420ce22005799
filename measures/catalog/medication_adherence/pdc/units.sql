-- One row for each person and calendar year with a fill of the class ($class: 1 diabetes, 2 renin-angiotensin, 3 statin):
-- whether at least 80 % of the days from the first fill are covered.
with enrolled as (
    select patient_id, max(coalesce(end_date, date '9999-12-31')) as last_day
    from lake.coverage
    group by patient_id
),
fills as (
    select
        f.patient_id,
        cast(date_part('year', f.filled_date) as int) as mp_year,
        f.fill_id,
        f.filled_date,
        f.days_supply,
        f.ingredients,
        p.birth_date,
        p.primary_practitioner_id,
        least(
            make_date(cast(date_part('year', f.filled_date) as int), 12, 31),
            $period_end,
            coalesce(p.deceased_date, date '9999-12-31'),
            coalesce(e.last_day, date '9999-12-31')
        ) as last_day
    from lake.medication_fill f
    left join prepared.person p on p.patient_id = f.patient_id
    left join enrolled e on e.patient_id = f.patient_id
    where date_part('year', f.filled_date) >= date_part('year', $period_start)
      and f.filled_date <= $period_end
      and case $class
            when 1 then f.drug_class in ('diabetes', 'antidiabetic')
            when 2 then f.drug_class in ('rasa', 'ras_antagonist')
            else f.drug_class in ('statin', 'statins')
          end
),
persons as (
    select
        patient_id,
        mp_year,
        birth_date,
        last_day,
        min(filled_date) as first_day,
        count(distinct filled_date) as fill_dates,
        array_agg(cast(filled_date as int) order by filled_date, fill_id) as filled,
        array_agg(days_supply order by filled_date, fill_id) as supply,
        array_agg(ingredients order by filled_date, fill_id) as ingredients
    from fills
    where filled_date <= last_day
    group by patient_id, mp_year, birth_date, last_day
),
in_hospital as (
    select
        patient_id,
        array_agg(cast(start_date as int) order by start_date, stay_id) as admitted,
        -- Who is still there at the end of the period has no day at home yet: the day of discharge would be one.
        array_agg(coalesce(cast(in_hospital_until as int), cast($period_end as int) + 1) order by start_date, stay_id) as discharged
    from prepared.stays
    group by patient_id
),
renal as (
    select patient_id, min(recorded_date) as recorded_date
    from lake.diagnosis
    where upper(replace(code, '.', '')) in ('N186', 'Z992')
    group by patient_id
),
counted as (
    select
        p.patient_id,
        p.mp_year,
        p.first_day,
        p.last_day,
        covered_days(
            p.filled, p.supply, p.ingredients, cast(p.first_day as int), cast(p.last_day as int), h.admitted, h.discharged
        ) as cover,
        case
            when p.birth_date > make_date(p.mp_year - 18, 1, 1) then 'under_18'
            when r.recorded_date <= p.last_day then 'excluded_esrd'
            when p.fill_dates < 2 then 'one_fill_date'
            when cast(p.last_day as int) - cast(p.first_day as int) + 1 < 91 then 'short_treatment'
        end as exclusion_reason
    from persons p
    left join in_hospital h on h.patient_id = p.patient_id
    left join renal r on r.patient_id = p.patient_id
),
judged as (
    select
        counted.*,
        get_field(cover, 'days') as days,
        get_field(cover, 'covered') as covered,
        case when last_day = $period_end then cast(make_date(mp_year, 12, 31) as int) - cast(last_day as int) else 0 end as days_left
    from counted
)
select
    concat(patient_id, '|', cast(mp_year as varchar)) as unit_id,
    patient_id,
    least(make_date(mp_year, 12, 31), $period_end) as index_date,
    make_date(mp_year, 12, 31) as mature_on,
    exclusion_reason is null and coalesce(days, 0) > 0 as in_denominator,
    case when exclusion_reason is not null then exclusion_reason when coalesce(days, 0) = 0 then 'no_days' end as exclusion_reason,
    case when exclusion_reason is null and days > 0 then 100 * covered >= 80 * days end as in_numerator,
    case
        when exclusion_reason is null and days > 0 then concat(
            cast(covered as varchar), ' of ', cast(days as varchar), ' days',
            case
                when days_left = 0 or 100 * covered >= 80 * days then ''
                when 100 * (covered + days_left) >= 80 * (days + days_left) then ', can still reach 80 % this year'
                else ', cannot reach 80 % this year'
            end
        )
    end as evidence
from judged
