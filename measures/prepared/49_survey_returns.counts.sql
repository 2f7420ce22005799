select concat(instrument, ' ', version, ': ', completeness) as rule, count(*) as rows
from prepared.survey_returns
group by instrument, version, completeness
order by instrument, version, completeness
