-- Who answers for a person, and from when until when. Spans of a role that overlap are cut where the next one begins. The one rule
-- of attribution, wherever a unit does not say itself who answers for it: the span that the index date lies in; where the lake
-- holds no spans at all, the practitioner and coordinator of the table patient, for all time.
with spans as (
    select
        patient_id,
        role,
        practitioner_id,
        start_date as valid_from,
        coalesce(end_date, date '9999-12-31') as last_day,
        lead(start_date) over (partition by patient_id, role order by start_date) as next_start
    from lake.attribution
)
select
    patient_id,
    role,
    practitioner_id,
    valid_from,
    least(last_day, coalesce(add_days(next_start, -1), last_day)) as valid_until
from spans
where next_start is null or next_start > valid_from
