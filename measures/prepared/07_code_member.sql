-- Which of the codes recorded in the lake belong to which code set: one row at most for each set, system and recorded code,
-- so that a measure joins on what is recorded. Where several entries of a set fit, the longest counts.
-- A diagnosis or procedure without a code system is taken as ICD-9 before 2015-10-01 and as ICD-10 from then on, when the
-- United States changed over [P].
with recorded as (
    select distinct
        lower(coalesce(code_system, case when recorded_date < date '2015-10-01' then 'icd-9-cm' else 'icd-10-cm' end))
            as code_system,
        code
    from lake.diagnosis
    union
    select distinct case when start_date < date '2015-10-01' then 'icd-9-cm' else 'icd-10-cm' end, primary_diagnosis
    from lake.encounter
    where primary_diagnosis is not null
    union
    select distinct
        lower(coalesce(code_system, case when performed_date < date '2015-10-01' then 'icd-9-pcs' else 'icd-10-pcs' end)),
        code
    from lake.procedure
    union
    select distinct lower(coalesce(code_system, 'loinc')), code
    from lake.observation
),
plain as (
    select code_system, code, upper(replace(code, '.', '')) as plain
    from recorded
),
fitting as (
    select c.set_id, c.target, c.plain as entry, r.code_system, r.code
    from plain r
    join prepared.code_set c on c.code_system = r.code_system and c.plain = r.plain
    where not c.family
    union all
    select c.set_id, c.target, c.plain, r.code_system, r.code
    from plain r
    join prepared.code_set c on c.code_system = r.code_system and starts_with(r.plain, c.plain)
    where c.family
),
placed as (
    select
        fitting.*,
        row_number() over (partition by set_id, code_system, code order by length(entry) desc, target) as place
    from fitting
)
select set_id, code_system, code, target
from placed
where place = 1
