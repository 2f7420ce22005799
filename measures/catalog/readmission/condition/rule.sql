-- An index stay of the variant's cohort of conditions meets the numerator if the first acute admission within window_days days of
-- discharge, day 0 included, is unplanned. Which stays are index stays, or the first reason why not, is said here too.
with secondary as (
    select
        d.encounter_id,
        d.patient_id,
        m.target,
        bool_or(m.set_id = 'readmission_cohort_secondary') as wanted,
        bool_or(m.set_id = 'readmission_cohort_unless_secondary') as unwanted
    from lake.diagnosis d
    join prepared.code_member m
        on m.set_id in ('readmission_cohort_secondary', 'readmission_cohort_unless_secondary')
        and m.code_system = lower(coalesce(d.code_system, 'icd-10-cm'))
        and m.code = d.code
    where d.rank > 1
      and coalesce(d.present_on_admission, true)
    group by d.encounter_id, d.patient_id, m.target
),
operations as (
    select
        p.encounter_id,
        p.patient_id,
        p.performed_date,
        m.target,
        count(distinct case when m.set_id = 'readmission_cohort_procedure' then p.code end) as wanted,
        bool_or(m.set_id = 'readmission_cohort_unless_procedure') as unwanted
    from lake.procedure p
    join prepared.code_member m
        on m.set_id in ('readmission_cohort_procedure', 'readmission_cohort_unless_procedure')
        and m.code_system = lower(coalesce(p.code_system, 'icd-10-pcs'))
        and m.code = p.code
    group by p.encounter_id, p.patient_id, p.performed_date, m.target
),
of_stay as (
    select
        r.of_encounter_id,
        r.patient_id,
        x.target,
        bool_or(x.secondary_wanted) as secondary_wanted,
        bool_or(x.secondary_unwanted) as secondary_unwanted,
        sum(x.procedures_wanted) as procedures_wanted,
        bool_or(x.procedure_unwanted) as procedure_unwanted
    from prepared.stay_rows r
    join (
        select
            encounter_id,
            patient_id,
            target,
            wanted as secondary_wanted,
            unwanted as secondary_unwanted,
            0 as procedures_wanted,
            false as procedure_unwanted
        from secondary
        union all
        select encounter_id, patient_id, target, false, false, sum(wanted), bool_or(unwanted)
        from operations
        group by encounter_id, patient_id, target
    ) x on x.encounter_id = r.encounter_id and x.patient_id = r.patient_id
    where r.because not in ('status', 'copy')
    group by r.of_encounter_id, r.patient_id, x.target
),
replaced as (
    select distinct s.stay_id, s.patient_id, o.target
    from cohort s
    join operations o
        on o.patient_id = s.patient_id
        and o.unwanted
        and o.performed_date >= cast(s.start_date - interval '12 months' as date)
        and o.performed_date <= coalesce(s.end_date, s.start_date)
),
told as (
    select
        s.*,
        variant.variant,
        variant.cohort,
        variant.window_days,
        coalesce(f.procedures_wanted, 0) as procedures_wanted,
        coalesce(f.procedure_unwanted, false) as procedure_unwanted,
        h.stay_id is not null as heart_replaced,
        never.code is not null as principal_unwanted,
        (
            principal.code is not null
            or (conditional.code is not null and coalesce(f.secondary_wanted, false) and not coalesce(f.secondary_unwanted, false))
            or coalesce(f.procedures_wanted, 0) > 0
        ) as of_cohort
    from cohort s
    cross join variant
    left join of_stay f
        on f.of_encounter_id = s.first_encounter_id and f.patient_id = s.patient_id and f.target = variant.cohort
    left join replaced h on h.stay_id = s.stay_id and h.patient_id = s.patient_id and h.target = variant.cohort
    left join prepared.code_member principal
        on principal.set_id = 'readmission_cohort_principal'
        and principal.target = variant.cohort
        and principal.code_system = 'icd-10-cm'
        and principal.code = s.primary_diagnosis
    left join prepared.code_member conditional
        on conditional.set_id = 'readmission_cohort_principal_if'
        and conditional.target = variant.cohort
        and conditional.code_system = 'icd-10-cm'
        and conditional.code = s.primary_diagnosis
    left join prepared.code_member never
        on never.set_id = 'readmission_cohort_unless_principal'
        and never.target = variant.cohort
        and never.code_system = 'icd-10-cm'
        and never.code = s.primary_diagnosis
),
followed as (
    select
        told.*,
        of_cohort or (
            transferred_in
            and lag(of_cohort) over (partition by variant, patient_id order by start_date, end_date nulls last, stay_id)
        ) as in_cohort
    from told
),
reasoned as (
    select
        followed.*,
        case
            when not in_cohort then 'other_condition'
            when disposition_kind = 'against_advice' then 'ama'
            when age is null then 'age_unknown'
            when age < 65 then 'under_age'
            when cohort = 'AMI' and days = 0 then 'same_day_discharge'
            when cohort = 'HF' and heart_replaced then 'heart_replaced'
            when cohort = 'CABG' and procedure_unwanted then 'other_heart_surgery'
            when cohort = 'THA_TKA'
                and (procedure_unwanted or principal_unwanted or procedures_wanted > 2 or admission_type <> 'elective')
                then 'not_elective_primary'
        end as own_reason
    from followed
),
-- Stays that could be an index stay, in or outside the period: the spacing of 30 days runs over all of them.
eligible as (
    select variant, stay_id, patient_id, start_date, end_date, left_out
    from reasoned
    where own_reason is null
      and (left_out is null or (left_out = 'outside_period' and not died_in_hospital and not transferred_out))
),
spaced_stays as (
    select variant, patient_id, unnest(stay_ids) as stay_id, unnest(counts) as counts
    from (
        select
            variant,
            patient_id,
            array_agg(stay_id order by start_date, end_date, stay_id) as stay_ids,
            spaced(
                array_agg(start_date order by start_date, end_date, stay_id),
                array_agg(end_date order by start_date, end_date, stay_id),
                30
            ) as counts
        from eligible
        group by variant, patient_id
    )
),
first_in_period as (
    select
        variant,
        stay_id,
        patient_id,
        row_number() over (partition by variant, patient_id order by start_date, end_date, stay_id) as place
    from eligible
    where left_out is null
)
select
    r.unit,
    r.variant,
    case
        when r.own_reason is not null then r.own_reason
        when r.cohort = 'CABG' and f.place > 1 then 'not_first'
        when not p.counts then 'within_30_days_of_index'
    end as exclusion_reason,
    coalesce(r.days_to_next between 0 and r.window_days, false) and not r.next_planned as in_numerator,
    case when r.days_to_next between 0 and r.window_days then r.next_stay_id end as evidence
from reasoned r
left join spaced_stays p on p.variant = r.variant and p.stay_id = r.stay_id and p.patient_id = r.patient_id
left join first_in_period f on f.variant = r.variant and f.stay_id = r.stay_id and f.patient_id = r.patient_id
