-- One row for each questionnaire that came back. `completeness` [S AHRQ, Preparing Data from CAHPS Surveys, 2017]: complete with
-- at least half of the key items answered and one item that is reported; partial with one item that is reported; else incomplete.
-- Key items that were skipped as the form asks count as answered. Only complete and partial ones are analysed.
-- Dated after the patient's death it is `deceased`, which is as good as ineligible [S same].
-- `duplicate`: the same invitation was answered before, or more fully later. Of several the first is kept, unless a later one is
-- clearly fuller [S same], which is taken as complete instead of partial, or partial instead of incomplete [P].
with counted as (
    select
        a.response_id,
        a.patient_id,
        a.instrument,
        a.version,
        max(a.invitation_id) as invitation_id,
        max(a.organization_id) as organization_id,
        max(a.practitioner_id) as practitioner_id,
        max(a.mode) as mode,
        min(a.completed_date) as completed_date,
        max(cast(a.proxy as int)) = 1 as proxy,
        max(case when a.state in ('ineligible', 'after_death') then 1 else 0 end) = 1 as ineligible,
        max(case when a.state = 'after_death' then 1 else 0 end) = 1 as deceased,
        sum(case when a.key_item then 1 else 0 end) as key_items,
        sum(case when a.key_item and a.state in ('answered', 'skipped_ok') then 1 else 0 end) as key_answered,
        sum(case when a.state = 'answered' and r.item_id is not null then 1 else 0 end) as reported_answered
    from prepared.survey_answers a
    left join (select distinct instrument, version, item_id from prepared.instrument_composite) r
        on r.instrument = a.instrument and r.version = a.version and r.item_id = a.item_id
    group by a.response_id, a.patient_id, a.instrument, a.version
),
judged as (
    select
        counted.*,
        case
            when deceased then 'deceased'
            when ineligible then 'ineligible'
            when reported_answered = 0 then 'incomplete'
            when 2 * key_answered >= key_items then 'complete'
            else 'partial'
        end as completeness
    from counted
)
select
    judged.*,
    invitation_id is not null
        and not ineligible
        and row_number() over (
            partition by patient_id, invitation_id, instrument, ineligible
            order by case completeness when 'complete' then 1 when 'partial' then 2 else 3 end, completed_date, response_id
        ) > 1 as duplicate
from judged
