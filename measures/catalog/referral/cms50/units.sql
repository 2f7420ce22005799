-- One row for each patient and calendar year with any referral in it: whether the patient is in the initial population,
-- and whether the report on the first referral came back in the year.
with qualifying_visits as (
    select distinct patient_id, date_part('year', start_date) as mp_year
    from lake.encounter
    where class in ('ambulatory', 'home', 'virtual')
      and coalesce(status, 'finished') = 'finished'
      -- A visit with one date begins and ends on it.
      and date_part('year', start_date) = date_part('year', coalesce(end_date, start_date))
),
referrals as (
    select
        referral_id,
        patient_id,
        organization_id,
        referring_practitioner_id,
        ordered_at,
        ordered_date,
        date_part('year', ordered_date) as mp_year,
        (
            status in ('active', 'completed')
            and coalesce(intent, 'order') = 'order'
            and ordered_date <= make_date(date_part('year', ordered_date), 10, 31)
        ) as can_be_first
    from lake.referral
    where ordered_date between $period_start and $period_end
),
ordered as (
    select
        referrals.*,
        row_number() over (
            partition by patient_id, mp_year
            order by can_be_first desc, ordered_date, ordered_at nulls last, referral_id
        ) as place
    from referrals
),
first_referrals as (
    select * from ordered where place = 1
),
closed as (
    select f.referral_id, min(e.occurred_date) as report_date
    from first_referrals f
    join lake.referral_event e on e.referral_id = f.referral_id and e.patient_id = f.patient_id
    where e.step = 'report_received'
      and coalesce(e.status, 'completed') = 'completed'
      and date_part('year', e.occurred_date) = f.mp_year
      and case
            when e.occurred_at is not null and f.ordered_at is not null then e.occurred_at > f.ordered_at
            else e.occurred_date >= f.ordered_date
          end
    group by f.referral_id
),
reasoned as (
    select
        f.*,
        c.report_date,
        case
            when not f.can_be_first then 'no_first_referral'
            when v.patient_id is null then 'no_qualifying_visit'
        end as exclusion_reason
    from first_referrals f
    left join qualifying_visits v on v.patient_id = f.patient_id and v.mp_year = f.mp_year
    left join closed c on c.referral_id = f.referral_id
)
select
    concat(patient_id, '|', cast(cast(mp_year as int) as varchar)) as unit_id,
    patient_id,
    ordered_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then report_date is not null end as in_numerator,
    case when can_be_first then concat(referral_id, case when report_date is not null then concat(' ', cast(report_date as varchar)) end) end as evidence,
    make_date(cast(mp_year as int), 12, 31) as mature_on,
    organization_id,
    referring_practitioner_id as practitioner_id
from reasoned
