select rule, rows from (
    select 1 as place, 'emergency rows' as rule, count(*) as rows from lake.encounter where class = 'emergency'
    union all
    select 2, 'left out: cancelled, planned or entered in error', count(*)
    from lake.encounter
    where class = 'emergency' and coalesce(status, 'finished') in ('cancelled', 'entered-in-error', 'planned')
    union all
    select 3, 'joined: same patient, facility and day', (
        select count(*) from lake.encounter
        where class = 'emergency' and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
    ) - (select count(*) from prepared.emergency_visits)
    union all
    select 4, 'visits', count(*) from prepared.emergency_visits
    union all
    select 5, 'visits that became an admission or observation, told by their link', count(*)
    from prepared.emergency_visits where admitted
)
order by place
