select concat(instrument, ' ', version, ': ', state) as rule, count(*) as rows
from prepared.survey_answers
group by instrument, version, state
order by instrument, version, state
