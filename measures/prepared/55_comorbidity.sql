-- Comorbidity of each acute stay: Charlson's groups from ICD-10 codes recorded from 365 days [P] before admission to the
-- day of discharge, with the weights that LACE gives them [V, in part K]. Code families after Quan and others 2005 [K].
-- A severe form takes the place of its mild form. Codes of other systems are not looked at.
with coded as (
    select s.stay_id, s.patient_id, upper(replace(d.code, '.', '')) as code
    from prepared.stays s
    join lake.diagnosis d
        on d.patient_id = s.patient_id
        and days_between(d.recorded_date, s.start_date) <= 365
        and d.recorded_date <= coalesce(s.end_date, s.start_date)
    where lower(coalesce(d.code_system, case when d.recorded_date < date '2015-10-01' then 'icd-9-cm' else 'icd-10-cm' end))
        in ('icd-10-cm', 'icd-10')
),
grouped as (
    select
        stay_id,
        patient_id,
        bool_or(substr(code, 1, 3) in ('I21', 'I22') or substr(code, 1, 4) = 'I252') as infarction,
        bool_or(substr(code, 1, 3) in ('G45', 'G46', 'I60', 'I61', 'I62', 'I63', 'I64', 'I65', 'I66', 'I67', 'I68', 'I69')
            or substr(code, 1, 4) = 'H340') as cerebrovascular,
        bool_or(substr(code, 1, 3) in ('I70', 'I71')
            or substr(code, 1, 4) in ('I731', 'I738', 'I739', 'I771', 'I790', 'I792', 'K551', 'K558', 'K559', 'Z958', 'Z959'))
            as peripheral_vascular,
        bool_or(substr(code, 1, 3) in ('E10', 'E11', 'E12', 'E13', 'E14')
            and substr(code, 4, 1) in ('0', '1', '6', '8', '9', '')) as diabetes,
        bool_or(substr(code, 1, 3) in ('E10', 'E11', 'E12', 'E13', 'E14') and substr(code, 4, 1) in ('2', '3', '4', '5', '7'))
            as diabetes_with_damage,
        bool_or(substr(code, 1, 3) in ('I43', 'I50')
            or substr(code, 1, 4) in ('I099', 'I110', 'I130', 'I132', 'I255', 'I420', 'I425', 'I426', 'I427', 'I428', 'I429', 'P290'))
            as heart_failure,
        bool_or(substr(code, 1, 3) in ('J40', 'J41', 'J42', 'J43', 'J44', 'J45', 'J46', 'J47', 'J60', 'J61', 'J62', 'J63',
            'J64', 'J65', 'J66', 'J67') or substr(code, 1, 4) in ('I278', 'I279', 'J684', 'J701', 'J703')) as pulmonary,
        bool_or(substr(code, 1, 3) in ('B18', 'K73', 'K74')
            or substr(code, 1, 4) in ('K700', 'K701', 'K702', 'K703', 'K709', 'K713', 'K714', 'K715', 'K717', 'K760', 'K762',
                'K763', 'K764', 'K768', 'K769', 'Z944', 'N181', 'N182', 'N183')) as mild_liver_or_renal,
        bool_or(substr(code, 1, 4) in ('I850', 'I859', 'I864', 'I982', 'K704', 'K711', 'K721', 'K729', 'K765', 'K766', 'K767',
                'N184', 'N185', 'N186', 'I120', 'I131', 'Z490', 'Z491', 'Z492', 'Z940', 'Z992')
            or substr(code, 1, 3) = 'N19') as severe_liver_or_renal,
        bool_or(substr(code, 1, 1) = 'C' and substr(code, 2, 2) not in ('44', '77', '78', '79', '80')) as tumour,
        bool_or(substr(code, 1, 3) in ('C77', 'C78', 'C79', 'C80')) as metastatic,
        bool_or(substr(code, 1, 3) in ('F00', 'F01', 'F02', 'F03', 'G30') or substr(code, 1, 4) in ('F051', 'G311')) as dementia,
        bool_or(substr(code, 1, 3) in ('M05', 'M06', 'M32', 'M33', 'M34')
            or substr(code, 1, 4) in ('M315', 'M351', 'M353', 'M360')) as connective_tissue,
        bool_or(substr(code, 1, 3) in ('B20', 'B21', 'B22', 'B24')) as aids
    from coded
    group by stay_id, patient_id
)
select
    s.stay_id,
    s.patient_id,
    coalesce(
        case when g.infarction then 1 else 0 end
        + case when g.cerebrovascular then 1 else 0 end
        + case when g.peripheral_vascular then 1 else 0 end
        + case when g.diabetes_with_damage then 2 when g.diabetes then 1 else 0 end
        + case when g.heart_failure then 2 else 0 end
        + case when g.pulmonary then 2 else 0 end
        + case when g.severe_liver_or_renal then 4 when g.mild_liver_or_renal then 2 else 0 end
        + case when g.metastatic then 6 when g.tumour then 2 else 0 end
        + case when g.dementia then 3 else 0 end
        + case when g.connective_tissue then 3 else 0 end
        + case when g.aids then 4 else 0 end,
        0
    ) as charlson_lace
from prepared.stays s
left join grouped g on g.stay_id = s.stay_id and g.patient_id = s.patient_id
