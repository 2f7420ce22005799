-- One row for each person and calendar year with visits: shared patients per pair of the person's practitioners, the person
-- counted ($with_person = 1) or not.
with practitioners as (
    select year, patient_id, count(*) as practitioners
    from prepared.practitioners_of_patient
    group by year, patient_id
),
pairs as (
    select
        a.year,
        a.patient_id,
        count(*) as pairs,
        sum(s.patients - 1 + $with_person) as shared
    from prepared.practitioners_of_patient a
    join prepared.practitioners_of_patient b
        on b.patient_id = a.patient_id and b.year = a.year and b.practitioner_id > a.practitioner_id
    join prepared.shared_patients s
        on s.year = a.year and s.practitioner_a = a.practitioner_id and s.practitioner_b = b.practitioner_id
    group by a.year, a.patient_id
)
select
    concat(n.patient_id, '|', cast(n.year as varchar)) as unit_id,
    n.patient_id,
    least(make_date(n.year, 12, 31), $period_end) as index_date,
    make_date(n.year, 12, 31) as mature_on,
    p.pairs is not null as in_denominator,
    case when p.pairs is null then 'one_practitioner' end as exclusion_reason,
    case when p.pairs is not null then true end as in_numerator,
    cast(p.shared as double) / p.pairs as numerator,
    concat(cast(p.shared as varchar), ' shared in ', cast(p.pairs as varchar), ' pairs') as evidence
from practitioners n
left join pairs p on p.patient_id = n.patient_id and p.year = n.year
