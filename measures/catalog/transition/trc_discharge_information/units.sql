-- One row for each discharge from acute or nonacute inpatient care: an event, or the first reason why it is none; and
-- whether the practice had the discharge information on day 0 to $notice_days after the discharge.
with events as (
    select
        stay_id,
        patient_id,
        organization_id,
        practitioner_id,
        start_date,
        end_date,
        case
            when left_out in ('no_discharge', 'readmitted_within_30') then left_out
            when end_date > make_date(date_part('year', end_date), 12, 1) then 'after_last_discharge_date'
            else left_out
        end as exclusion_reason
    from prepared.transition_discharges
)
select
    r.stay_id as unit_id,
    r.patient_id,
    coalesce(r.end_date, r.start_date) as index_date,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case when r.exclusion_reason is null then count(c.contact_id) > 0 end as in_numerator,
    case when r.exclusion_reason is null then first_value(c.contact_id order by c.contact_date, c.contact_id) end as evidence,
    r.organization_id,
    r.practitioner_id
from events r
left join lake.contact c
    on c.patient_id = r.patient_id
    and c.purpose = 'discharge_information'
    and days_between(r.end_date, c.contact_date) between 0 and $notice_days
group by
    r.stay_id, r.patient_id, r.organization_id, r.practitioner_id, r.start_date, r.end_date, r.exclusion_reason
