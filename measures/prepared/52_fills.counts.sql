select rule, rows from (
    select 1 as place, 'fills' as rule, count(*) as rows from prepared.fills
    union all
    select 2, 'left out: not dispensed', count(*) from prepared.fills where left_out = 'not_dispensed'
    union all
    select 3, 'left out: rows that take back a fill', count(*) from prepared.fills where left_out = 'reversal'
    union all
    select 4, 'left out: rows that take back a fill that is not there', count(*)
    from prepared.fills where left_out = 'reversal_without_fill'
    union all
    select 5, 'left out: fills that were taken back', count(*) from prepared.fills where left_out = 'reversed'
    union all
    select 6, 'fills that count', count(*) from prepared.fills where left_out is null
)
order by place
