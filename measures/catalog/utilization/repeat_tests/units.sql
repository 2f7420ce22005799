-- One row for each test of set $test_set, all its results of a patient and day: whether another follows within $window_days
-- days ($other_organization = 1: ordered by another organization).
with results as (
    select
        o.patient_id,
        o.observed_date,
        o.observation_id,
        o.organization_id,
        o.value_number is not null or o.value_text is not null as has_result,
        coalesce(e.class = 'inpatient', s.stay_id is not null) as in_hospital
    from lake.observation o
    join prepared.code_member c
        on c.set_id = $test_set and c.code_system = lower(coalesce(o.code_system, 'loinc')) and c.code = o.code
    left join lake.encounter e on e.patient_id = o.patient_id and e.encounter_id = o.encounter_id
    left join prepared.stays s
        on s.patient_id = o.patient_id
        and s.start_date <= o.observed_date
        and (s.end_date is null or s.end_date >= o.observed_date)
    where o.observed_date is not null
),
marked as (
    select results.*, has_result and not in_hospital as counts
    from results
),
tests as (
    select
        patient_id,
        observed_date,
        bool_or(has_result) as has_result,
        bool_or(counts) as counts,
        array_to_string(array_agg(distinct observation_id order by observation_id), '+') as observation_ids,
        array_agg(distinct organization_id) filter (where counts and organization_id is not null) as organizations,
        min(case when counts then organization_id end) as organization_id
    from marked
    group by patient_id, observed_date
),
follow_up as (
    select
        t.patient_id,
        t.observed_date,
        bool_or(c.target = 'oncology') as oncology,
        bool_or(c.target = 'transplant') as transplant
    from tests t
    join lake.diagnosis d
        on d.patient_id = t.patient_id
        and d.recorded_date <= t.observed_date
        and cast(t.observed_date as int) - cast(d.recorded_date as int) <= 365
    join prepared.code_member c
        on c.set_id = 'repeat_test_follow_up'
        and c.code_system = lower(coalesce(d.code_system, 'icd-10-cm'))
        and c.code = d.code
    group by t.patient_id, t.observed_date
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
    left join follow_up f on f.patient_id = t.patient_id and f.observed_date = t.observed_date
),
series as (
    select
        patient_id,
        observed_date,
        observation_ids,
        organizations,
        lead(observed_date) over (partition by patient_id order by observed_date) as next_date
    from sorted_out
    where set_aside is null
),
repeats as (
    -- The next test of the series, if it comes within the window.
    select
        this.patient_id,
        this.observed_date,
        next.observation_ids,
        next.organizations is null as organization_unknown,
        not array_has_any(next.organizations, this.organizations) as other_organization
    from series this
    join series next on next.patient_id = this.patient_id and next.observed_date = this.next_date
    where cast(next.observed_date as int) - cast(this.observed_date as int) <= $window_days
),
reasoned as (
    select
        t.*,
        r.patient_id is not null as repeated,
        r.organization_unknown,
        r.other_organization,
        r.observation_ids as evidence,
        case
            when t.observed_date < $period_start or t.observed_date > $period_end then 'outside_period'
            when t.set_aside is not null then t.set_aside
            when $other_organization = 1 and t.organizations is null then 'organization_unknown'
        end as exclusion_reason
    from sorted_out t
    left join repeats r on r.patient_id = t.patient_id and r.observed_date = t.observed_date
)
select
    concat(patient_id, '|', cast(observed_date as varchar)) as unit_id,
    patient_id,
    observed_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is not null then null
        when $other_organization = 1 then coalesce(other_organization, false)
        else repeated
    end as in_numerator,
    case
        when exclusion_reason is null and $other_organization = 1 and organization_unknown
            then 'repeat_organization_unknown'
    end as exception_reason,
    evidence,
    organization_id
from reasoned
