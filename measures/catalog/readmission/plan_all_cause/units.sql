-- One row for each hospital stay of a member, inpatient or observation ($outliers = 0): whether it is an index stay and whether
-- an unplanned one follows within $window_days days; or one for each member and year ($outliers = 1).
with followed as (
    select
        h.*,
        lead(stay_id) over by_patient as next_stay_id,
        lead(planned) over by_patient as next_planned,
        days_between(end_date, lead(start_date) over by_patient) as days_to_next
    from prepared.hospital_stays h
    window by_patient as (partition by patient_id order by start_date, stay_id)
),
enrolled as (
    select patient_id, min(start_date) as start_date, max(end_date) as end_date
    from (
        select
            spans.*,
            sum(case when end_before is null or days_between(end_before, start_date) > 1 then 1 else 0 end) over (
                partition by patient_id order by start_date, coverage_id
                rows between unbounded preceding and current row
            ) as span
        from (
            select
                patient_id,
                coverage_id,
                start_date,
                coalesce(end_date, date '9999-12-31') as end_date,
                max(coalesce(end_date, date '9999-12-31')) over (
                    partition by patient_id order by start_date, coverage_id
                    rows between unbounded preceding and 1 preceding
                ) as end_before
            from lake.coverage
        ) spans
    ) joined
    group by patient_id, span
),
enrolled_stays as (
    select distinct f.stay_id, f.patient_id
    from followed f
    join enrolled e
        on e.patient_id = f.patient_id
        and days_between(e.start_date, f.end_date) >= 365
        and days_between(f.end_date, e.end_date) >= 30
),
hospice as (
    select distinct patient_id, date_part('year', start_date) as year
    from lake.encounter
    where class = 'hospice'
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
reasoned as (
    select
        f.*,
        date_part('year', f.end_date) as year,
        case
            when f.end_date is null then 'no_discharge'
            when f.end_date < $period_start or f.end_date > $period_end then 'outside_period'
            when f.end_date > make_date(date_part('year', f.end_date), 12, 1) then 'after_december_1'
            when f.start_date = f.end_date then 'same_day_stay'
            when f.disposition_kind = 'died' or p.deceased_date between f.start_date and f.end_date then 'died_in_hospital'
            when f.of_birth then 'pregnancy_or_perinatal'
            when h.patient_id is not null then 'hospice'
            when p.birth_date is null then 'age_unknown'
            when age_at(p.birth_date, f.end_date) < 18
                then 'under_age'
            when $has_coverage and e.stay_id is null then 'not_enrolled'
        end as first_reason
    from followed f
    left join prepared.person p on p.patient_id = f.patient_id
    left join hospice h on h.patient_id = f.patient_id and h.year = date_part('year', f.end_date)
    left join enrolled_stays e on e.stay_id = f.stay_id and e.patient_id = f.patient_id
),
members as (
    select
        patient_id,
        year,
        count(*) as stays,
        max(end_date) as last_discharge,
        last_value(organization_id order by end_date, stay_id) as organization_id,
        last_value(practitioner_id order by end_date, stay_id) as practitioner_id
    from reasoned
    where first_reason is null
    group by patient_id, year
),
stay_units as (
    select
        r.*,
        coalesce(r.first_reason, case when m.stays >= $outlier_stays then 'outlier_member' end) as exclusion_reason
    from reasoned r
    left join members m on m.patient_id = r.patient_id and m.year = r.year
)
select
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is null then coalesce(days_to_next <= $window_days and not next_planned, false)
    end as in_numerator,
    case when days_to_next <= $window_days then next_stay_id end as evidence,
    organization_id,
    practitioner_id
from stay_units
where $outliers = 0
union all
select
    concat(patient_id, '/', cast(year as varchar)),
    patient_id,
    last_discharge,
    true,
    null,
    stays >= $outlier_stays,
    concat(cast(stays as varchar), ' stays'),
    organization_id,
    practitioner_id
from members
where $outliers = 1
