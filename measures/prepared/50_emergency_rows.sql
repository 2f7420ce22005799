-- Emergency rows that count, each with the visit that it belongs to (`of_encounter_id`, the lowest id of the visit's rows).
-- Rows of a patient make one visit where they are at one facility and of one day [K], or where the later one begins before the
-- earlier one ends: by the hour where both are known, else by the day, so that a visit over midnight is one; of rows without an
-- end, where the later one begins less than six hours after the earlier one [P]. A row without a facility (a professional bill)
-- belongs to the facility at which the patient was on that day, or the day before or after [P].
with emergency_rows as (
    select
        patient_id,
        encounter_id,
        organization_id,
        practitioner_id,
        start_date,
        started_at,
        ended_at,
        case when end_date between start_date and $data_through then end_date else start_date end as until_date,
        disposition_kind(discharge_disposition) as disposition_kind,
        primary_diagnosis,
        part_of_encounter_id
    from lake.encounter
    where class = 'emergency'
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
),
-- Rows without a facility follow the row before them while no whole day lies between.
followed_up as (
    select
        emergency_rows.*,
        case
            when organization_id is not null then 1
            when days_between(max(until_date) over before_it, start_date) <= 1 then 0
            else 1
        end as begins
    from emergency_rows
    window before_it as (
        partition by patient_id order by start_date, started_at nulls last, encounter_id
        rows between unbounded preceding and 1 preceding
    )
),
islands as (
    select
        followed_up.*,
        sum(begins) over (
            partition by patient_id order by start_date, started_at nulls last, encounter_id
            rows between unbounded preceding and current row
        ) as island
    from followed_up
),
neighboured as (
    select
        islands.*,
        first_value(organization_id) over (
            partition by patient_id, island order by start_date, started_at nulls last, encounter_id
        ) as organization_before,
        first_value(organization_id) ignore nulls over after_it as organization_after,
        first_value(case when organization_id is not null then start_date end) ignore nulls over after_it as start_after
    from islands
    window after_it as (
        partition by patient_id order by start_date, started_at nulls last, encounter_id
        rows between 1 following and unbounded following
    )
),
placed as (
    select
        neighboured.*,
        case
            when organization_id is not null then organization_id
            when organization_before is not null then organization_before
            when days_between(until_date, start_after) <= 1 then organization_after
        end as at_organization
    from neighboured
),
followed as (
    select
        placed.*,
        lower(at_organization) as facility,
        max(start_date) over earlier as latest_start,
        max(started_at) over earlier as latest_started_at,
        max(until_date) over earlier as latest_until,
        max(ended_at) over earlier as latest_ended_at,
        max(organization_id) over earlier is not null as facility_before,
        -- Whether a row that says no hour reaches the latest day.
        max(case when ended_at is null then until_date end) over earlier as latest_without_hour
    from placed
    window earlier as (
        partition by patient_id, lower(at_organization) order by start_date, started_at nulls last, encounter_id
        rows between unbounded preceding and 1 preceding
    )
),
numbered as (
    select
        followed.*,
        sum(
            case
                when latest_start is null then 1
                -- A row of the next day without a facility of its own, beside one that has one, is the professional's bill for the visit.
                when organization_id is null
                    and at_organization is not null
                    and days_between(latest_until, start_date) <= 1
                    then 0
                when organization_id is not null
                    and not facility_before
                    and days_between(latest_until, start_date) <= 1
                    then 0
                when start_date = latest_start then 0
                when latest_ended_at is not null and started_at is not null and coalesce(latest_without_hour < latest_until, true)
                    then case when started_at <= latest_ended_at then 0 else 1 end
                when start_date <= latest_until then 0
                when date_part('epoch', started_at) - date_part('epoch', latest_started_at) < 6 * 3600 then 0
                else 1
            end
        ) over (
            partition by patient_id, facility order by start_date, started_at nulls last, encounter_id
            rows between unbounded preceding and current row
        ) as visit_number
    from followed
)
select
    patient_id,
    encounter_id,
    min(encounter_id) over (partition by patient_id, facility, visit_number) as of_encounter_id,
    at_organization as organization_id,
    practitioner_id,
    start_date,
    until_date,
    started_at,
    ended_at,
    disposition_kind,
    primary_diagnosis,
    part_of_encounter_id
from numbered
