select rule, rows from (
    select 1 as place, 'rows of observation, psychiatric and nonacute inpatient care' as rule, count(*) as rows
    from lake.encounter
    where class in ('observation', 'psychiatric', 'skilled_nursing', 'rehabilitation', 'long_term')
    union all
    select 2, 'left out: cancelled, planned or entered in error', count(*)
    from lake.encounter
    where class in ('observation', 'psychiatric', 'skilled_nursing', 'rehabilitation', 'long_term')
      and coalesce(status, 'finished') in ('cancelled', 'entered-in-error', 'planned')
    union all
    select 3, 'left out: begins after the date of death', count(*)
    from lake.encounter e
    join prepared.person p on p.patient_id = e.patient_id
    where e.class in ('observation', 'psychiatric', 'skilled_nursing', 'rehabilitation', 'long_term')
      and coalesce(e.status, 'finished') not in ('cancelled', 'entered-in-error', 'planned')
      and e.start_date > p.deceased_date
    union all
    select 4, 'stays', count(*) from prepared.other_stays
)
order by place
