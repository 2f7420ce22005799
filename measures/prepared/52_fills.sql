-- Prescriptions as dispensed, one row for each fill with `counts`: whether the patient has it. `left_out` says why not:
-- not_dispensed (a status other than completed or unknown), reversal (a row that takes back another: its status says so, or its
-- days of supply or its quantity are negative), reversed (the fill that it takes back).
-- A reversal takes back the latest fill of the patient with the same ingredients and the same days of supply on its day or before
-- [K: a payer's reversal is equal and opposite; OMOP keeps final dispensings only]; each takes back one. Ingredients are the same
-- whatever their case, blanks and order [P].
with written as (
    select
        f.*,
        ingredients_key(coalesce(f.ingredients, '')) as drug,
        coalesce(f.status = 'reversal', false) or coalesce(f.days_supply < 0, false) or coalesce(f.quantity < 0, false)
            as takes_back,
        coalesce(f.status, 'completed') not in ('completed', 'unknown', 'reversal') as not_dispensed
    from lake.medication_fill f
),
-- Fills go on a pile and reversals take the uppermost away: `height` is that of the pile after each row.
piled as (
    select
        written.*,
        sum(case when takes_back then -1 else 1 end) over (
            partition by patient_id, drug, drug_class, abs(days_supply)
            order by filled_date, takes_back, fill_id
            rows between unbounded preceding and current row
        ) as height
    from written
    where not not_dispensed
),
matched as (
    select
        piled.*,
        min(height) over (
            partition by patient_id, drug, drug_class, abs(days_supply)
            order by filled_date, takes_back, fill_id
            rows between 1 following and unbounded following
        ) as lowest_after
    from piled
)
select
    patient_id,
    fill_id,
    filled_date,
    days_supply,
    lower(trim(drug_class)) as drug_class,
    drug as ingredients,
    case when takes_back then 'reversal' when lowest_after < height then 'reversed' end as left_out
from matched
union all
select patient_id, fill_id, filled_date, days_supply, lower(trim(drug_class)), drug, 'not_dispensed'
from written
where not_dispensed
