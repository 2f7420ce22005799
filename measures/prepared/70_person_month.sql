-- One row for each member-month with what was used in it, and with what rates are split by: computed once for all
-- utilisation and cost measures. Admissions are counted in the month of admission, transfers chained to one.
with visits as (
    select
        patient_id,
        cast(date_trunc('month', start_date) as date) as month,
        count(*) as ed_visits,
        count(*) filter (where not admitted) as ed_treat_and_release
    from prepared.emergency_visits
    group by patient_id, date_trunc('month', start_date)
),
chained as (
    select
        patient_id,
        start_date,
        coalesce(lag(transferred_out) over (partition by patient_id order by start_date, end_date nulls last, stay_id), false)
            as came_by_transfer
    from prepared.stays
),
admissions as (
    select patient_id, cast(date_trunc('month', start_date) as date) as month, count(*) as admissions
    from chained
    where not came_by_transfer
    group by patient_id, date_trunc('month', start_date)
),
used as (
    select patient_id, month, ed_visits, ed_treat_and_release, 0 as admissions, cast(0 as decimal(18, 2)) as paid from visits
    union all
    select patient_id, month, 0, 0, admissions, cast(0 as decimal(18, 2)) from admissions
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
    pr.organization_id,
    p.birth_date,
    p.sex,
    p.race,
    p.ethnicity,
    p.language,
    p.deprivation
from prepared.member_months mm
join prepared.months mo on mo.month = mm.month
join prepared.person p on p.patient_id = mm.patient_id
-- Who answers on the day that decides membership, the 15th.
left join prepared.attribution ap
    on ap.patient_id = mm.patient_id
    and ap.role = 'primary'
    and add_days(mm.month, 14) between ap.valid_from and ap.valid_until
left join prepared.attribution ac
    on ac.patient_id = mm.patient_id
    and ac.role = 'coordinator'
    and add_days(mm.month, 14) between ac.valid_from and ac.valid_until
left join lake.practitioner pr
    on pr.practitioner_id = case when $has_attribution then ap.practitioner_id else p.primary_practitioner_id end
left join totals t on t.patient_id = mm.patient_id and t.month = mm.month
