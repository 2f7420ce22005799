-- One row for each acute stay: its LACE score, and whether it reaches high points (as_score = 1: the score itself;
-- as_readmission = 1: whether an unplanned readmission within window_days days follows). The subgroup is the risk band.
with reasoned as (
    select
        variant.variant,
        variant.high,
        variant.as_score,
        variant.as_readmission,
        s.stay_id,
        s.patient_id,
        s.organization_id,
        s.practitioner_id,
        s.start_date,
        s.end_date,
        l.score,
        l.parts,
        coalesce(s.days_to_next between 0 and variant.window_days and not s.next_planned, false) as readmitted,
        case
            when s.left_out is not null then s.left_out
            when s.age is null then 'age_unknown'
            when s.age < 18 then 'under_age'
            when l.acute_points is null then 'admission_type_unknown'
        end as exclusion_reason
    from prepared.stays s
    cross join variant
    left join prepared.lace l on l.stay_id = s.stay_id and l.patient_id = s.patient_id
)
select
    variant,
    stay_id as unit_id,
    patient_id,
    coalesce(end_date, start_date) as index_date,
    exclusion_reason is null as in_denominator,
    exclusion_reason,
    case
        when exclusion_reason is not null then null
        when as_readmission = 1 then readmitted
        else score >= high
    end as in_numerator,
    case
        when exclusion_reason is not null then null
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
    end as subgroup,
    organization_id,
    practitioner_id
from reasoned
