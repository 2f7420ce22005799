-- A stay meets the numerator if the patient was reached within $business_days business days of discharge home ($by_contact = 1), or seen
-- on calendar day 0 to $window_days.
-- On the day of discharge a contact or visit before the hour of discharge is none, where both hours are known.
-- A contact is in time while fewer than $business_days business days lie between discharge and the contact: a weekend after the
-- last of them is too late. Ordinals count business days up to and with a day.
with reached as (
    select s.stay_id, s.patient_id, min(c.contact_date) as contact_date
    from cohort s
    join lake.contact c on c.patient_id = s.patient_id and c.outcome = 'reached' and c.contact_date >= s.end_date
    join prepared.business_days d on d.day = s.end_date
    left join prepared.business_days b on b.day = add_days(c.contact_date, -1)
    left join prepared.departures l on l.patient_id = s.patient_id and l.day = s.end_date
    where $by_contact = 1
      and coalesce(c.contact_at >= l.left_at, true)
      and (c.contact_date = s.end_date or b.ordinal - d.ordinal < $business_days)
    group by s.stay_id, s.patient_id
),
done as (
    select stay_id, patient_id, contact_date as done_date
    from reached
    union all
    select s.stay_id, s.patient_id, min(v.start_date)
    from cohort s
    join prepared.outpatient_visits v
        on v.patient_id = s.patient_id
        and days_between(s.end_date, v.start_date) between 0 and $window_days
    left join prepared.departures l on l.patient_id = s.patient_id and l.day = s.end_date
    where $by_contact = 0
      and coalesce(v.last_started_at >= l.left_at, true)
    group by s.stay_id, s.patient_id
)
select
    s.unit,
    case when coalesce(s.disposition_kind, 'home') <> 'home' then 'not_discharged_home' end as exclusion_reason,
    d.done_date is not null as in_numerator,
    cast(d.done_date as varchar) as evidence
from cohort s
left join done d on d.stay_id = s.stay_id and d.patient_id = s.patient_id
