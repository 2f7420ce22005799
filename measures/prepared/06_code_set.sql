-- The code sets in force: of each set that the user loaded, the version loaded last; and the shipped sets that nobody
-- loaded. A code that ends in `*` stands for all codes that begin like it. `plain` is the code in capitals without dots.
with loaded as (
    select
        set_id,
        version,
        row_number() over (partition by set_id order by max(_extract) desc, version desc) as place
    from lake.code_set
    group by set_id, version
),
in_force as (
    select c.set_id, c.version, c.code_system, c.code, c.target, c.source, false as shipped
    from lake.code_set c
    join loaded l on l.set_id = c.set_id and l.version = c.version and l.place = 1
    union all
    select s.set_id, s.version, s.code_system, s.code, s.target, s.source, true
    from prepared.shipped_code_set s
    left join (select distinct set_id from lake.code_set) l on l.set_id = s.set_id
    where l.set_id is null
)
select
    set_id,
    version,
    lower(code_system) as code_system,
    code,
    upper(replace(rtrim(code, '*'), '.', '')) as plain,
    code like '%*' as family,
    target,
    source,
    shipped
from in_force
