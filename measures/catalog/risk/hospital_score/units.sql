-- One row for each acute stay: its HOSPITAL score by the table that from_admissions names (from how many earlier admissions on
-- they give points), and whether it reaches high points (as_score = 1: the score itself; as_readmission = 1: whether an
-- unplanned readmission within window_days days follows). The subgroup is the risk band.
with scored as (
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
        h.points + case when h.admissions > 5 then 5 when h.admissions >= variant.from_admissions then 2 else 0 end as score,
        coalesce(s.days_to_next between 0 and variant.window_days and not s.next_planned, false) as readmitted,
        case
            when s.left_out is not null then s.left_out
            when s.age is null then 'age_unknown'
            when s.age < 18 then 'under_age'
            when coalesce(s.admission_type, 'unknown') = 'unknown' then 'admission_type_unknown'
            when h.laboratory_missing then 'laboratory_missing'
        end as exclusion_reason
    from prepared.stays s
    cross join variant
    left join prepared.hospital_score h on h.stay_id = s.stay_id and h.patient_id = s.patient_id
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
    case
        when score >= 7 then 'high (7 or more)'
        when score >= 5 then 'intermediate (5 to 6)'
        when score >= 0 then 'low (0 to 4)'
    end as subgroup,
    organization_id,
    practitioner_id
from scored
