-- One row for each payer, patient and month of the measured span in which the payer covers the patient on the 15th and the patient
-- is alive on that day: who has two coverages has a row for each (`member_months` has one).
with spans as (
    select
        c.patient_id,
        c.coverage_id,
        -- A text of more than 100 letters, or an address, is a remark on somebody and no payer.
        case when character_length(c.payer_id) <= 100 and strpos(c.payer_id, '@') = 0 then c.payer_id end as payer_id,
        greatest(c.start_date, coalesce(p.birth_date, c.start_date)) as first_day,
        least(coalesce(c.end_date, date '9999-12-31'), coalesce(p.deceased_date, date '9999-12-31')) as last_day
    from prepared.person p
    join lake.coverage c on c.patient_id = p.patient_id
)
select s.patient_id, m.month, s.payer_id
from prepared.months m
join spans s on m.fifteenth between s.first_day and s.last_day
-- Of several spans of one payer that cover the day, one.
where not exists (
    select 1
    from spans o
    where o.patient_id = s.patient_id
      and m.fifteenth between o.first_day and o.last_day
      and o.coverage_id < s.coverage_id
      and o.payer_id is not distinct from s.payer_id
)
