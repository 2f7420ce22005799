-- Prescriptions as dispensed, one row for each fill with `counts`: whether the patient has it. `left_out` says why not:
-- not_dispensed (a status other than completed or unknown), reversal (a row that takes back another: its status says so, or its
-- days of supply or its quantity are negative), reversed (the fill that it takes back),
-- reversal_without_fill (there is no such fill).
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
-- A reversal that does not say its days is one of the fill before it.
keyed as (
    select
        written.*,
        lower(trim(drug_class)) as class,
        coalesce(
            abs(days_supply),
            case
                when takes_back then last_value(case when not takes_back then days_supply end) ignore nulls over (
                    partition by patient_id, drug, lower(trim(drug_class))
                    order by filled_date, takes_back, fill_id
                    rows between unbounded preceding and 1 preceding
                )
            end
        ) as days_key
    from written
    where not not_dispensed
),
-- Fills go on a pile and reversals take the uppermost away: `height` is that of the pile after each row.
piled as (
    select
        keyed.*,
        sum(case when takes_back then -1 else 1 end) over (
            partition by patient_id, drug, class, days_key
            order by filled_date, takes_back, fill_id
            rows between unbounded preceding and current row
        ) as height
    from keyed
),
matched as (
    select
        piled.*,
        min(height) over (
            partition by patient_id, drug, class, days_key
            order by filled_date, takes_back, fill_id
            rows between 1 following and unbounded following
        ) as lowest_after,
        least(
            min(height) over (
                partition by patient_id, drug, class, days_key
                order by filled_date, takes_back, fill_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as lowest_before
    from piled
)
select
    patient_id,
    fill_id,
    filled_date,
    days_supply,
    lower(trim(drug_class)) as drug_class,
    drug as ingredients,
    case
        when takes_back and height < lowest_before then 'reversal_without_fill'
        when takes_back then 'reversal'
        when lowest_after < height then 'reversed'
    end as left_out
from matched
union all
select patient_id, fill_id, filled_date, days_supply, lower(trim(drug_class)), drug, 'not_dispensed'
from written
where not_dispensed
