-- One row for each member-month with what was used in it, and with what rates are split by: computed once for all
-- utilisation and cost measures. Admissions are counted in the month of admission, transfers chained to one.
with chained as (
    select
        patient_id,
        start_date,
        coalesce(lag(transferred_out) over (partition by patient_id order by start_date, end_date nulls last, stay_id), false)
            as came_by_transfer
    from prepared.stays
),
used as (
    select
        patient_id,
        cast(date_trunc('month', start_date) as date) as month,
        1 as ed_visits,
        case when not admitted then 1 else 0 end as ed_treat_and_release,
        0 as admissions,
        cast(0 as decimal(18, 2)) as paid
    from prepared.emergency_visits
    union all
    select patient_id, cast(date_trunc('month', start_date) as date), 0, 0, 1, cast(0 as decimal(18, 2))
    from chained
    where not came_by_transfer
    union all
    select patient_id, month, 0, 0, 0, cast(paid as decimal(18, 2)) from prepared.paid
),
totals as (
    select
        patient_id,
        month,
        sum(ed_visits) as ed_visits,
        sum(ed_treat_and_release) as ed_treat_and_release,
        sum(admissions) as admissions,
        sum(paid) as paid
    from used
    where month between $period_start and $period_end
    group by patient_id, month
),
-- The site is looked up for each person and each span of attribution, not for each month.
person as (
    select p.*, pr.organization_id
    from prepared.person p
    left join lake.practitioner pr on pr.practitioner_id = p.primary_practitioner_id
),
responsible as (
    select a.patient_id, a.valid_from, a.valid_until, a.practitioner_id, pr.organization_id
    from prepared.attribution a
    left join lake.practitioner pr on pr.practitioner_id = a.practitioner_id
    where a.role = 'primary'
)
select
    mm.patient_id,
    mm.month,
    mo.last_day,
    mm.payer_id,
    coalesce(t.ed_visits, 0) as ed_visits,
    coalesce(t.ed_treat_and_release, 0) as ed_treat_and_release,
    coalesce(t.admissions, 0) as admissions,
    coalesce(t.paid, 0) as paid,
    case when $has_attribution then ap.practitioner_id else p.primary_practitioner_id end as practitioner_id,
    case when $has_attribution then ac.practitioner_id else p.coordinator_id end as coordinator_id,
    case when $has_attribution then ap.organization_id else p.organization_id end as organization_id,
    p.birth_date,
    p.sex,
    p.race,
    p.ethnicity,
    p.language,
    p.deprivation
-- What was used, persons and spans are kept in memory, and the many member-months run past them: while they have few columns,
-- and the months last, since the engine takes what it has joined with them for few rows.
from totals t
right join prepared.member_months mm on mm.patient_id = t.patient_id and mm.month = t.month
-- Who answers on the day that decides membership, the 15th.
left join responsible ap
    on ap.patient_id = mm.patient_id
    and add_days(mm.month, 14) between ap.valid_from and ap.valid_until
left join prepared.attribution ac
    on ac.patient_id = mm.patient_id
    and ac.role = 'coordinator'
    and add_days(mm.month, 14) between ac.valid_from and ac.valid_until
join person p on p.patient_id = mm.patient_id
join prepared.months mo on mo.month = mm.month
