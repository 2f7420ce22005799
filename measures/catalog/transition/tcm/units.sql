-- One row for each acute stay: whether the patient was reached within $business_days business days of discharge home
-- ($by_contact = 1), or seen on calendar day 0 to $window_days.
-- Weekdays up to a day, counted from Monday 1969-12-29, are 5 for each whole week and at most 5 of the one begun.
with contacts as (
    select
        c.patient_id,
        c.contact_date,
        5 * ((cast(c.contact_date as int) + 3) / 7) + least((cast(c.contact_date as int) + 3) % 7 + 1, 5) as weekdays_to_contact
    from lake.contact c
    where c.outcome = 'reached'
),
reached as (
    select
        s.stay_id,
        s.patient_id,
        c.contact_date,
        c.weekdays_to_contact
            - (5 * ((cast(s.end_date as int) + 3) / 7) + least((cast(s.end_date as int) + 3) % 7 + 1, 5))
            - count(h.day) as business_days
    from prepared.stays s
    join contacts c
        on c.patient_id = s.patient_id
        and cast(c.contact_date as int) - cast(s.end_date as int) between 0 and $window_days
    left join prepared.holidays h
        on h.day > s.end_date
        and h.day <= c.contact_date
        and (cast(h.day as int) + 3) % 7 < 5
    where $by_contact = 1
    group by s.stay_id, s.patient_id, c.contact_date, c.weekdays_to_contact, s.end_date
),
done as (
    select stay_id, patient_id, min(contact_date) as done_date
    from reached
    where business_days <= $business_days
    group by stay_id, patient_id
    union all
    select s.stay_id, s.patient_id, min(v.start_date)
    from prepared.stays s
    join prepared.outpatient_visits v
        on v.patient_id = s.patient_id
        and cast(v.start_date as int) - cast(s.end_date as int) between 0 and $window_days
    where $by_contact = 0
    group by s.stay_id, s.patient_id
),
reasoned as (
    select
        s.stay_id,
        s.patient_id,
        s.organization_id,
        s.practitioner_id,
        s.start_date,
        s.end_date,
        d.done_date,
        case
            when s.left_out is not null then s.left_out
            when coalesce(s.discharge_disposition, '01') not in ('01', '1', '06', '6') then 'not_discharged_home'
        end as exclusion_reason
    from prepared.stays s
    left join done d on d.stay_id = s.stay_id and d.patient_id = s.patient_id
)
select
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then done_date is not null end as in_numerator,
    cast(done_date as varchar) as evidence,
    organization_id,
    practitioner_id
from reasoned
