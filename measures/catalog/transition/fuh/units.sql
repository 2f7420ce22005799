-- One row for each discharge from acute inpatient care: an event, or the first reason why it is none; and whether a
-- mental-health visit follows on day 1 to window_days.
with admissions as (
    select
        stay_id, patient_id, organization_id, practitioner_id, start_date, end_date, disposition_kind, primary_diagnosis,
        true as acute
    from prepared.stays
    union all
    select
        encounter_id, patient_id, organization_id, practitioner_id, start_date, end_date, disposition_kind, primary_diagnosis,
        class = 'psychiatric'
    from prepared.other_stays
    where class <> 'observation'
),
coded as (
    select
        a.*,
        coalesce(illness.code, harm.code) is not null as mental,
        -- What lies inside another stay follows nothing: the patient had not left. The same stay twice is the later of two.
        coalesce(
            a.start_date < a.latest_end_before
            and coalesce(a.end_date, a.start_date) <= a.latest_end_before
            and not coalesce(a.start_date = a.start_before and a.end_date = a.end_before, false),
            false
        ) as inside
    from (
        select
            admissions.*,
            max(end_date) over (
                partition by patient_id order by start_date, end_date nulls last, stay_id
                rows between unbounded preceding and 1 preceding
            ) as latest_end_before,
            lag(start_date) over (partition by patient_id order by start_date, end_date nulls last, stay_id) as start_before,
            lag(end_date) over (partition by patient_id order by start_date, end_date nulls last, stay_id) as end_before
        from admissions
    ) a
    left join prepared.code_member illness
        on illness.set_id = 'mental_illness' and illness.code_system = 'icd-10-cm' and illness.code = a.primary_diagnosis
    left join prepared.code_member harm
        on harm.set_id = 'intentional_self_harm' and harm.code_system = 'icd-10-cm' and harm.code = a.primary_diagnosis
),
chained as (
    select
        coded.*,
        lead(case when not inside then stay_id end) ignore nulls over in_order as next_stay_id,
        lead(case when not inside then acute end) ignore nulls over in_order as next_acute,
        lead(case when not inside then mental end) ignore nulls over in_order as next_mental,
        days_between(end_date, lead(case when not inside then start_date end) ignore nulls over in_order)
            as days_to_next
    from coded
    window in_order as (partition by patient_id order by start_date, end_date nulls last, stay_id)
),
in_hospice as (
    select distinct patient_id, date_part('year', start_date) as year
    from lake.encounter
    where class = 'hospice'
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
reasoned as (
    select
        d.stay_id,
        d.patient_id,
        d.organization_id,
        d.practitioner_id,
        d.start_date,
        d.end_date,
        d.next_stay_id,
        case
            when d.end_date is null then 'no_discharge'
            when d.end_date < $period_start or d.end_date > $period_end then 'outside_period'
            when d.disposition_kind = 'died' then 'died_in_hospital'
            when not d.mental then 'other_condition'
            when p.birth_date is null then 'age_unknown'
            when age_at(p.birth_date, d.end_date) < 6 then 'under_6'
            when d.days_to_next <= 30 and not d.next_acute then 'moved_to_nonacute'
            when d.days_to_next <= 30 and d.next_mental then 'readmitted_mental'
            when d.days_to_next <= 30 then 'readmitted_other'
            when h.patient_id is not null then 'hospice'
            when date_part('year', p.deceased_date) = date_part('year', d.end_date) then 'died'
            when days_between(d.end_date, p.deceased_date) <= 30 then 'died'
        end as exclusion_reason
    from chained d
    left join prepared.person p on p.patient_id = d.patient_id
    left join in_hospice h on h.patient_id = d.patient_id and h.year = date_part('year', d.end_date)
    where d.acute
),
mental_health_visits as (
    select v.patient_id, v.encounter_id, v.start_date
    from lake.encounter v
    left join prepared.code_member illness
        on illness.set_id = 'mental_illness' and illness.code_system = 'icd-10-cm' and illness.code = v.primary_diagnosis
    left join lake.practitioner who on who.practitioner_id = v.practitioner_id
    left join prepared.code_set specialty
        on specialty.set_id = 'mental_health_specialty' and lower(specialty.code) = lower(who.specialty)
    where v.class in ('ambulatory', 'home', 'virtual')
      and coalesce(v.status, 'finished') = 'finished'
      and coalesce(illness.code, specialty.code) is not null
),
longest as (
    select max(variant.window_days) as days from (select 1) one cross join variant
),
first_visits as (
    select
        r.stay_id,
        r.patient_id,
        min(v.start_date) as visit_date,
        first_value(v.encounter_id order by v.start_date, v.encounter_id) as encounter_id
    from reasoned r
    cross join longest
    join mental_health_visits v
        on v.patient_id = r.patient_id
        and days_between(r.end_date, v.start_date) between 1 and longest.days
    group by r.stay_id, r.patient_id
)
select
    variant.variant,
    r.stay_id as unit_id,
    r.patient_id,
    coalesce(r.end_date, r.start_date) as index_date,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case when r.exclusion_reason is null then v.encounter_id is not null end as in_numerator,
    case
        when r.exclusion_reason is null then v.encounter_id
        when r.exclusion_reason in ('moved_to_nonacute', 'readmitted_mental', 'readmitted_other') then r.next_stay_id
    end as evidence,
    r.organization_id,
    r.practitioner_id
from reasoned r
cross join variant
left join first_visits v
    on v.stay_id = r.stay_id
    and v.patient_id = r.patient_id
    and days_between(r.end_date, v.visit_date) <= variant.window_days
