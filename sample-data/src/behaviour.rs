//! The rates behind the invented data, in one place.
//!
//! They are set so that the sample looks like a health system's panel of older people at risk, and so that a chart of
//! two years has something to say. None was fitted to anybody's records.

/// The rates behind the invented data. A pair of values `[usual, program]` holds for clinics without and with the
/// coordination program; a clinic's patients move from the first to the second on the program's first day.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// Admissions that do not follow a discharge within 30 days, per patient-year.
    pub admissions_per_year: f64,
    /// How much more (January) and less (July) often than the mean people are admitted, as a share.
    pub season: f64,
    /// Spread of the latent risk on the log scale of the admission rate.
    pub risk_spread: f64,
    /// Share of admissions from home that are elective.
    pub elective: f64,
    /// Share of other admissions that came through the emergency department.
    pub through_emergency: f64,
    /// Probability of a readmission within 30 days for a person of mean risk without follow-up: `[usual, program]`.
    pub readmission: [f64; 2],
    /// Change in the log odds of readmission per unit of latent risk, which has mean 0 and spread 1.
    pub readmission_per_risk: f64,
    /// Change in the log odds of readmission from age 85.
    pub readmission_85: f64,
    /// Change in the log odds of readmission where a follow-up visit is kept within 14 days.
    pub readmission_followed_up: f64,
    /// Share of readmissions that are planned.
    pub readmission_elective: f64,
    /// Share of stays that end in death.
    pub death_in_hospital: f64,
    /// Share of discharges that death follows within 30 days without a readmission.
    pub death_after_discharge: f64,
    /// Deaths elsewhere, per patient-year.
    pub death_elsewhere: f64,
    /// Share of discharges with a telephone call within two business days: `[usual, program]`.
    pub call: [f64; 2],
    /// Share of discharges with a follow-up visit planned within 14 days: `[usual, program]`.
    pub follow_up: [f64; 2],
    /// Change in the log odds of a follow-up visit for a preferred language other than English.
    pub follow_up_other_language: f64,
    /// Share of discharges with the medication lists reconciled within 30 days: `[usual, program]`.
    pub reconciliation: [f64; 2],
    /// Emergency visits that end without admission, per patient-year: `[usual, program]`.
    pub emergency_per_year: [f64; 2],
    /// Visits to the own clinic, apart from follow-up after discharge, per patient-year.
    pub visits_per_year: f64,
    /// Referrals per patient-year.
    pub referrals_per_year: f64,
    /// Probability that a referral reaches the next step, in the order sent, reviewed, scheduled, completed, report
    /// sent, report received, report acknowledged, patient informed: usual.
    pub referral_steps: [f64; 8],
    /// Change in the log odds of each step of a referral under the program.
    pub referral_program: f64,
    /// Change in the log odds of being scheduled and of being seen for a preferred language other than English.
    pub referral_other_language: f64,
    /// Factor on every wait of a referral under the program.
    pub referral_wait_program: f64,
    /// Share of people outside the program with a care plan.
    pub care_plan: f64,
    /// Share of people assigned to the program with a care plan.
    pub care_plan_program: f64,
    /// Share of stays in which social needs are asked for: `[usual, program]`.
    pub screening: [f64; 2],
    /// Share of people who have a social need of a domain, in the least deprived fifth.
    pub social_need: f64,
    /// Share of care-plan activities done on time: `[usual, program]`.
    pub activity_on_time: [f64; 2],
    /// Share of people whose prescriptions are in the extract.
    pub medication_panel: f64,
    /// Share of people invited to the survey each month.
    pub survey_monthly: f64,
    /// Share of invited people who answer.
    pub survey_response: f64,
    /// Probability of the best answer to an item on coordination: `[usual, program]`.
    pub survey_best: [f64; 2],
    /// Median days from service to payment of a claim.
    pub payment_days: f64,
    /// Share of claims that are reversed.
    pub reversal: f64,
    /// Share of what happened in the last three days that has reached the extract.
    pub last_days_loaded: f64,
    /// Share of true readmissions that the other system reports.
    pub reported_true: f64,
    /// Share of discharges without a readmission for which the other system reports one.
    pub reported_false: f64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            admissions_per_year: 0.37,
            season: 0.15,
            risk_spread: 0.6,
            elective: 0.17,
            through_emergency: 0.68,
            readmission: [0.158, 0.118],
            readmission_per_risk: 0.45,
            readmission_85: 0.35,
            readmission_followed_up: -0.55,
            readmission_elective: 0.12,
            death_in_hospital: 0.025,
            death_after_discharge: 0.015,
            death_elsewhere: 0.022,
            call: [0.42, 0.76],
            follow_up: [0.44, 0.68],
            follow_up_other_language: -0.6,
            reconciliation: [0.46, 0.70],
            emergency_per_year: [0.36, 0.33],
            visits_per_year: 0.62,
            referrals_per_year: 1.0,
            referral_steps: [0.96, 0.92, 0.86, 0.86, 0.86, 0.96, 0.80, 0.70],
            referral_program: 0.60,
            referral_other_language: -0.6,
            referral_wait_program: 0.85,
            care_plan: 0.10,
            care_plan_program: 0.55,
            screening: [0.45, 0.65],
            social_need: 0.05,
            activity_on_time: [0.65, 0.80],
            medication_panel: 0.16,
            survey_monthly: 0.04,
            survey_response: 0.375,
            survey_best: [0.60, 0.70],
            payment_days: 26.0,
            reversal: 0.006,
            last_days_loaded: 0.5,
            reported_true: 0.93,
            reported_false: 0.012,
        }
    }
}
