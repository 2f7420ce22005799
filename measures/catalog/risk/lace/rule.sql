-- A stay meets the numerator if its LACE score reaches high points (as_score = 1: it counts the score itself; as_readmission = 1: it
-- meets the numerator if an unplanned readmission follows within window_days days). The subgroup is the risk band.
with scored as (
    select
        cohort.*,
        variant.variant,
        variant.high,
        variant.as_score,
        variant.as_readmission,
        l.score,
        l.parts,
        l.acute_points,
        coalesce(days_to_next between 0 and variant.window_days and not next_planned, false) as readmitted
    from cohort
    cross join variant
    left join prepared.lace l on l.stay_id = cohort.stay_id and l.patient_id = cohort.patient_id
)
select
    unit,
    variant,
    case
        when age is null then 'age_unknown'
        when age < 18 then 'under_age'
        when acute_points is null then 'admission_type_unknown'
    end as exclusion_reason,
    case when as_readmission = 1 then readmitted else score >= high end as in_numerator,
    case
        when as_score = 1 then score
        when as_readmission = 1 then case when readmitted then 1 else 0 end
        when score >= high then 1
        else 0
    end as numerator,
    parts as evidence,
    case
        when score >= 10 then 'high (10 or more)'
        when score >= 5 then 'moderate (5 to 9)'
        when score >= 0 then 'low (0 to 4)'
    end as subgroup
from scored
