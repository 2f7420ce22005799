-- One row for each emergency visit: an event, or the first reason why it is none; and whether
-- a follow-up service is given on day 0 to $window_days. Of several visits within 8 days only the first counts.
with conditions as (
    select d.patient_id, d.recorded_date, c.target as condition
    from lake.diagnosis d
    join prepared.code_member c
        on c.set_id = 'high_risk_condition' and c.code_system = coalesce(lower(d.code_system), 'icd-10-cm') and c.code = d.code
),
documented as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.start_date,
        coalesce(min(c.condition) <> max(c.condition), false) as several_conditions,
        coalesce(min(c.recorded_date) <> max(c.recorded_date), false) as several_dates
    from prepared.emergency_visits v
    left join conditions c
        on c.patient_id = v.patient_id
        and c.recorded_date < v.start_date
        and date_part('year', c.recorded_date) >= date_part('year', v.start_date) - 1
    group by v.encounter_id, v.patient_id, v.organization_id, v.start_date
),
enrolled as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.start_date,
        v.several_conditions,
        v.several_dates,
        count(c.first_day) as spans
    from documented v
    left join prepared.enrolment c
        on c.patient_id = v.patient_id
        and c.first_day <= add_days(v.start_date, -365)
        and c.last_day >= add_days(v.start_date, 7)
    group by v.encounter_id, v.patient_id, v.organization_id, v.start_date, v.several_conditions, v.several_dates
),
admissions as (
    select stay_id, patient_id, start_date
    from prepared.stays
    union all
    select encounter_id, patient_id, start_date
    from prepared.other_stays
    where class <> 'observation'
),
admitted as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.start_date,
        v.several_conditions,
        v.several_dates,
        v.spans,
        first_value(a.stay_id order by a.start_date, a.stay_id) as admission_id
    from enrolled v
    left join admissions a
        on a.patient_id = v.patient_id
        and days_between(v.start_date, a.start_date) between 0 and 7
    group by v.encounter_id, v.patient_id, v.organization_id, v.start_date, v.several_conditions, v.several_dates, v.spans
),
in_hospice as (
    select distinct patient_id, date_part('year', start_date) as year
    from lake.encounter
    where class = 'hospice'
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
judged as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.start_date,
        v.admission_id,
        case
            when v.start_date > make_date(date_part('year', v.start_date), 12, 24) then 'after_last_visit_date'
            when p.birth_date is null then 'age_unknown'
            when age_at(p.birth_date, v.start_date) < 18 then 'under_18'
            when not v.several_conditions then 'fewer_than_2_conditions'
            when not v.several_dates then 'fewer_than_2_conditions'
            when $has_coverage and v.spans = 0 then 'not_enrolled'
            when v.admission_id is not null then 'admitted_within_7'
            when h.patient_id is not null then 'hospice'
        end as ineligible
    from admitted v
    left join prepared.person p on p.patient_id = v.patient_id
    left join in_hospice h on h.patient_id = v.patient_id and h.year = date_part('year', v.start_date)
),
eligible as (
    select
        patient_id,
        array_agg(encounter_id order by start_date, encounter_id) as encounter_ids,
        spaced(
            array_agg(start_date order by start_date, encounter_id),
            array_agg(start_date order by start_date, encounter_id),
            7
        ) as counts
    from judged
    where ineligible is null
    group by patient_id
),
reasoned as (
    select
        v.encounter_id,
        v.patient_id,
        v.organization_id,
        v.start_date,
        v.admission_id,
        case
            when v.start_date < $period_start or v.start_date > $period_end then 'outside_period'
            when v.ineligible is not null then v.ineligible
            when not e.counts[cast(array_position(e.encounter_ids, v.encounter_id) as int)] then 'within_8_days_of_another'
        end as exclusion_reason
    from judged v
    left join eligible e on e.patient_id = v.patient_id
),
services as (
    select patient_id, encounter_id as service_id, start_date, last_started_at as at
    from prepared.outpatient_visits
    union all
    select patient_id, encounter_id, start_date, started_at
    from lake.encounter
    where class = 'observation'
      and coalesce(status, 'finished') = 'finished'
    union all
    select patient_id, contact_id, contact_date, contact_at
    from lake.contact
    where outcome = 'reached'
)
select
    r.encounter_id as unit_id,
    r.patient_id,
    r.start_date as index_date,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case when r.exclusion_reason is null then count(s.service_id) > 0 end as in_numerator,
    case
        when r.exclusion_reason is null then first_value(s.service_id order by s.start_date, s.service_id)
        when r.exclusion_reason = 'admitted_within_7' then r.admission_id
    end as evidence,
    r.organization_id
from reasoned r
left join prepared.emergency_visits e on e.patient_id = r.patient_id and e.encounter_id = r.encounter_id
left join services s
    on s.patient_id = r.patient_id
    and days_between(r.start_date, s.start_date) between 0 and $window_days
    -- What was given before the emergency visit ended is no follow-up, where both hours are known.
    and coalesce(s.at >= e.ended_at, true)
group by r.encounter_id, r.patient_id, r.organization_id, r.start_date, r.admission_id, r.exclusion_reason
