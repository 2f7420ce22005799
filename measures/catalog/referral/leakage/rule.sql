-- A referral meets the numerator if it went out of the network.
select
    unit,
    case when in_network is null then 'network_unknown' end as exclusion_reason,
    not in_network as in_numerator,
    referred_to_practitioner_id as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3
from cohort
