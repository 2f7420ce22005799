-- Which of the codes recorded in the lake belong to which code set: one row at most for each set, system and recorded code,
-- so that a measure joins on what is recorded. Where several entries of a set fit, the longest counts. The code system is that of
-- the record, in small letters; record and set may give it different names.
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
    select
        r.code_system,
        coalesce(s.code_system, r.code_system) as system,
        r.code,
        upper(replace(r.code, '.', '')) as plain
    from recorded r
    left join prepared.code_systems s on s.recorded = r.code_system
),
sets as (
    select c.set_id, c.target, c.plain, c.family, coalesce(s.code_system, c.code_system) as system
    from prepared.code_set c
    left join prepared.code_systems s on s.recorded = c.code_system
),
fitting as (
    select c.set_id, c.target, c.plain as entry, r.code_system, r.code
    from plain r
    join sets c on c.system = r.system and c.plain = r.plain
    where not c.family
    union all
    select c.set_id, c.target, c.plain, r.code_system, r.code
    from plain r
    join sets c on c.system = r.system and starts_with(r.plain, c.plain)
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
