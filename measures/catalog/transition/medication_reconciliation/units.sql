-- One row for each discharge from acute or nonacute inpatient care: an event, or the first reason why it is none; and
-- whether medicines were reconciled on day 0 to window_days.
with longest as (
    select max(variant.window_days) as days from (select 1) one cross join variant
),
reconciled as (
    select d.stay_id, d.patient_id, min(m.reconciled_date) as reconciled_date
    from prepared.transition_discharges d
    cross join longest
    join lake.medication_reconciliation m
        on m.patient_id = d.patient_id
        and days_between(d.end_date, m.reconciled_date) between 0 and longest.days
    where m.setting = 'outpatient'
      and lower(m.role) in (
          'prescriber', 'physician', 'pharmacist', 'clinical_pharmacist', 'pa', 'physician_assistant', 'np',
          'nurse_practitioner', 'rn', 'registered_nurse'
      )
    group by d.stay_id, d.patient_id
),
seen as (
    select distinct d.stay_id, d.patient_id
    from prepared.transition_discharges d
    join prepared.outpatient_visits v
        on v.patient_id = d.patient_id
        and days_between(d.end_date, v.start_date) between 0 and 30
    left join prepared.departures l on l.patient_id = d.patient_id and l.day = d.end_date
    where coalesce(v.last_started_at >= l.left_at, true)
),
reasoned as (
    select
        variant.variant,
        d.stay_id,
        d.patient_id,
        d.organization_id,
        d.practitioner_id,
        d.start_date,
        d.end_date,
        case when days_between(d.end_date, r.reconciled_date) <= variant.window_days then r.reconciled_date end
            as reconciled_date,
        case
            when d.left_out in ('no_discharge', 'readmitted_within_30') then d.left_out
            when date_part('month', d.end_date) * 100 + date_part('day', d.end_date) > variant.last_discharge then 'after_last_discharge_date'
            when d.left_out is not null then d.left_out
            when variant.needs_visit = 1 and s.stay_id is null then 'no_visit_within_30'
        end as exclusion_reason
    from prepared.transition_discharges d
    cross join variant
    left join reconciled r on r.stay_id = d.stay_id and r.patient_id = d.patient_id
    left join seen s on s.stay_id = d.stay_id and s.patient_id = d.patient_id
)
select
    variant,
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then reconciled_date is not null end as in_numerator,
    cast(reconciled_date as varchar) as evidence,
    organization_id,
    practitioner_id
from reasoned
