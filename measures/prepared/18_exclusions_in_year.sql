-- What commonly takes a patient out of yearly measures of chronic care and screening, one row for each patient and calendar
-- year in which there is any of it; ids name the lowest row. Hospice and long-term care that overlap the year; an open
-- encounter goes on. Frailty and palliative care recorded in the year, advanced illness in the year or the one before: only by
-- code sets that the user loads. Measures apply their own ages.
with found as (
    select e.patient_id, y.mp_year, e.class as what, e.encounter_id as row_id, cast(null as date) as day
    from lake.encounter e
    join prepared.calendar_years y on e.start_date <= y.last_day and coalesce(e.end_date, y.first_day) >= y.first_day
    where e.class in ('hospice', 'long_term')
      and coalesce(e.status, 'finished') not in ('planned', 'cancelled', 'entered-in-error')
    union all
    select r.patient_id, y.mp_year, r.set_id, r.row_id, r.day
    from prepared.coded_rows r
    join prepared.calendar_years y
        on r.day <= y.last_day
        and r.day >= case when r.set_id = 'advanced_illness' then make_date(y.mp_year - 1, 1, 1) else y.first_day end
    where r.set_id in ('frailty', 'advanced_illness', 'palliative_care')
)
select
    patient_id,
    mp_year,
    min(row_id) filter (where what = 'hospice') as hospice_id,
    min(row_id) filter (where what = 'long_term') as long_term_id,
    coalesce(min(day) filter (where what = 'frailty') <> max(day) filter (where what = 'frailty'), false)
        and count(*) filter (where what = 'advanced_illness') > 0 as frail_and_ill,
    concat(
        min(row_id) filter (where what = 'frailty'), ' ', min(row_id) filter (where what = 'advanced_illness')
    ) as frail_ids,
    min(row_id) filter (where what = 'palliative_care') as palliative_id
from found
group by patient_id, mp_year
