//! The few codes that the invented records use: plain codes of public systems, without their descriptions.

/// Chronic conditions that a person may have, with their ICD-10-CM code and how common they are at ages below 65,
/// 65 to 79 and from 80.
pub(crate) const CONDITIONS: [(&str, [f64; 3]); 11] = [
    ("I50.9", [0.08, 0.18, 0.30]),
    ("J44.9", [0.10, 0.18, 0.18]),
    ("E11.9", [0.25, 0.30, 0.26]),
    ("I10", [0.48, 0.66, 0.74]),
    ("N18.30", [0.06, 0.16, 0.28]),
    ("F32.9", [0.20, 0.14, 0.12]),
    ("I48.91", [0.04, 0.13, 0.24]),
    ("I25.10", [0.10, 0.22, 0.28]),
    ("F03.90", [0.01, 0.05, 0.18]),
    ("C50.919", [0.02, 0.04, 0.03]),
    ("M17.11", [0.14, 0.26, 0.28]),
];

/// Positions in [`CONDITIONS`].
pub(crate) const HEART_FAILURE: usize = 0;
/// Chronic obstructive pulmonary disease.
pub(crate) const COPD: usize = 1;
/// Diabetes.
pub(crate) const DIABETES: usize = 2;
/// Hypertension.
pub(crate) const HYPERTENSION: usize = 3;

/// Principal diagnoses of acute admissions, with their weight for anybody and the condition that makes them four
/// times as likely.
pub(crate) const ACUTE: [(&str, f64, Option<usize>); 14] = [
    ("I50.23", 6.0, Some(HEART_FAILURE)),
    ("J44.1", 4.0, Some(COPD)),
    ("J18.9", 9.0, Some(COPD)),
    ("A41.9", 10.0, None),
    ("N39.0", 6.0, None),
    ("I21.4", 5.0, Some(7)),
    ("I63.9", 5.0, Some(6)),
    ("L03.115", 4.0, Some(DIABETES)),
    ("K92.2", 5.0, None),
    ("N17.9", 4.0, Some(4)),
    ("S72.001A", 3.0, Some(8)),
    ("E11.65", 2.0, Some(DIABETES)),
    ("I48.91", 3.0, Some(6)),
    ("F32.9", 1.0, Some(5)),
];

/// Principal diagnoses of elective admissions, with the ICD-10-PCS code of what was done.
pub(crate) const ELECTIVE: [(&str, &str); 6] = [
    ("M17.11", "0SRC0J9"),
    ("M16.11", "0SR90J9"),
    ("K80.20", "0FT44ZZ"),
    ("I25.10", "027034Z"),
    ("C18.9", "0DTG0ZZ"),
    ("N40.1", "0VT08ZZ"),
];

/// Procedures during acute stays (ICD-10-PCS).
pub(crate) const PROCEDURES: [&str; 4] = ["30233N1", "5A1D70Z", "B2111ZZ", "0DJ08ZZ"];

/// Principal diagnoses of emergency visits.
pub(crate) const EMERGENCY: [(&str, f64); 11] = [
    ("R07.9", 12.0),
    ("R10.9", 10.0),
    ("S93.401A", 6.0),
    ("J06.9", 8.0),
    ("M54.50", 8.0),
    ("R51.9", 6.0),
    ("N39.0", 8.0),
    ("J44.1", 5.0),
    ("R55", 5.0),
    ("W19.XXXA", 5.0),
    ("F41.9", 4.0),
];

/// The diagnosis of a visit to somebody without a chronic condition.
pub(crate) const CHECK_UP: &str = "Z00.00";

/// Specialties that people are referred to, with a weight, a reason and a question of the referrer.
pub(crate) const SPECIALTIES: [(&str, f64, &str, &str); 10] = [
    ("cardiology", 20.0, "I50.9", "Is the ejection fraction stable, and should the dose be raised?"),
    ("orthopedics", 14.0, "M17.11", "Is surgery sensible, or first another course of exercise?"),
    ("gastroenterology", 12.0, "K92.2", "Source of bleeding, please."),
    ("pulmonology", 9.0, "J44.9", "Would you add a second inhaler?"),
    ("endocrinology", 9.0, "E11.9", "Above target on two agents: what next?"),
    ("nephrology", 8.0, "N18.30", "Falling filtration rate, cause and follow-up interval?"),
    ("ophthalmology", 10.0, "E11.9", "Yearly eye examination."),
    ("neurology", 7.0, "R51.9", "\"Spells\" twice a week: seizure or syncope?"),
    ("behavioral_health", 7.0, "F32.9", "Please assess, and take over treatment if needed."),
    ("physical_therapy", 4.0, "M54.50", "Gait and balance, fall prevention."),
];

/// Classes of medication that fills are kept for, the ingredient, and the condition that they belong to.
pub(crate) const MEDICATION: [(&str, &[&str], usize); 3] = [
    ("diabetes", &["metformin", "glipizide", "empagliflozin", "metformin;sitagliptin"], DIABETES),
    ("rasa", &["lisinopril", "losartan", "amlodipine;benazepril"], HYPERTENSION),
    ("statin", &["atorvastatin", "rosuvastatin", "simvastatin"], HYPERTENSION),
];

/// Glycated haemoglobin, haemoglobin and sodium (LOINC).
pub(crate) const LABORATORY: [&str; 3] = ["4548-4", "718-7", "2951-2"];
