//! Cox's proportional hazards model: by what factor does each characteristic speed the event up or slow it down?

mod fit;
mod likelihood;
mod risk_sums;

use statrs::function::erf::erfc;

use self::fit::Fit;
use self::likelihood::Subjects;
use super::follow_up::{Event, FollowUp, same_length};
use super::test::ChiSquareTest;
use crate::intervals::{Interval, Method, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// How the partial likelihood treats events at the same time. Without ties all are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ties {
    /// Efron's approximation: those who have tied events leave the risk set little by little. Close to exact, and to be
    /// preferred for whole days. Source: Efron B. J Am Stat Assoc 1977;72:557–565; Klein & Moeschberger, equation 8.4.2.
    Efron,
    /// Breslow's: they all stay at risk for each of the tied events, which pulls coefficients towards 0. Source: Breslow
    /// N. Biometrics 1974;30:89–99; Klein & Moeschberger, equation 8.4.1.
    Breslow,
}

/// A fitted proportional hazards model.
#[derive(Debug, Clone, PartialEq)]
pub struct CoxModel {
    /// What counted as the event.
    pub event: Event,
    /// How tied events were treated.
    pub ties: Ties,
    /// Subjects, or intervals of follow-up where one subject has several.
    pub subjects: u64,
    /// Subjects with the event.
    pub events: u64,
    /// One term for every covariate, in order.
    pub terms: Vec<CoxTerm>,
    /// Covariances of the coefficients: the inverse of the observed information, row by row.
    pub covariance: Vec<Vec<f64>>,
    /// Log partial likelihood at the coefficients.
    pub log_likelihood: f64,
    /// Log partial likelihood with all coefficients 0.
    pub log_likelihood_null: f64,
    /// Twice their difference, the likelihood ratio test of all coefficients together.
    pub likelihood_ratio: ChiSquareTest,
    /// The score test of all coefficients together; for one group against others and no ties it is the log-rank test.
    pub score: ChiSquareTest,
    /// Newton steps until the coefficients settled.
    pub iterations: u32,
}

/// The coefficient of one covariate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoxTerm {
    /// Log hazard ratio per unit of the covariate.
    pub coefficient: f64,
    /// Its standard error.
    pub std_error: f64,
    /// The coefficient over its standard error.
    pub z: f64,
    /// Two-sided probability of a `z` at least this far from 0 when the coefficient is 0.
    pub p_value: f64,
}

impl CoxTerm {
    /// Returns the hazard ratio per unit of the covariate with Wald's limits, `exp(coefficient ± z SE)`.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::ConfidenceOutOfRange`]; [`StatisticsError::NotFinite`] when a limit is too large for a number.
    pub fn hazard_ratio(&self, confidence: f64) -> Result<Interval> {
        let reach = normal_two_sided(two_sided_error(confidence)?) * self.std_error;
        let (lower, upper) = ((self.coefficient - reach).exp(), (self.coefficient + reach).exp());
        Interval::checked(self.coefficient.exp(), lower, upper, confidence, Method::HazardRatioWald)
    }
}

/// Fits a proportional hazards model: the rate of the event is multiplied by `exp(coefficient)` per unit of a covariate.
///
/// `covariates` holds one slice per covariate, each with one number per subject; a category of `k` levels takes `k - 1`
/// of them, 0 or 1. The partial likelihood is maximised by Newton's method with step halving, on covariates that are
/// centred and scaled. Late entry changes only who is at risk.
///
/// Sources: Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187–220; Klein JP, Moeschberger ML.
/// Survival Analysis, 2nd ed., 2003, sections 8.3 and 8.4, and 9.4 for late entry. On likelihoods that rise for ever:
/// Bryson MC, Johnson ME. The incidence of monotone likelihood in the Cox model. Technometrics 1981;23:381–383.
///
/// # Errors
///
/// As [`super::kaplan_meier()`]; [`StatisticsError::Empty`] without covariates; [`StatisticsError::LengthMismatch`] and
/// [`StatisticsError::ValueNotFinite`] for a covariate; [`StatisticsError::NotComputable`] without events;
/// [`StatisticsError::Collinear`] for a covariate that is constant, or depends on those before it, among those at risk;
/// [`StatisticsError::Separated`] when the likelihood rises for ever (is *monotone*) along a covariate, such as a group
/// without any event; [`StatisticsError::NotConverged`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::survival::{Event, FollowUp, Ties, cox};
/// let days = [3.0, 5.0, 8.0, 9.0, 14.0, 20.0, 21.0, 30.0];
/// let referrals = FollowUp { entry: None, time: &days, cause: &[1, 1, 1, 1, 1, 0, 1, 0] };
/// let urgent = [1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
/// let model = cox(&referrals, Event::Cause(1), &[&urgent], Ties::Efron)?;
/// let ratio = model.terms[0].hazard_ratio(0.95)?;
/// assert!(ratio.value > 1.0 && ratio.lower < 1.0, "sooner, but eight referrals do not prove it: {ratio:?}");
/// # Ok(())
/// # }
/// ```
pub fn cox(follow_up: &FollowUp<'_>, event: Event, covariates: &[&[f64]], ties: Ties) -> Result<CoxModel> {
    event.check()?;
    follow_up.check("a Cox model")?;
    if covariates.is_empty() {
        return Err(StatisticsError::Empty { what: "a Cox model's covariates" });
    }
    let scaled = covariates.iter().enumerate().map(|(column, values)| Scaled::of(column, values, follow_up.time.len()));
    let scaled: Vec<Scaled> = scaled.collect::<Result<_>>()?;
    let columns: Vec<&[f64]> = scaled.iter().map(|column| column.values.as_slice()).collect();
    let subjects = Subjects::new(follow_up, event, &columns);
    let events = subjects.events();
    if events == 0 {
        return Err(StatisticsError::NotComputable { what: "a Cox model", because: "nobody had the event" });
    }
    let fit = Fit::search(&subjects, ties)?;
    let size = covariates.len();
    let covariance: Vec<Vec<f64>> = (0..size)
        .map(|row| {
            (0..size).map(|column| fit.covariance[(row, column)] / scaled[row].unit / scaled[column].unit).collect()
        })
        .collect();
    let terms = (0..size).map(|column| term(fit.at[column] / scaled[column].unit, covariance[column][column].sqrt()));
    let terms = terms.collect::<Result<_>>()?;
    let (log_likelihood, log_likelihood_null) = (fit.best.value, fit.null);
    Ok(CoxModel {
        event,
        ties,
        subjects: follow_up.time.len() as u64,
        events,
        terms,
        covariance,
        log_likelihood,
        log_likelihood_null,
        likelihood_ratio: ChiSquareTest::new(2.0 * (log_likelihood - log_likelihood_null), size as u64)?,
        score: ChiSquareTest::new(fit.score, size as u64)?,
        iterations: fit.iterations,
    })
}

fn term(coefficient: f64, std_error: f64) -> Result<CoxTerm> {
    let z = coefficient / std_error;
    for (what, value) in [("a coefficient", coefficient), ("its standard error", std_error), ("its z value", z)] {
        if !value.is_finite() {
            return Err(StatisticsError::NotFinite { what, value });
        }
    }
    Ok(CoxTerm { coefficient, std_error, z, p_value: erfc(z.abs() / std::f64::consts::SQRT_2) })
}

/// A covariate about its mean, in units of its largest distance from it: one unit is the most that any subject can feel.
struct Scaled {
    values: Vec<f64>,
    unit: f64,
}

impl Scaled {
    fn of(column: usize, values: &[f64], subjects: usize) -> Result<Self> {
        same_length("a covariate", values.len(), subjects)?;
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(StatisticsError::ValueNotFinite { index, value: values[index] });
        }
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        // Each share apart: the sum of huge values would overflow.
        let mean: f64 = values.iter().map(|value| value / subjects as f64).sum();
        let unit = values.iter().fold(0.0_f64, |unit, value| unit.max((value - mean).abs()));
        // The mean of equal values may differ from them by rounding.
        if unit <= 1e-12 * largest || unit < f64::MIN_POSITIVE {
            return Err(StatisticsError::Collinear { column });
        }
        if !unit.is_finite() {
            return Err(StatisticsError::NotFinite { what: "the range of a covariate", value: unit });
        }
        Ok(Self { values: values.iter().map(|value| (value - mean) / unit).collect(), unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(entry: Option<&[f64]>, time: &[f64], cause: &[u8], x: &[&[f64]], ties: Ties) -> Result<CoxModel> {
        cox(&FollowUp { entry, time, cause }, Event::Any, x, ties)
    }

    /// By hand: the likelihood of 1 first, then 0, then 1 is `e / (2e + 1) · 1 / (1 + e)`, highest at `2e² = 1`.
    #[test]
    fn three_subjects_by_hand() -> Result<()> {
        for ties in [Ties::Efron, Ties::Breslow] {
            let model = fit(None, &[1.0, 2.0, 3.0], &[1, 1, 1], &[&[1.0, 0.0, 1.0]], ties)?;
            let e = 0.5_f64.sqrt();
            assert!((model.terms[0].coefficient - e.ln()).abs() < 1e-12, "{model:?}");
            let information = 2.0 * e / (2.0 * e + 1.0).powi(2) + e / (1.0 + e).powi(2);
            assert!((model.terms[0].std_error - information.recip().sqrt()).abs() < 1e-12);
            assert!((model.log_likelihood - (e / (2.0 * e + 1.0) / (1.0 + e)).ln()).abs() < 1e-12);
            assert!((model.log_likelihood_null + 6.0_f64.ln()).abs() < 1e-12);
        }
        Ok(())
    }

    /// The same with another subject who is never at risk at an event, and one who enters late: the last of three
    /// enters after the first event, so the likelihood is `e / (e + 1) · 1 / (1 + e)`, highest at `e = 1`.
    #[test]
    fn late_entry_by_hand() -> Result<()> {
        let entry = [0.0, 0.0, 1.0, 2.0];
        let model = fit(Some(&entry), &[1.0, 2.0, 3.0, 2.5], &[1, 1, 1, 0], &[&[1.0, 0.0, 1.0, 0.5]], Ties::Efron)?;
        assert!(model.terms[0].coefficient.abs() < 1e-12, "{model:?}");
        assert!((model.terms[0].std_error - 2.0_f64.sqrt()).abs() < 1e-12);
        Ok(())
    }

    /// By hand for one tied time, of 0, 0 and 1 with events of a 0 and the 1: Breslow `e / (e + 2)²`; Efron
    /// `e / ((e + 2) (e + 2 - (e + 1) / 2))`, highest at `e² = 6`.
    #[test]
    fn ties_by_hand() -> Result<()> {
        let tied = |ties| fit(None, &[1.0, 1.0, 2.0], &[1, 1, 0], &[&[1.0, 0.0, 0.0]], ties);
        assert!((tied(Ties::Breslow)?.terms[0].coefficient - 2.0_f64.ln()).abs() < 1e-12);
        assert!((tied(Ties::Efron)?.terms[0].coefficient - 6.0_f64.sqrt().ln()).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn a_likelihood_without_a_maximum_is_reported() {
        let noise = [0.3, 0.1, 0.4, 0.1, 0.5];
        let days = [1.0, 2.0, 3.0, 4.0, 5.0];
        // Everybody in the group has the event before anybody else does; then nobody in the group has it at all.
        for (group, cause) in [([1.0, 1.0, 0.0, 0.0, 0.0], [1; 5]), ([0.0, 0.0, 0.0, 1.0, 1.0], [1, 1, 1, 0, 0])] {
            for ties in [Ties::Efron, Ties::Breslow] {
                let alone = fit(None, &days, &cause, &[&group], ties);
                assert_eq!(alone, Err(StatisticsError::Separated { column: 0 }));
                let with_noise = fit(None, &days, &cause, &[&noise, &group], ties);
                assert!(matches!(with_noise, Err(StatisticsError::Separated { .. })), "{with_noise:?}");
            }
        }
    }

    /// Those whose hazard runs away to infinity are not at risk at the one event: taking them away again must not drown
    /// the few that are left in rounding.
    #[test]
    fn late_entry_does_not_hide_that_there_is_no_maximum() {
        let entry = [-1.0, -1.0, -1.0, 7.0, 8.0, 8.0, 3.0];
        let time = [25.0, 25.0, 0.0, 8.0, 12.0, 12.0, 9.0];
        let group = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        for far in [-2.0, -20.0, -2000.0] {
            let other = [0.5, -0.5, far, 0.0, far, -1.0, 0.0];
            let found = fit(Some(&entry), &time, &[0, 0, 0, 1, 0, 0, 0], &[&group, &other], Ties::Efron);
            assert!(matches!(found, Err(StatisticsError::Separated { .. })), "{far}: {found:?}");
        }
    }

    /// The group has left before the first event.
    #[test]
    fn a_group_that_is_never_at_risk_tells_nothing() {
        let group = [1.0, 1.0, 0.0, 0.0, 0.0];
        let found = fit(None, &[1.0, 2.0, 3.0, 4.0, 5.0], &[0, 0, 1, 1, 0], &[&group], Ties::Efron);
        assert_eq!(found, Err(StatisticsError::Collinear { column: 0 }));
    }

    #[test]
    fn covariates_that_tell_nothing_of_their_own_are_named() {
        let days = [1.0, 2.0, 3.0, 4.0, 5.0];
        let x: [&[f64]; 3] = [&[1.0, 0.0, 1.0, 0.0, 0.0], &[0.1, 0.1, 0.1, 0.1, 0.1], &[7.0, 5.0, 7.0, 5.0, 5.0]];
        let found = |columns: &[&[f64]]| fit(None, &days, &[1, 1, 1, 1, 0], columns, Ties::Efron);
        assert_eq!(found(&[x[0], x[1]]), Err(StatisticsError::Collinear { column: 1 }));
        assert_eq!(found(&[x[0], x[2]]), Err(StatisticsError::Collinear { column: 1 }));
        assert!(matches!(found(&[]), Err(StatisticsError::Empty { .. })));
        assert!(matches!(found(&[&[1.0]]), Err(StatisticsError::LengthMismatch { .. })));
        assert!(matches!(
            found(&[&[1.0, 2.0, f64::NAN, 0.0, 0.0]]),
            Err(StatisticsError::ValueNotFinite { index: 2, .. })
        ));
        assert!(matches!(fit(None, &days, &[0; 5], &[x[0]], Ties::Efron), Err(StatisticsError::NotComputable { .. })));
    }
}
