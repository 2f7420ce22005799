select rule, rows from (
    select 1 as place, 'claim lines' as rule, count(*) as rows from lake.claim_line
    union all
    select 2, 'claim lines that name no payer', count(*) from lake.claim_line where payer_id is null
    union all
    select 3, 'patient-months paid by a payer that does not cover the patient then: for everyone alone', count(*)
    from prepared.paid_by_payer p
    left join prepared.payer_months m
        on m.patient_id = p.patient_id
        and m.month = p.month
        and lower(coalesce(m.payer_id, '')) = lower(coalesce(p.payer_id, ''))
    join prepared.member_months e on e.patient_id = p.patient_id and e.month = p.month
    where m.patient_id is null
      and p.month in (select month from prepared.months)
)
order by place
