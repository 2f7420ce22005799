select rule, rows from (
    select 1 as place, 'diagnosis rows' as rule, count(*) as rows from lake.diagnosis
    union all
    select 2, 'left out: another code system than ICD-10', count(*)
    from lake.diagnosis
    where lower(coalesce(code_system, case when recorded_date < date '2015-10-01' then 'icd-9-cm' else 'icd-10-cm' end))
        not in ('icd-10-cm', 'icd-10')
    union all
    select 3, 'left out: no date', count(*)
    from lake.diagnosis
    where lower(coalesce(code_system, 'icd-10-cm')) in ('icd-10-cm', 'icd-10') and recorded_date is null
    union all
    select 4, 'stays', count(*) from prepared.comorbidity
    union all
    select 5, 'stays with at least one point', count(*) from prepared.comorbidity where charlson_lace > 0
)
order by place
