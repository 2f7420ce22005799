-- One row for each person and calendar year with a fill of the class ($class: 1 diabetes, 2 renin-angiotensin, 3 statin):
-- whether at least 80 % of the days from the first fill are covered. Treatment begins with the first fill while enrolled, and ends
-- with that episode of enrolment; of a person of whom no enrolment is known, it does not end so.
with of_class as (
    select
        f.*,
        cast(date_part('year', f.filled_date) as int) as mp_year
    from prepared.fills f
    where date_part('year', f.filled_date) >= date_part('year', $period_start)
      and f.filled_date <= $period_end
      and case $class
            when 1 then f.drug_class in ('diabetes', 'antidiabetic')
            when 2 then f.drug_class in ('rasa', 'ras_antagonist')
            else f.drug_class in ('statin', 'statins')
          end
),
enrolled as (
    select distinct patient_id from prepared.enrolment
),
-- Each fill with the last day of the episode that it lies in.
placed as (
    select
        f.patient_id,
        f.mp_year,
        f.fill_id,
        f.filled_date,
        f.days_supply,
        f.ingredients,
        f.left_out,
        p.birth_date,
        p.deceased_date,
        case when n.patient_id is null then date '9999-12-31' else e.last_day end as enrolled_until
    from of_class f
    left join prepared.person p on p.patient_id = f.patient_id
    left join enrolled n on n.patient_id = f.patient_id
    left join prepared.enrolment e
        on e.patient_id = f.patient_id and f.filled_date between e.first_day and e.last_day
),
treated as (
    select
        placed.*,
        left_out is null
            and enrolled_until is not null
            and coalesce(filled_date <= deceased_date, true) as can_begin
    from placed
),
begun as (
    select
        treated.*,
        first_value(case when can_begin then filled_date end) ignore nulls over of_year as first_day,
        least(
            make_date(mp_year, 12, 31),
            $period_end,
            coalesce(deceased_date, date '9999-12-31'),
            first_value(case when can_begin then enrolled_until end) ignore nulls over of_year
        ) as last_day
    from treated
    window of_year as (
        partition by patient_id, mp_year order by filled_date, fill_id
        rows between unbounded preceding and unbounded following
    )
),
fills as (
    select
        begun.*,
        coalesce(left_out is null and filled_date between first_day and last_day, false) as counts
    from begun
),
persons as (
    select
        patient_id,
        mp_year,
        birth_date,
        first_day,
        last_day,
        bool_or(left_out is null) as dispensed,
        bool_or(left_out is null and enrolled_until is not null) as enrolled,
        count(distinct case when counts then filled_date end) as fill_dates,
        array_agg(filled_date order by filled_date, fill_id) filter (where counts) as filled,
        array_agg(days_supply order by filled_date, fill_id) filter (where counts) as supply,
        array_agg(ingredients order by filled_date, fill_id) filter (where counts) as ingredients
    from fills
    group by patient_id, mp_year, birth_date, first_day, last_day
),
in_hospital as (
    select
        patient_id,
        array_agg(start_date order by start_date, stay_id) as admitted,
        -- Who is still there at the end of the period has no day at home yet: the day of discharge would be one.
        array_agg(coalesce(in_hospital_until, add_days($period_end, 1)) order by start_date, stay_id) as discharged
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
            p.filled, p.supply, p.ingredients, p.first_day, p.last_day, h.admitted, h.discharged
        ) as cover,
        case
            when p.birth_date > make_date(p.mp_year - 18, 1, 1) then 'under_18'
            when not p.dispensed then 'fills_reversed'
            when not p.enrolled then 'not_enrolled'
            when p.first_day is null then 'died_before'
            when r.recorded_date <= p.last_day then 'excluded_esrd'
            when p.fill_dates < 2 then 'one_fill_date'
            when days_between(p.first_day, p.last_day) + 1 < 91 then 'short_treatment'
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
        case when last_day = $period_end then days_between(last_day, make_date(mp_year, 12, 31)) else 0 end as days_left
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
