select rule, rows from (
    select 1 as place, 'rows of class ambulatory, home or virtual' as rule, count(*) as rows
    from lake.encounter where class in ('ambulatory', 'home', 'virtual')
    union all
    select 2, 'left out: not finished', count(*)
    from lake.encounter
    where class in ('ambulatory', 'home', 'virtual') and coalesce(status, 'finished') <> 'finished'
    union all
    select 3, 'joined: same patient, practitioner and day', (
        select count(*) from lake.encounter
        where class in ('ambulatory', 'home', 'virtual') and coalesce(status, 'finished') = 'finished'
    ) - (select count(*) from prepared.outpatient_visits)
    union all
    select 4, 'visits', count(*) from prepared.outpatient_visits
)
order by place
