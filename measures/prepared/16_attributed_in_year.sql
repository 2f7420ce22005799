-- Who answers for a patient in a calendar year: of the practitioners seen outside hospital the one with the most visits, then
-- the one seen last (by the clock where it is known), then the one first seen earliest, then the lowest id [P]. One row for each patient and year with a visit. The organization is that of the
-- last visit to the practitioner; visits without a practitioner count only where there are no others.
with running as (
    select
        v.patient_id,
        y.mp_year,
        y.first_day,
        y.last_day,
        v.practitioner_id,
        v.organization_id,
        v.encounter_id,
        v.start_date,
        v.started_at,
        min(v.start_date) over (
            partition by v.patient_id, y.mp_year, v.practitioner_id
            order by v.start_date
            rows between unbounded preceding and current row
        ) as first_date,
        count(*) over (
            partition by v.patient_id, y.mp_year, v.practitioner_id
            order by v.start_date
            rows between unbounded preceding and current row
        ) as visits,
        lead(v.start_date) over (
            partition by v.patient_id, y.mp_year, v.practitioner_id order by v.start_date
        ) as following_visit
    from prepared.outpatient_visits v
    join prepared.calendar_years y on v.start_date between y.first_day and y.last_day
),
placed as (
    select
        running.*,
        row_number() over (
            partition by patient_id, mp_year
            order by
                practitioner_id is null, visits desc, start_date desc, started_at desc nulls last, first_date, practitioner_id
        ) as place
    from running
    where following_visit is null
)
select
    patient_id,
    mp_year,
    first_day,
    last_day,
    practitioner_id,
    case when practitioner_id is not null then organization_id end as organization_id,
    encounter_id as last_visit_id
from placed
where place = 1
