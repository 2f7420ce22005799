select rule, rows from (
    select 1 as place, 'coverage spans' as rule, count(*) as rows from lake.coverage
    union all
    select 2, 'patient-months whose 15th a span covers, spans counted one by one', count(*)
    from lake.coverage c
    join prepared.months m on c.start_date <= m.fifteenth and coalesce(c.end_date, date '9999-12-31') >= m.fifteenth
    union all
    select 3, 'left out: not alive on the 15th, or not a known patient', count(*)
    from lake.coverage c
    join prepared.months m on c.start_date <= m.fifteenth and coalesce(c.end_date, date '9999-12-31') >= m.fifteenth
    left join prepared.person p on p.patient_id = c.patient_id
    where p.patient_id is null or p.deceased_date < m.fifteenth or p.birth_date > m.fifteenth
    union all
    select 4, 'joined: several spans cover the day', (
        select count(*)
        from lake.coverage c
        join prepared.months m on c.start_date <= m.fifteenth and coalesce(c.end_date, date '9999-12-31') >= m.fifteenth
        join prepared.person p on p.patient_id = c.patient_id
        where coalesce(p.deceased_date >= m.fifteenth, true)
          and coalesce(p.birth_date <= m.fifteenth, true)
    ) - (select count(*) from prepared.member_months)
    union all
    select 5, 'member-months', count(*) from prepared.member_months
)
order by place
