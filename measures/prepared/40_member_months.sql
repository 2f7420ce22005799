-- One row for each patient and month of the measured span in which a payer covers the patient on the 15th [P] and the
-- patient is alive on that day: born by then, and not dead. Where several spans cover the day, the one that began last names the
-- payer (`payer_months` has all of them).
select
    c.patient_id,
    m.month,
    first_value(c.payer_id order by c.start_date desc, c.coverage_id) as payer_id
from lake.coverage c
join prepared.months m on c.start_date <= m.fifteenth and coalesce(c.end_date, date '9999-12-31') >= m.fifteenth
join prepared.person p on p.patient_id = c.patient_id
where coalesce(p.deceased_date >= m.fifteenth, true)
  and coalesce(p.birth_date <= m.fifteenth, true)
group by c.patient_id, m.month
