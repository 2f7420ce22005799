-- What was known of a patient at admission [P]: age, sex, kind of admission, comorbidity (Charlson, LACE weights), stays of
-- the twelve months before. Nothing that happened during the stay; neither race nor income. Each specialty cohort has a
-- model of its own where the tables that tell them are loaded.
select
    s.stay_id as unit_id,
    s.patient_id,
    s.specialty_cohort as model_group,
    s.age - 65 as age_over_65,
    case when p.sex = 'male' then 1 else 0 end as male,
    case when s.admission_type in ('emergency', 'urgent', 'trauma') then 1 else 0 end as acute_admission,
    coalesce(c.charlson_lace, 0) as charlson,
    least(coalesce(e.admissions, 0), 5) as earlier_admissions
from prepared.stays s
left join prepared.person p on p.patient_id = s.patient_id
left join prepared.comorbidity c on c.stay_id = s.stay_id and c.patient_id = s.patient_id
left join prepared.earlier_admissions e on e.stay_id = s.stay_id and e.patient_id = s.patient_id
