-- One row for each item of each questionnaire that came back, whether the extract has a row for it or not: the state of its
-- answer, and the answer where there is one, turned round where a low code is good. Only instruments that are described count;
-- a questionnaire that names no version is taken to be of the instrument's default version. "3", "3.0" and "v3" are one version [P].
-- `state`, first that fits: after_death (the questionnaire is dated after the patient's death, whoever filled it in), ineligible (an answer says that the person should not have been asked), what the code says
-- (skipped_ok, multiple_mark, blank, dont_know, not_applicable), cleaned_by_screener (answered although the screener says skip;
-- a blank screener keeps the answer), skipped_ok or blank (nothing came), out_of_range, answered [S AHRQ, Preparing Data from
-- CAHPS Surveys, 2017].
with returned as (
    select
        response_id,
        patient_id,
        instrument,
        max(version) as stated_version,
        max(invitation_id) as invitation_id,
        max(organization_id) as organization_id,
        max(practitioner_id) as practitioner_id,
        max(mode) as mode,
        min(completed_date) as completed_date,
        max(cast(proxy as int)) = 1 as proxy
    from lake.survey_response
    group by response_id, patient_id, instrument
),
versioned as (
    select
        r.response_id, r.patient_id, i.instrument, i.version, r.invitation_id, r.organization_id, r.practitioner_id, r.mode,
        r.completed_date, r.proxy, coalesce(r.completed_date > p.deceased_date, false) as after_death
    from returned r
    left join prepared.person p on p.patient_id = r.patient_id
    join prepared.instrument i
        on i.instrument = lower(trim(r.instrument))
        and (version_key(i.version) = version_key(r.stated_version) or (r.stated_version is null and i.default_version))
),
ineligible as (
    select distinct v.response_id, v.patient_id
    from versioned v
    join prepared.instrument_ineligible g on g.instrument = v.instrument and g.version = v.version
    join lake.survey_response s
        on s.patient_id = v.patient_id and s.response_id = v.response_id and s.item_id = g.item_id and s.raw_value = g.raw_value
),
skipped as (
    select distinct v.response_id, v.patient_id, k.item_id
    from versioned v
    join prepared.instrument_skip k on k.instrument = v.instrument and k.version = v.version
    join lake.survey_response s
        on s.patient_id = v.patient_id
        and s.response_id = v.response_id
        and s.item_id = k.screener_item_id
        and s.raw_value = k.raw_value
),
given as (
    select
        v.*,
        i.item_id,
        i.label,
        i.low,
        i.high,
        i.reversed,
        i.key_item,
        s.raw_value,
        e.response_id is not null as not_eligible,
        k.response_id is not null as to_be_skipped
    from versioned v
    join prepared.instrument_item i on i.instrument = v.instrument and i.version = v.version
    left join lake.survey_response s
        on s.patient_id = v.patient_id and s.response_id = v.response_id and s.item_id = i.item_id
    left join ineligible e on e.patient_id = v.patient_id and e.response_id = v.response_id
    left join skipped k on k.patient_id = v.patient_id and k.response_id = v.response_id and k.item_id = i.item_id
),
stated as (
    select g.*, c.state as code_state, try_cast(g.raw_value as bigint) as code
    from given g
    left join prepared.instrument_code c
        on c.instrument = g.instrument and c.version = g.version and c.item_id = g.item_id and c.raw_value = g.raw_value
),
judged as (
    select
        stated.*,
        case
            when after_death then 'after_death'
            when not_eligible then 'ineligible'
            when code_state is not null then code_state
            when raw_value is null and to_be_skipped then 'skipped_ok'
            when raw_value is null then 'blank'
            when to_be_skipped then 'cleaned_by_screener'
            when code between low and high then 'answered'
            else 'out_of_range'
        end as state
    from stated
)
select
    response_id,
    patient_id,
    invitation_id,
    instrument,
    version,
    item_id,
    label,
    key_item,
    raw_value,
    state,
    case when state = 'answered' and reversed then low + high - code when state = 'answered' then code end as answer,
    low,
    high,
    organization_id,
    practitioner_id,
    mode,
    completed_date,
    proxy
from judged
