-- One row for each patient and month of the measured span in which a payer covers the patient on the 15th [P] and the
-- patient is alive on that day: born by then, and not dead. Where several spans cover the day, the one that began last names the
-- payer (`payer_months` has all of them).
with spans as (
    select
        c.patient_id,
        c.coverage_id,
        c.payer_id,
        c.start_date,
        greatest(c.start_date, coalesce(p.birth_date, c.start_date)) as first_day,
        least(coalesce(c.end_date, date '9999-12-31'), coalesce(p.deceased_date, date '9999-12-31')) as last_day
    from prepared.person p
    join lake.coverage c on c.patient_id = p.patient_id
)
select s.patient_id, m.month, s.payer_id
from prepared.months m
join spans s on m.fifteenth between s.first_day and s.last_day
-- Spans are few: to ask whether another one takes precedence costs less than to group the months.
where not exists (
    select 1
    from spans o
    where o.patient_id = s.patient_id
      and m.fifteenth between o.first_day and o.last_day
      and (o.start_date > s.start_date or (o.start_date = s.start_date and o.coverage_id < s.coverage_id))
)
