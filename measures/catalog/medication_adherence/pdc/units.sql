-- One row for each person and calendar year with a fill of the class of the variant (1 diabetes, 2 renin-angiotensin, 3 statin):
-- whether at least 80 % of the days from the first fill are covered. Treatment begins with the first fill while enrolled, and ends
-- with that episode of enrolment; of a person of whom no enrolment is known, it does not end so.
with of_class as (
    select
        variant.variant,
        variant.class,
        f.patient_id,
        cast(date_part('year', f.filled_date) as int) as mp_year,
        f.fill_id,
        f.filled_date,
        f.days_supply,
        f.ingredients,
        f.left_out
    from prepared.fills f
    cross join variant
    where variant.class = case
            when f.drug_class in ('diabetes', 'antidiabetic') then 1
            when f.drug_class in ('rasa', 'ras_antagonist') then 2
            when f.drug_class in ('statin', 'statins') then 3
        end
      and date_part('year', f.filled_date) >= date_part('year', $period_start)
      and f.filled_date <= $period_end
),
enrolled as (
    select distinct patient_id from prepared.enrolment
),
-- Each fill with the last day of the episode that it lies in.
placed as (
    select
        f.*,
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
        row_number() over of_year as place,
        bool_or(left_out is null) over of_year as dispensed,
        bool_or(left_out is null and enrolled_until is not null) over of_year as enrolled,
        first_value(case when can_begin then filled_date end) ignore nulls over of_year as first_day,
        least(
            make_date(mp_year, 12, 31),
            $period_end,
            coalesce(deceased_date, date '9999-12-31'),
            first_value(case when can_begin then enrolled_until end) ignore nulls over of_year
        ) as last_day
    from treated
    window of_year as (
        partition by patient_id, class, mp_year order by filled_date, fill_id
        rows between unbounded preceding and unbounded following
    )
),
fills as (
    select
        begun.*,
        coalesce(left_out is null and filled_date between first_day and last_day, false) as counts
    from begun
),
-- The fills of a year as lists. One that does not count supplies no day.
listed as (
    select
        fills.*,
        max(case when counts then filled_date end) over of_year as last_fill,
        array_agg(filled_date) over of_year as filled,
        array_agg(case when counts then days_supply else 0 end) over of_year as supply,
        array_agg(ingredients) over of_year as ingredients_of
    from fills
    window of_year as (
        partition by patient_id, class, mp_year order by filled_date, fill_id
        rows between unbounded preceding and unbounded following
    )
),
stays as (
    select
        s.patient_id,
        row_number() over of_patient as place,
        array_agg(s.start_date) over of_patient as admitted,
        -- Who is still there at the end of the period has no day at home yet: the day of discharge would be one.
        array_agg(coalesce(s.in_hospital_until, add_days($period_end, 1))) over of_patient as discharged
    from prepared.stays s
    where s.patient_id in (select f.patient_id from prepared.fills f)
    window of_patient as (
        partition by s.patient_id order by s.start_date, s.stay_id
        rows between unbounded preceding and unbounded following
    )
),
renal as (
    select patient_id, min(recorded_date) as recorded_date
    from lake.diagnosis
    where upper(replace(code, '.', '')) in ('N186', 'Z992')
    group by patient_id
),
counted as (
    select
        p.variant,
        p.patient_id,
        p.mp_year,
        p.first_day,
        p.last_day,
        covered_days(
            p.filled, p.supply, p.ingredients_of, p.first_day, p.last_day, h.admitted, h.discharged
        ) as cover,
        case
            when p.birth_date > make_date(p.mp_year - 18, 1, 1) then 'under_18'
            when not p.dispensed then 'fills_reversed'
            when not p.enrolled then 'not_enrolled'
            when p.first_day is null then 'died_before'
            when r.recorded_date <= p.last_day then 'excluded_esrd'
            when p.last_fill = p.first_day then 'one_fill_date'
            when days_between(p.first_day, p.last_day) + 1 < 91 then 'short_treatment'
        end as exclusion_reason
    from listed p
    left join stays h on h.patient_id = p.patient_id and h.place = 1
    left join renal r on r.patient_id = p.patient_id
    where p.place = 1
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
    variant,
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
