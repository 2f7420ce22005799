-- One row for each member-month: its emergency visits, all of them or those treated and released.
select
    variant.variant,
    concat(patient_id, '|', cast(month as varchar)) as unit_id,
    patient_id,
    month as index_date,
    last_day as mature_on,
    true as in_denominator,
    cast(null as varchar) as exclusion_reason,
    case when variant.treat_and_release = 1 then ed_treat_and_release else ed_visits end > 0 as in_numerator,
    cast(case when variant.treat_and_release = 1 then ed_treat_and_release else ed_visits end as double) as numerator,
    organization_id,
    practitioner_id,
    coordinator_id
from prepared.person_month
cross join variant
