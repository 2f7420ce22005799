-- One row for each readmission that is reported, computed, or both, with what became of it.
with index_stays as (
    select
        s.*,
        case
            when left_out is not null and left_out <> 'outside_period' then left_out
            when disposition_kind = 'against_advice' then 'ama'
            when excluded_condition is not null then 'excluded_condition'
            when age is null then 'age_unknown'
            when age < $min_age then 'under_age'
        end as not_counted,
        days_to_next between 0 and $window_days and not next_planned as readmitted,
        row_number() over (partition by patient_id, end_date order by start_date desc, stay_id) as place
    from prepared.stays s
    where end_date is not null
),
reported as (
    select
        patient_id,
        index_discharge_date,
        array_to_string(array_agg(report_id order by report_id), '+') as report_id
    from lake.readmission_reported
    group by patient_id, index_discharge_date
),
computed as (
    select * from index_stays where not_counted is null and readmitted
),
compared as (
    select
        coalesce(r.patient_id, c.patient_id) as patient_id,
        coalesce(r.index_discharge_date, c.end_date) as index_date,
        r.report_id,
        c.stay_id,
        c.next_stay_id,
        c.organization_id,
        c.practitioner_id
    from reported r
    full join computed c on c.patient_id = r.patient_id and c.end_date = r.index_discharge_date
),
explained as (
    select
        c.*,
        coalesce(c.organization_id, s.organization_id) as index_organization_id,
        coalesce(c.practitioner_id, s.practitioner_id) as index_practitioner_id,
        case
            when c.index_date < $period_start or c.index_date > $period_end then 'outside_period'
            when c.stay_id is null and (c.index_date > $data_through or c.index_date < l.first_discharge)
                then 'index_not_loaded'
        end as exclusion_reason,
        case
            when c.report_id is not null and c.stay_id is not null then 'matched'
            when c.report_id is null then 'only computed'
            when s.stay_id is null then 'only reported: no stay ends on that day'
            when s.not_counted is not null then concat('only reported: the index stay does not count (', s.not_counted, ')')
            when s.days_to_next is null then 'only reported: no stay follows'
            when s.days_to_next > $window_days then 'only reported: the next stay begins after day 30'
            else 'only reported: the next stay is planned'
        end as became
    from compared c
    cross join prepared.first_discharge l
    left join index_stays s on s.patient_id = c.patient_id and s.end_date = c.index_date and s.place = 1
)
select
    concat(coalesce(report_id, '-'), '/', coalesce(stay_id, '-')) as unit_id,
    patient_id,
    index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then became = 'matched' end as in_numerator,
    next_stay_id as evidence,
    became as subgroup,
    index_organization_id as organization_id,
    index_practitioner_id as practitioner_id
from explained
