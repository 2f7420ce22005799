-- One row for each referral as the patient waits for it (see `referral_waits`).
select * exclude (scope) from prepared.referral_waits where scope = 'patient'
