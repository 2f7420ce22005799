select rule, rows from (
    select 1 as place, 'inpatient rows' as rule, count(*) as rows from prepared.stay_rows
    union all
    select 2, 'left out: cancelled, planned or entered in error', count(*) from prepared.stay_rows where because = 'status'
    union all
    -- A date of death may be the wrong one of the two (claims files give the month alone), so the row counts and is told.
    select 3, 'kept although they begin after the date of death', count(*)
    from prepared.stay_rows r
    join prepared.person p on p.patient_id = r.patient_id
    where r.because <> 'status' and r.start_date > p.deceased_date
    union all
    select 4, 'left out: copy of another row', count(*)
    from prepared.stay_rows r
    left join prepared.stay_rows k on k.patient_id = r.patient_id and k.encounter_id = r.of_encounter_id
    where r.because = 'copy' and r.hospital is not distinct from k.hospital
    union all
    select 5, 'left out: copy of another row, under another name of the hospital', count(*)
    from prepared.stay_rows r
    join prepared.stay_rows k on k.patient_id = r.patient_id and k.encounter_id = r.of_encounter_id
    where r.because = 'copy' and r.hospital is distinct from k.hospital
    union all
    select 6, 'joined to a stay: overlaps it at the same hospital', count(*)
    from prepared.stay_rows where because = 'overlaps'
    union all
    select 7, 'joined to a stay: same hospital, day and condition', count(*)
    from prepared.stay_rows where because = 'same_day'
    union all
    select 8, 'joined to a stay: interim bill', count(*) from prepared.stay_rows where because = 'interim_bill'
    union all
    select 9, 'stays', count(*) from prepared.stay_rows where because = 'begins'
    union all
    select 10, 'rows whose principal diagnosis the loaded category map does not know', count(*)
    from prepared.stay_rows where diagnosis_unknown
)
order by place
