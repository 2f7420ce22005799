-- One row for each referral of the period: the first of its patient and month counts; whether its report was received
-- within $window_days days of the order.
with referrals as (
    select
        referral_id,
        patient_id,
        organization_id,
        referring_practitioner_id,
        ordered_at,
        ordered_date,
        case
            when status not in ('active', 'completed') then 'status'
            when coalesce(intent, 'order') <> 'order' then 'intent'
        end as unfit
    from lake.referral
    where ordered_date between $period_start and $period_end
),
placed as (
    select
        referrals.*,
        row_number() over (
            partition by patient_id, date_trunc('month', ordered_date), unfit is null
            order by ordered_date, ordered_at nulls last, referral_id
        ) as place
    from referrals
),
reports as (
    select r.referral_id, min(e.occurred_date) as report_date
    from referrals r
    join lake.referral_event e on e.referral_id = r.referral_id and e.patient_id = r.patient_id
    where e.step = 'report_received'
      and coalesce(e.status, 'completed') = 'completed'
      and days_between(r.ordered_date, e.occurred_date) between 0 and $window_days
      and case
            when e.occurred_at is not null and r.ordered_at is not null then e.occurred_at > r.ordered_at
            else true
          end
    group by r.referral_id
),
reasoned as (
    select
        p.*,
        c.report_date,
        case when p.unfit is not null then p.unfit when p.place > 1 then 'not_first_of_month' end as exclusion_reason
    from placed p
    left join reports c on c.referral_id = p.referral_id
)
select
    referral_id as unit_id,
    patient_id,
    ordered_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then report_date is not null end as in_numerator,
    cast(report_date as varchar) as evidence,
    organization_id,
    referring_practitioner_id as practitioner_id
from reasoned
