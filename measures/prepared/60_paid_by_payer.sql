-- What was paid for each patient, month of service and payer: claim lines where there are any, else the paid amounts of
-- encounters, which then are all the money that the extracts hold. `payer_id` is that of the line; where none is named (encounters
-- name none), that of the month.
--
-- Adjustments of a claim line [K: 837 claim frequency codes 7 and 8; a payer sends the original, its reversal and the
-- replacement]: where the line has a reversal, all its rows add up, the reversal as a negative amount whatever its sign in the
-- extract; without one the row of the highest sequence counts, a replacement before what it replaces. A line without
-- adjustments counts as it stands.
with adjusted as (
    select distinct patient_id, claim_id, line_number
    from lake.claim_line
    where adjustment_type in ('reversal', 'replacement') or adjustment_sequence is not null
),
in_order as (
    select
        l.patient_id,
        l.service_date,
        -- A reversal that names no payer is of the payer of its line.
        coalesce(l.payer_id, max(l.payer_id) over (partition by l.patient_id, l.claim_id, l.line_number)) as payer_id,
        l.amount_paid,
        l.adjustment_type,
        max(case when l.adjustment_type = 'reversal' then 1 else 0 end)
            over (partition by l.patient_id, l.claim_id, l.line_number) as has_reversal,
        row_number() over (
            partition by l.patient_id, l.claim_id, l.line_number
            order by
                l.adjustment_sequence desc nulls last,
                case when l.adjustment_type = 'replacement' then 0 else 1 end,
                l.paid_date desc nulls last,
                l.amount_paid desc nulls last,
                -- Of lines that differ in nothing that says which is the last, always the same one.
                l.adjustment_type nulls last,
                l.service_date,
                l.payer_id nulls last
        ) as from_last
    from lake.claim_line l
    join adjusted a on a.patient_id = l.patient_id and a.claim_id = l.claim_id and a.line_number = l.line_number
),
lines as (
    select l.patient_id, l.service_date, l.payer_id, l.amount_paid
    from lake.claim_line l
    left join adjusted a on a.patient_id = l.patient_id and a.claim_id = l.claim_id and a.line_number = l.line_number
    where a.claim_id is null
    union all
    select
        patient_id,
        service_date,
        payer_id,
        case when adjustment_type = 'reversal' and amount_paid > 0 then -amount_paid else amount_paid end as amount_paid
    from in_order
    where has_reversal = 1 or from_last = 1
),
dated as (
    select patient_id, cast(date_trunc('month', service_date) as date) as month, payer_id, amount_paid
    from lines
    union all
    select patient_id, cast(date_trunc('month', start_date) as date), null, amount_paid
    from lake.encounter
    where not $has_claim_line
      and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
)
select d.patient_id, d.month, coalesce(d.payer_id, mm.payer_id) as payer_id, sum(d.amount_paid) as paid
from dated d
left join prepared.member_months mm on mm.patient_id = d.patient_id and mm.month = d.month
group by d.patient_id, d.month, coalesce(d.payer_id, mm.payer_id)
