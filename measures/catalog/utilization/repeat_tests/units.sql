-- One row for each test, all its results of a set of tests, a patient and a day: whether another follows within the window, or one that
-- another organization ordered.
with sets as (
    select distinct variant.test_set from (select 1) one cross join variant
),
results as (
    select
        t.test_set,
        o.patient_id,
        o.observed_date,
        o.observation_id,
        o.organization_id,
        o.value_number is not null or o.value_text is not null as has_result,
        coalesce(e.class = 'inpatient', s.stay_id is not null) as in_hospital
    from lake.observation o
    cross join sets t
    join prepared.code_member c
        on c.set_id = t.test_set and c.code_system = lower(coalesce(o.code_system, 'loinc')) and c.code = o.code
    left join lake.encounter e on e.patient_id = o.patient_id and e.encounter_id = o.encounter_id
    left join prepared.stays s
        on s.patient_id = o.patient_id
        and s.start_date <= o.observed_date
        and (s.in_hospital_until is null or s.in_hospital_until >= o.observed_date)
    where o.observed_date is not null
),
marked as (
    -- Several stays of a day join a result more than once.
    select
        test_set,
        patient_id,
        observed_date,
        observation_id,
        organization_id,
        has_result,
        has_result and not bool_or(in_hospital) as counts
    from results
    group by test_set, patient_id, observed_date, observation_id, organization_id, has_result
),
put_together as (
    select
        test_set,
        patient_id,
        observed_date,
        bool_or(has_result) over of_day as has_result,
        bool_or(counts) over of_day as counts,
        array_agg(observation_id) over of_day as observation_ids,
        -- A result whose organization is not known shares it with no other.
        array_agg(case when counts then coalesce(organization_id, concat('?', observation_id)) end) over of_day
            as organizations,
        min(case when counts then organization_id end) over of_day as organization_id,
        lead(observation_id) over (partition by test_set, patient_id, observed_date order by observation_id) as following_row
    from marked
    -- Running: what the last result of a day has seen is the test, and only one day is held at a time.
    window of_day as (
        partition by test_set, patient_id, observed_date order by observation_id rows between unbounded preceding and current row
    )
),
tests as (
    select
        test_set,
        patient_id,
        observed_date,
        has_result,
        counts,
        array_to_string(observation_ids, '+') as observation_ids,
        organizations,
        organization_id
    from put_together
    where following_row is null
),
follow_up as (
    select
        t.test_set,
        t.patient_id,
        t.observed_date,
        bool_or(c.target = 'oncology') as oncology,
        bool_or(c.target = 'transplant') as transplant
    from tests t
    join lake.diagnosis d
        on d.patient_id = t.patient_id
        and d.recorded_date <= t.observed_date
        and days_between(d.recorded_date, t.observed_date) <= 365
    join prepared.code_member c
        on c.set_id = 'repeat_test_follow_up'
        and c.code_system = lower(coalesce(d.code_system, 'icd-10-cm'))
        and c.code = d.code
    group by t.test_set, t.patient_id, t.observed_date
),
sorted_out as (
    select
        t.*,
        case
            when not t.has_result then 'no_result'
            when not t.counts then 'inpatient'
            when f.oncology then 'oncology'
            when f.transplant then 'transplant'
        end as set_aside
    from tests t
    left join follow_up f on f.test_set = t.test_set and f.patient_id = t.patient_id and f.observed_date = t.observed_date
),
series as (
    select
        test_set,
        patient_id,
        observed_date,
        organizations,
        lead(observed_date) over in_order as next_date,
        lead(observation_ids) over in_order as next_ids,
        lead(organizations) over in_order as next_organizations,
        lead(organization_id) over in_order as next_organization_id
    from sorted_out
    where set_aside is null
    window in_order as (partition by test_set, patient_id order by observed_date)
),
repeats as (
    -- The next test of the series.
    select
        test_set,
        patient_id,
        observed_date,
        days_between(observed_date, next_date) as days_to_next,
        next_ids as observation_ids,
        next_organization_id is null as organization_unknown,
        case when next_organization_id is not null then not array_has_any(next_organizations, organizations) end
            as other_organization
    from series
    where next_date is not null
),
reasoned as (
    select
        t.*,
        variant.variant,
        variant.other_organization as of_others,
        r.patient_id is not null as repeated,
        r.organization_unknown,
        r.other_organization,
        r.observation_ids as evidence,
        case
            when t.observed_date < $period_start or t.observed_date > $period_end then 'outside_period'
            when t.set_aside is not null then t.set_aside
            when variant.other_organization = 1 and t.organization_id is null then 'organization_unknown'
        end as exclusion_reason
    from sorted_out t
    join (select variant.* from (select 1) one cross join variant) variant on variant.test_set = t.test_set
    left join repeats r
        on r.test_set = t.test_set
        and r.patient_id = t.patient_id
        and r.observed_date = t.observed_date
        and r.days_to_next <= variant.window_days
)
select
    variant,
    concat(patient_id, '|', cast(observed_date as varchar)) as unit_id,
    patient_id,
    observed_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is not null then null
        when of_others = 1 then coalesce(other_organization, false)
        else repeated
    end as in_numerator,
    case
        when exclusion_reason is null and of_others = 1 and organization_unknown
            then 'repeat_organization_unknown'
    end as exception_reason,
    evidence,
    organization_id
from reasoned
