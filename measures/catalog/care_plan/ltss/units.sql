-- One row for each member of a program of long-term services and calendar year: whether the most recently updated plan has the
-- elements of $core and $supplemental_wanted of $supplemental (lists joined by commas), documented within $window_days days of the
-- enrolment of a new member, in the year of an established one. $rate says what is counted: plan, refused or not_reached.
with enrolled as (
    select
        e.enrollment_id,
        e.patient_id,
        e.start_date,
        e.end_date,
        e.refused_date,
        g.organization_id,
        y.mp_year,
        y.first_day,
        y.last_day,
        row_number() over (partition by e.patient_id, y.mp_year order by e.start_date desc, e.enrollment_id) as place
    from lake.program_enrollment e
    join lake.program g on g.program_id = e.program_id
    join prepared.calendar_years y on e.start_date <= y.last_day and coalesce(e.end_date, y.first_day) >= y.first_day
    where lower(g.kind) = 'ltss' and coalesce(e.arm, 'program') <> 'comparison'
),
-- The time for the plan: $window_days days for who is new, the year for who is not.
members as (
    select
        e.*,
        start_date >= first_day as new,
        greatest(start_date, first_day) as from_day,
        case when start_date >= first_day then add_days(start_date, $window_days) else last_day end as to_day
    from enrolled e
    where place = 1
),
tried as (
    select
        m.patient_id,
        m.mp_year,
        count(*) filter (where c.outcome in ('no_answer', 'left_message', 'wrong_number')) >= 3
            and count(*) filter (where c.outcome in ('reached', 'declined')) = 0 as not_reached,
        max(c.contact_id) as last_contact_id
    from members m
    join lake.contact c on c.patient_id = m.patient_id and c.contact_date between m.from_day and m.to_day
    where lower(c.purpose) = 'ltss'
    group by m.patient_id, m.mp_year
),
-- A plan for something else, updated later, must not hide the plan of long-term services: hence the category or an element.
-- What happened after the last day is not known yet on that day and updates nothing.
plans as (
    select
        m.patient_id,
        m.mp_year,
        p.care_plan_id,
        p.start_date,
        p.owner_practitioner_id,
        coalesce(p.under_appeal, false) or coalesce(p.signed_date between m.from_day and m.to_day, false) as signed,
        greatest(
            case when p.start_date <= m.to_day then p.start_date end,
            case when p.reviewed_date <= m.to_day then p.reviewed_date end,
            max(d.documented_date)
        ) as updated_date,
        m.from_day,
        coalesce(array_length(array_distinct(array_agg(lower(d.element)) filter (
            where d.documented_date >= m.from_day
              and strpos(concat(',', $core, ','), concat(',', lower(d.element), ',')) > 0
        ))), 0) as core,
        coalesce(array_length(array_distinct(array_agg(lower(d.element)) filter (
            where d.documented_date >= m.from_day
              and strpos(concat(',', $supplemental, ','), concat(',', lower(d.element), ',')) > 0
        ))), 0) as supplemental
    from members m
    join lake.care_plan p on p.patient_id = m.patient_id
    left join lake.care_plan_element d
        on d.care_plan_id = p.care_plan_id and d.patient_id = p.patient_id and d.documented_date <= m.to_day
    where coalesce(p.status, 'active') not in ('draft', 'revoked', 'entered-in-error')
      and (lower(p.category) = 'ltss' or d.element is not null)
    group by
        m.patient_id, m.mp_year, p.care_plan_id, p.start_date, p.owner_practitioner_id, p.under_appeal, p.signed_date,
        p.reviewed_date, m.from_day, m.to_day
),
latest as (
    select
        plans.*,
        row_number() over (
            partition by patient_id, mp_year order by updated_date desc, start_date desc, care_plan_id
        ) as place
    from plans
    where updated_date >= from_day
),
judged as (
    select
        m.*,
        n.primary_practitioner_id,
        p.care_plan_id,
        p.owner_practitioner_id,
        p.signed,
        p.core,
        p.supplemental,
        t.last_contact_id,
        coalesce(m.refused_date <= m.to_day, false) as refused,
        coalesce(t.not_reached, false) as not_reached,
        coalesce(
            p.signed and p.core = array_length(string_to_array($core, ',')) and p.supplemental >= $supplemental_wanted, false
        ) as whole,
        case
            when n.birth_date is null then 'age_unknown'
            when age_at(n.birth_date, m.from_day) < 18 then 'under_18'
            when days_between(m.from_day, m.end_date) < $window_days then 'left_before'
            when days_between(m.from_day, n.deceased_date) <= $window_days then 'died'
        end as left_out
    from members m
    left join prepared.person n on n.patient_id = m.patient_id
    left join latest p on p.patient_id = m.patient_id and p.mp_year = m.mp_year and p.place = 1
    left join tried t on t.patient_id = m.patient_id and t.mp_year = m.mp_year
),
reasoned as (
    select
        j.*,
        case
            when left_out is not null then left_out
            when $rate = 'plan' and refused then 'refused'
            when $rate = 'plan' and not_reached then 'not_reached'
        end as exclusion_reason
    from judged j
)
select
    concat(r.patient_id, '|', cast(r.mp_year as varchar)) as unit_id,
    r.patient_id,
    r.last_day as index_date,
    case when r.new then r.to_day else make_date(r.mp_year, 12, 31) end as mature_on,
    r.exclusion_reason is null as in_denominator,
    r.exclusion_reason,
    case
        when r.exclusion_reason is not null then null
        when $rate = 'plan' then r.whole
        when $rate = 'refused' then r.refused
        when $rate = 'not_reached' then r.not_reached and not r.refused
    end as in_numerator,
    case
        when r.exclusion_reason is not null then r.enrollment_id
        when $rate <> 'plan' then case when r.refused then r.enrollment_id when r.not_reached then r.last_contact_id end
        when r.care_plan_id is null then concat(r.enrollment_id, ', no plan')
        else concat(
            r.care_plan_id, ', ', cast(r.core as varchar), ' core',
            case when $supplemental_wanted > 0 then concat(' and ', cast(r.supplemental as varchar), ' supplemental') end,
            ' elements, ', case when r.signed then 'signed or under appeal' else 'not signed' end
        )
    end as evidence,
    case when r.new then 'new' else 'established' end as subgroup,
    coalesce(r.organization_id, k.organization_id) as organization_id,
    r.owner_practitioner_id as practitioner_id
from reasoned r
left join lake.practitioner k on k.practitioner_id = r.primary_practitioner_id
