select rule, rows from (
    select 1 as place, 'referrals' as rule, count(*) as rows from prepared.referral_steps
    union all
    select 2, 'left out: entered in error', count(*) from prepared.referral_steps where left_out = 'entered_in_error'
    union all
    select 3, 'left out: cancelled', count(*) from prepared.referral_steps where left_out = 'cancelled'
    union all
    select 4, 'left out: draft, or not an order', count(*) from prepared.referral_steps where left_out in ('draft', 'intent')
    union all
    select 5, 'left out: outside the period', count(*) from prepared.referral_steps where left_out = 'outside_period'
    union all
    select 6, 'joined: same specialty within 7 days', count(*) from prepared.referral_steps where left_out = 'duplicate'
    union all
    select 7, 'referrals that count', count(*) from prepared.referral_steps where left_out is null
)
order by place
