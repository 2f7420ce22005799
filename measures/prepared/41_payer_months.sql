-- One row for each payer, patient and month of the measured span in which the payer covers the patient on the 15th and the patient
-- is alive on that day: who has two coverages has a row for each (`member_months` has one).
select distinct
    c.patient_id,
    m.month,
    -- A text of more than 100 letters, or an address, is a remark on somebody and no payer.
    case when character_length(c.payer_id) <= 100 and strpos(c.payer_id, '@') = 0 then c.payer_id end as payer_id
from lake.coverage c
join prepared.months m on c.start_date <= m.fifteenth and coalesce(c.end_date, date '9999-12-31') >= m.fifteenth
join prepared.person p on p.patient_id = c.patient_id
where coalesce(p.deceased_date >= m.fifteenth, true)
  and coalesce(p.birth_date <= m.fifteenth, true)
