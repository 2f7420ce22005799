-- A stay meets the numerator if its HOSPITAL score by the table that from_admissions names (from how many earlier admissions on they
-- give points) reaches high points (as_score = 1: it counts the score itself; as_readmission = 1: it meets the numerator if an
-- unplanned readmission follows within window_days days). The subgroup is the risk band.
with scored as (
    select
        cohort.*,
        variant.variant,
        variant.high,
        variant.as_score,
        variant.as_readmission,
        h.points + case when h.admissions > 5 then 5 when h.admissions >= variant.from_admissions then 2 else 0 end as score,
        h.laboratory_missing,
        coalesce(days_to_next between 0 and variant.window_days and not next_planned, false) as readmitted
    from cohort
    cross join variant
    left join prepared.hospital_score h on h.stay_id = cohort.stay_id and h.patient_id = cohort.patient_id
)
select
    unit,
    variant,
    case
        when age is null then 'age_unknown'
        when age < 18 then 'under_age'
        when coalesce(admission_type, 'unknown') = 'unknown' then 'admission_type_unknown'
        when laboratory_missing then 'laboratory_missing'
    end as exclusion_reason,
    case when as_readmission = 1 then readmitted else score >= high end as in_numerator,
    case
        when as_score = 1 then score
        when as_readmission = 1 then case when readmitted then 1 else 0 end
        when score >= high then 1
        else 0
    end as numerator,
    case
        when score >= 7 then 'high (7 or more)'
        when score >= 5 then 'intermediate (5 to 6)'
        when score >= 0 then 'low (0 to 4)'
    end as subgroup
from scored
