select rule, rows from (
    select 1 as place, 'emergency rows' as rule, count(*) as rows from lake.encounter where class = 'emergency'
    union all
    select 2, 'left out: cancelled, planned or entered in error', count(*)
    from lake.encounter
    where class = 'emergency' and coalesce(status, 'finished') in ('cancelled', 'entered-in-error', 'planned')
    union all
    select 3, 'joined: rows of one visit', (
        select count(*) from lake.encounter
        where class = 'emergency' and coalesce(status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
    ) - (select count(*) from prepared.emergency_visits)
    union all
    select 4, 'visits', count(*) from prepared.emergency_visits
    union all
    select 5, 'visits that became an admission or observation, as their link says', count(*)
    from prepared.emergency_visits where known_by = 'link'
    union all
    select 6, 'visits that became an admission or observation, by the time of a stay', count(*)
    from prepared.emergency_visits where known_by = 'time'
)
order by place
