select rule, rows from (
    select
        concat(instrument, ' ', version, ': ', state, case when proxy and state = 'answered' then ' by a proxy' else '' end) as rule,
        count(*) as rows
    from prepared.survey_answers
    group by 1
    union all
    select
        concat('left out, nothing describes it: ', s.instrument, coalesce(concat(' ', s.version), '')) as rule,
        count(*) as rows
    from lake.survey_response s
    left join (select distinct patient_id, response_id from prepared.survey_answers) a
        on a.patient_id = s.patient_id and a.response_id = s.response_id
    where a.response_id is null
    group by s.instrument, s.version
)
order by rule
