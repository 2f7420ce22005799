-- One row for each payer and month of a member whom it covers: what that payer paid for the month's services.
select
    concat(m.patient_id, '|', cast(m.month as varchar), '|', coalesce(m.payer_id, '')) as unit_id,
    m.patient_id,
    m.month as index_date,
    cast(m.month + interval '1 month' - interval '1 day' as date) as mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    coalesce(t.paid, 0) <> 0 as in_numerator,
    coalesce(cast(t.paid as decimal(18, 2)), 0) as numerator,
    cast(null as varchar) as organization_id,
    cast(null as varchar) as practitioner_id,
    cast(null as varchar) as coordinator_id,
    m.payer_id
from prepared.payer_months m
left join (
    select patient_id, month, lower(coalesce(payer_id, '')) as payer, sum(paid) as paid
    from prepared.paid_by_payer
    group by patient_id, month, lower(coalesce(payer_id, ''))
) t
    on t.patient_id = m.patient_id and t.month = m.month and t.payer = lower(coalesce(m.payer_id, ''))
