-- One row for each referral: whether it went out of the network.
with judged as (
    select s.*, coalesce(left_out, case when in_network is null then 'network_unknown' end) as exclusion_reason
    from prepared.referral_steps s
)
select
    referral_id as unit_id,
    patient_id,
    ordered_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case when exclusion_reason is null then not in_network end as in_numerator,
    referred_to_practitioner_id as evidence,
    coalesce(specialty, 'unknown') as subgroup,
    coalesce(priority, 'unknown') as subgroup_2,
    coalesce(receiving_organization_id, 'unknown') as subgroup_3,
    organization_id,
    referring_practitioner_id as practitioner_id
from judged
