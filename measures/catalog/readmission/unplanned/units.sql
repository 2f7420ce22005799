-- One row for each acute stay: an index stay, or the first reason why it is none; and whether the first acute
-- admission within $window_days days of discharge, day 0 included, is unplanned.
with reasoned as (
    select
        s.stay_id,
        s.patient_id,
        s.organization_id,
        s.practitioner_id,
        s.start_date,
        s.end_date,
        s.next_stay_id,
        s.next_planned,
        s.days_to_next,
        case
            when s.end_date is null then 'no_discharge'
            when s.end_date < $period_start or s.end_date > $period_end then 'outside_period'
            when s.discharge_disposition in ('20', '40', '41', '42') then 'died_in_hospital'
            when s.discharge_disposition is null and p.deceased_date between s.start_date and s.end_date
                then 'died_in_hospital'
            when s.transferred_out then 'transferred_out'
            when s.discharge_disposition in ('07', '7') then 'ama'
            when s.excluded_condition is not null then 'excluded_condition'
            when p.birth_date is null then 'age_unknown'
            when date_part('year', s.start_date) - date_part('year', p.birth_date)
                - case when to_char(s.start_date, '%m%d') < to_char(p.birth_date, '%m%d') then 1 else 0 end < $min_age
                then 'under_age'
        end as exclusion_reason
    from prepared.stays s
    left join prepared.person p on p.patient_id = s.patient_id
)
select
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is null then coalesce(days_to_next between 0 and $window_days and not next_planned, false)
    end as in_numerator,
    case when days_to_next between 0 and $window_days then next_stay_id end as evidence,
    organization_id,
    practitioner_id
from reasoned
