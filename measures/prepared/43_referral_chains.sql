-- Which orders of a patient to one specialty are one referral: `of_referral_id` is the first of them. An order no more than 7 days
-- after the one before is the same referral [P]; so is one up to 30 days after the one before was rejected without a visit, since the
-- patient goes on waiting [P]. `own_referral_id` is the first of those that one organization was asked by.
-- `unfit_now` says why a referral is none, `status_now` how it stands.
with answered as (
    select
        referral_id,
        patient_id,
        max(case when step = 'rejected' then occurred_date end) as rejected_on,
        min(case when step = 'completed' then occurred_date end) as seen_on
    from (
        select referral_id, patient_id, step, occurred_date
        from lake.referral_event
        where coalesce(status, 'completed') = 'completed'
        union all
        select referral_id, patient_id, 'completed', start_date
        from lake.appointment
        where status = 'fulfilled' and referral_id is not null
    ) steps
    group by referral_id, patient_id
),
judged as (
    select
        r.*,
        a.rejected_on,
        a.seen_on,
        lower(trim(r.specialty)) as asked_for,
        coalesce(r.receiving_organization_id, receiver.organization_id, '') as asked_of,
        case
            when r.status = 'entered-in-error' then 'entered_in_error'
            when r.status = 'revoked' then 'cancelled'
            when r.status = 'draft' then 'draft'
            when coalesce(r.intent, 'order') <> 'order' then 'intent'
            when r.ordered_date < $period_start or r.ordered_date > $period_end then 'outside_period'
        end as unfit
    from lake.referral r
    left join answered a on a.referral_id = r.referral_id and a.patient_id = r.patient_id
    left join lake.practitioner receiver on receiver.practitioner_id = r.referred_to_practitioner_id
),
-- A rejected referral may have been revoked too; it stays in line, since the next one may take it up.
in_line as (
    select judged.*, unfit is null or (unfit = 'cancelled' and rejected_on is not null) as stands
    from judged
),
-- How many orders of a patient stand in one line: most stand alone, and nothing comes before or after them.
lines as (
    select patient_id, stands, asked_for, count(*) as orders
    from in_line
    group by patient_id, stands, asked_for
),
sized as (
    select in_line.*, l.orders
    from lines l
    join in_line
        on l.patient_id = in_line.patient_id
        and l.stands = in_line.stands
        and (l.asked_for is not distinct from in_line.asked_for)
),
chained as (
    select
        sized.*,
        case
            when specialty is null then 1
            when unfit is null
                and lag(unfit is null) over same_request
                and days_between(lag(ordered_date) over same_request, ordered_date) <= 7
                then 0
            when lag(seen_on) over same_request is null
                and days_between(lag(rejected_on) over same_request, ordered_date) between 0 and 30
                then 0
            else 1
        end as begins,
        -- The same among the orders that one organization was asked by.
        case
            when specialty is null then 1
            when unfit is null
                and lag(unfit is null) over of_one_organization
                and days_between(lag(ordered_date) over of_one_organization, ordered_date) <= 7
                then 0
            when lag(seen_on) over of_one_organization is null
                and days_between(lag(rejected_on) over of_one_organization, ordered_date) between 0 and 30
                then 0
            else 1
        end as begins_own
    from sized
    where orders > 1
    window
        same_request as (
            partition by patient_id, stands, asked_for
            order by ordered_date, ordered_at nulls last, referral_id
        ),
        of_one_organization as (
            partition by patient_id, stands, asked_for, asked_of
            order by ordered_date, ordered_at nulls last, referral_id
        )
),
numbered as (
    select
        chained.*,
        sum(begins) over (
            partition by patient_id, stands, asked_for
            order by ordered_date, ordered_at nulls last, referral_id
            rows between unbounded preceding and current row
        ) as request,
        sum(begins_own) over (
            partition by patient_id, stands, asked_for, asked_of
            order by ordered_date, ordered_at nulls last, referral_id
            rows between unbounded preceding and current row
        ) as own_request
    from chained
),
placed as (
    select
        numbered.*,
        case when stands then first_value(referral_id) over in_order else referral_id end as of_referral_id,
        case when stands then first_value(referral_id) over in_own_order else referral_id end as own_referral_id,
        bool_or(unfit is null) over in_order as taken_up,
        last_value(status) over in_order as last_status
    from numbered
    window
        in_order as (
            partition by patient_id, stands, asked_for, request
            order by ordered_date, ordered_at nulls last, referral_id
            rows between unbounded preceding and unbounded following
        ),
        in_own_order as (
            partition by patient_id, stands, asked_for, asked_of, own_request
            order by ordered_date, ordered_at nulls last, referral_id
        )
    union all
    select
        sized.*,
        1 as begins,
        1 as begins_own,
        1 as request,
        1 as own_request,
        referral_id as of_referral_id,
        referral_id as own_referral_id,
        unfit is null as taken_up,
        status as last_status
    from sized
    where orders = 1
)
-- A revoked referral that was sent again goes on: it is as fit as the one that took it up, and stands as that one does.
select
    placed.*,
    case
        when unfit = 'cancelled' and stands and taken_up then
            case when ordered_date < $period_start or ordered_date > $period_end then 'outside_period' end
        else unfit
    end as unfit_now,
    case when unfit = 'cancelled' and stands and taken_up then last_status else status end as status_now
from placed
