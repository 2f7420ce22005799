-- One row for each person sampled: whether a complete or partial questionnaire came back within $window_days days.
with came as (
    select
        invitation_id,
        patient_id,
        max(case when completeness in ('ineligible', 'deceased') then 1 else 0 end) = 1 as ineligible,
        min(case when completeness in ('complete', 'partial') then completed_date end) as completed_date
    from prepared.survey_returns
    where invitation_id is not null
    group by invitation_id, patient_id
),
-- Versions with items: nothing that comes back to another one is looked at.
described as (
    select i.instrument, i.version, i.default_version
    from prepared.instrument i
    join (select distinct instrument, version from prepared.instrument_item) n
        on n.instrument = i.instrument and n.version = i.version
),
judged as (
    select
        i.*,
        r.completed_date,
        case
            when d.instrument is null then 'instrument_not_described'
            when p.deceased_date <= i.sampled_date then 'died'
            when i.disposition = 'deceased' then 'died'
            when r.ineligible or i.disposition in ('ineligible', 'language_barrier', 'incapacitated') then 'ineligible'
        end as exclusion_reason
    from lake.survey_invitation i
    left join came r on r.invitation_id = i.invitation_id and r.patient_id = i.patient_id
    left join described d
        on d.instrument = lower(trim(i.instrument))
        and (version_key(d.version) = version_key(i.version) or (i.version is null and d.default_version))
    left join prepared.person p on p.patient_id = i.patient_id
    where i.sampled_date between $period_start and $period_end
)
select
    invitation_id as unit_id,
    patient_id,
    sampled_date as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is null
            then coalesce(days_between(sampled_date, completed_date) between 0 and $window_days, false)
    end as in_numerator,
    cast(completed_date as varchar) as evidence,
    instrument as subgroup,
    coalesce(mode, 'unknown') as subgroup_2,
    organization_id,
    practitioner_id
from judged
