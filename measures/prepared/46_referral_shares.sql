-- One row for each referral as the organization that is asked has it: the same columns as `referral_steps`, where orders that another
-- organization rejected are referrals of their own (see `referral_waits`).
select * exclude (scope) from prepared.referral_waits where scope = 'organization'
