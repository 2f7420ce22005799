select rule, rows from (
    select 1 as place, 'inpatient rows' as rule, count(*) as rows from prepared.stay_rows
    union all
    select 2, 'left out: cancelled, planned or entered in error', count(*) from prepared.stay_rows where because = 'status'
    union all
    select 3, 'left out: copy of another row', count(*) from prepared.stay_rows where because = 'copy'
    union all
    select 4, 'joined to a stay: overlaps it at the same hospital', count(*)
    from prepared.stay_rows where because = 'overlaps'
    union all
    select 5, 'joined to a stay: same hospital, day and condition', count(*)
    from prepared.stay_rows where because = 'same_day'
    union all
    select 6, 'joined to a stay: interim bill', count(*) from prepared.stay_rows where because = 'interim_bill'
    union all
    select 7, 'stays', count(*) from prepared.stay_rows where because = 'begins'
    union all
    select 8, 'rows whose principal diagnosis the loaded category map does not know', count(*)
    from prepared.stay_rows where diagnosis_unknown
)
order by place
