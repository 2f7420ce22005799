//! Logistic regression by iteratively reweighted least squares, which is Newton's method on the log-likelihood.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::coefficient::{Coefficient, Covariance};
use super::cross_product::{Curvature, curvature};
use super::design::{Design, dot};
use crate::linear;
use crate::{Result, StatisticsError};

/// A step this far, in standard errors, is near the end of the search: it no longer changes the likelihood noticeably.
const NEAR_THE_END: f64 = 1e-4;

/// A row whose log odds still move by this much near the end has no finite log odds: the outcome is separated.
const STILL_MOVING: f64 = 0.5;

/// Fitted log odds beyond this, a risk of one in three million, explain why the information has become singular.
const EXTREME_LOG_ODDS: f64 = 15.0;

/// How far to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticOptions {
    /// The most steps; a fit that needs more is refused.
    pub max_iterations: u32,
    /// The search ends when the next step would be shorter than this, in standard errors.
    pub tolerance: f64,
}

impl LogisticOptions {
    /// At most 100 steps, to 1e-10 standard errors. Ordinary data need fewer than ten; separated data need about forty
    /// to be recognised.
    pub const STRICT: Self = Self { max_iterations: 100, tolerance: 1e-10 };
}

/// A fitted logistic model.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticFit {
    /// One coefficient a column of the design, with model-based standard errors.
    pub coefficients: Vec<Coefficient>,
    /// The model-based covariance of the coefficients: the inverse of the information.
    pub covariance: Covariance,
    /// The fitted probability of each row.
    pub fitted: Vec<f64>,
    /// The log-likelihood, below 0.
    pub log_likelihood: f64,
    /// Minus twice the log-likelihood, for outcomes of single patients.
    pub deviance: f64,
    /// The deviance of a model that gives every row the overall rate.
    pub null_deviance: f64,
    /// Akaike's criterion: the deviance plus twice the number of coefficients.
    pub aic: f64,
    /// Schwarz's criterion: the deviance plus the number of coefficients times the logarithm of the number of rows.
    pub bic: f64,
    /// Rows.
    pub rows: u64,
    /// Rows with the event.
    pub events: u64,
    /// Steps taken.
    pub iterations: u32,
    /// The options of the search.
    pub options: LogisticOptions,
}

impl LogisticFit {
    /// The estimates alone, as [`predict`] wants them.
    pub fn estimates(&self) -> Vec<f64> {
        self.coefficients.iter().map(|coefficient| coefficient.estimate).collect()
    }
}

/// Fits a logistic model of a yes/no outcome.
///
/// Newton's method from coefficients of 0, a step being halved while it lowers the likelihood. The intercept is a column
/// of ones in the design.
///
/// Source: Agresti A. Categorical Data Analysis, 3rd ed. Wiley, 2013, section 5.5. On separation: Albert A, Anderson JA. On
/// the existence of maximum likelihood estimates in logistic regression models. Biometrika
/// 1984;71:1–10. It is recognised when the likelihood has settled while the log odds of some row still run away.
///
/// # Errors
///
/// [`StatisticsError::LengthMismatch`]; [`StatisticsError::NotComputable`] when all outcomes are the same;
/// [`StatisticsError::Collinear`] and [`StatisticsError::Separated`] with the column;
/// [`StatisticsError::NotConverged`] when the steps run out; [`StatisticsError::OutOfRange`] for a tolerance that is not
/// above 0.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::{Design, LogisticOptions, logistic};
/// // Six patients: an intercept and the number of prior admissions.
/// let values = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 2.0];
/// let readmitted = [false, false, true, false, true, true];
/// assert!(logistic(&Design::new(&values, 2)?, &readmitted, LogisticOptions::STRICT).is_err(), "separated");
/// let readmitted = [false, true, true, false, true, true];
/// let fit = logistic(&Design::new(&values, 2)?, &readmitted, LogisticOptions::STRICT)?;
/// assert!(fit.coefficients[1].estimate > 0.0);
/// assert!((fit.fitted.iter().sum::<f64>() - 4.0).abs() < 1e-9, "a fit expects as many events as there were");
/// # Ok(())
/// # }
/// ```
pub fn logistic(design: &Design, outcome: &[bool], options: LogisticOptions) -> Result<LogisticFit> {
    fit(design, outcome, None, options)
}

/// Fits a logistic model with `offset` added to the log odds of each row: a part of the model that is known already.
///
/// [`LogisticFit::null_deviance`] is still that of the overall rate without offset.
///
/// # Errors
///
/// As [`logistic`]; [`StatisticsError::ValueNotFinite`] for the offset.
pub fn logistic_with_offset(
    design: &Design,
    outcome: &[bool],
    offset: &[f64],
    options: LogisticOptions,
) -> Result<LogisticFit> {
    super::same_length("the offset", offset.len(), design.rows())?;
    if let Some((index, &value)) = offset.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    fit(design, outcome, Some(offset), options)
}

/// Returns the probability that a model with these coefficients gives each row of a design.
///
/// # Errors
///
/// As [`Design::linear_predictor`].
pub fn predict(design: &Design, coefficients: &[f64]) -> Result<Vec<f64>> {
    let mut predicted = design.linear_predictor(coefficients)?;
    predicted.par_iter_mut().for_each(|value| *value = super::probability(*value));
    Ok(predicted)
}

fn fit(design: &Design, outcome: &[bool], offset: Option<&[f64]>, options: LogisticOptions) -> Result<LogisticFit> {
    super::same_length("the outcome", outcome.len(), design.rows())?;
    if !(options.tolerance > 0.0 && options.tolerance <= 1e-3) {
        let (value, range) = (options.tolerance, "above 0 and at most 0.001 standard errors");
        return Err(StatisticsError::OutOfRange { what: "the tolerance of a logistic model", value, range });
    }
    let (rows, events) = (super::count(outcome.len()), super::events(outcome));
    if events == 0 || events == rows {
        let because = "all outcomes are the same";
        return Err(StatisticsError::NotComputable { what: "a logistic model", because });
    }
    let found = Search { design, outcome, offset, options }.run()?;
    let mut fitted: Vec<f64> = design.values().par_chunks(design.columns()).map(|row| dot(row, &found.at)).collect();
    if let Some(offset) = offset {
        fitted.par_iter_mut().zip(offset).for_each(|(value, offset)| *value += offset);
    }
    fitted.par_iter_mut().for_each(|value| *value = super::probability(*value));

    let covariance = Covariance::of(&found.inverse);
    let (n, y) = (rows as f64, events as f64);
    let deviance = -2.0 * found.curvature.log_likelihood;
    let parameters = design.columns() as f64;
    Ok(LogisticFit {
        coefficients: Coefficient::table(&found.at, &covariance)?,
        covariance,
        fitted,
        log_likelihood: found.curvature.log_likelihood,
        deviance,
        null_deviance: -2.0 * (y * (y / n).ln() + (n - y) * ((n - y) / n).ln()),
        aic: deviance + 2.0 * parameters,
        bic: deviance + parameters * n.ln(),
        rows,
        events,
        iterations: found.iterations,
        options,
    })
}

/// Newton's search for the largest likelihood.
struct Search<'a> {
    design: &'a Design<'a>,
    outcome: &'a [bool],
    offset: Option<&'a [f64]>,
    options: LogisticOptions,
}

/// Where the search ended.
struct Found {
    at: Vec<f64>,
    curvature: Curvature,
    inverse: DMatrix<f64>,
    iterations: u32,
}

impl Search<'_> {
    fn run(&self) -> Result<Found> {
        let mut at = vec![0.0; self.design.columns()];
        let mut here = self.curvature(&at);
        let mut step = DVector::zeros(at.len());
        let mut shortest = f64::INFINITY;
        for iterations in 0..=self.options.max_iterations {
            let inverse = linear::inverse(&here.information).map_err(|error| self.singular(error, &at, &step))?;
            let score = DVector::from_column_slice(&here.score);
            step = &inverse * &score;
            // The squared length of the step in standard errors (Newton's decrement).
            let length = step.dot(&score).max(0.0).sqrt();
            if length < NEAR_THE_END {
                if self.moves(&step) {
                    return Err(self.separated(&step));
                }
                // Rounding in the score of badly scaled columns can keep steps from shrinking any further.
                if length <= self.options.tolerance || length >= shortest {
                    return Ok(Found { at, curvature: here, inverse, iterations });
                }
            }
            shortest = shortest.min(length);
            (at, here) = self.advance(&at, &here, &step)?;
        }
        if self.moves(&step) { Err(self.separated(&step)) } else { Err(NOT_CONVERGED) }
    }

    /// Takes the step, or the largest half, quarter, … of it that does not lower the likelihood.
    fn advance(&self, at: &[f64], here: &Curvature, step: &DVector<f64>) -> Result<(Vec<f64>, Curvature)> {
        let lowest = here.log_likelihood - 1e-12 * here.log_likelihood.abs();
        let mut share = 1.0;
        for _ in 0..40 {
            let next: Vec<f64> = at.iter().zip(step.iter()).map(|(value, step)| value + share * step).collect();
            let there = self.curvature(&next);
            if there.log_likelihood >= lowest {
                return Ok((next, there));
            }
            share /= 2.0;
        }
        Err(NOT_CONVERGED)
    }

    fn curvature(&self, at: &[f64]) -> Curvature {
        curvature(self.design, self.outcome, self.offset, at)
    }

    /// Whether the step moves the log odds of some row by much.
    fn moves(&self, step: &DVector<f64>) -> bool {
        self.design.iter_rows().any(|row| dot(row, step.as_slice()).abs() > STILL_MOVING)
    }

    /// What a singular information means: at coefficients of 0 all rows weigh the same and columns depend on each other;
    /// later, rows may have lost their weight because their log odds run away.
    fn singular(&self, error: StatisticsError, at: &[f64], step: &DVector<f64>) -> StatisticsError {
        let extreme = self.design.iter_rows().any(|row| dot(row, at).abs() > EXTREME_LOG_ODDS);
        if extreme { self.separated(step) } else { error }
    }

    /// Names the column that the step moves furthest over its own range; the intercept, whose range is 0, only when it
    /// is alone.
    fn separated(&self, step: &DVector<f64>) -> StatisticsError {
        let columns = self.design.columns();
        let (mut low, mut high) = (vec![f64::INFINITY; columns], vec![f64::NEG_INFINITY; columns]);
        for row in self.design.iter_rows() {
            for ((low, high), value) in low.iter_mut().zip(&mut high).zip(row) {
                (*low, *high) = (low.min(*value), high.max(*value));
            }
        }
        let reach = |column: usize| step[column].abs() * (high[column] - low[column]);
        let column = (0..columns).max_by(|a, b| reach(*a).total_cmp(&reach(*b))).unwrap_or(0);
        StatisticsError::Separated { column }
    }
}

const NOT_CONVERGED: StatisticsError = StatisticsError::NotConverged { what: "a logistic model" };

#[cfg(test)]
mod tests {
    use super::*;

    fn with_intercept(x: &[f64]) -> Vec<f64> {
        x.iter().flat_map(|&x| [1.0, x]).collect()
    }

    #[test]
    fn outcomes_must_differ_and_match_the_design() -> Result<()> {
        let values = with_intercept(&[1.0, 2.0, 3.0]);
        let design = Design::new(&values, 2)?;
        for constant in [[true; 3], [false; 3]] {
            let refused = logistic(&design, &constant, LogisticOptions::STRICT);
            assert!(matches!(refused, Err(StatisticsError::NotComputable { .. })));
        }
        let short = logistic(&design, &[true, false], LogisticOptions::STRICT);
        assert!(matches!(short, Err(StatisticsError::LengthMismatch { found: 2, expected: 3, .. })));
        Ok(())
    }

    #[test]
    fn a_two_by_two_table_gives_its_log_odds_ratio() -> Result<()> {
        // 10 of 40 exposed and 5 of 60 unexposed with the event.
        let (mut x, mut outcome) = (Vec::new(), Vec::new());
        for (exposed, event, times) in [(1.0, true, 10), (1.0, false, 30), (0.0, true, 5), (0.0, false, 55)] {
            x.extend(std::iter::repeat_n(exposed, times));
            outcome.extend(std::iter::repeat_n(event, times));
        }
        let values = with_intercept(&x);
        let fit = logistic(&Design::new(&values, 2)?, &outcome, LogisticOptions::STRICT)?;
        let ratio = (10.0 * 55.0 / (30.0 * 5.0_f64)).ln();
        let error = (1.0 / 10.0 + 1.0 / 30.0 + 1.0 / 5.0 + 1.0 / 55.0_f64).sqrt();
        assert!((fit.coefficients[1].estimate - ratio).abs() < 1e-12);
        assert!((fit.coefficients[1].standard_error - error).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn separation_is_reported_with_its_column() -> Result<()> {
        // Complete: everyone above 75 was readmitted. Quasi-complete: nobody of a rare group was.
        let ages: Vec<f64> = (60..90).map(f64::from).collect();
        let outcome: Vec<bool> = ages.iter().map(|&age| age > 75.0).collect();
        let values = with_intercept(&ages);
        let complete = logistic(&Design::new(&values, 2)?, &outcome, LogisticOptions::STRICT);
        assert_eq!(complete.map(|_| ()), Err(StatisticsError::Separated { column: 1 }));

        let values: Vec<f64> =
            (0..400).flat_map(|i| [1.0, f64::from(i % 7), f64::from(u8::from(i % 50 == 0))]).collect();
        let outcome: Vec<bool> = (0..400).map(|i| i % 50 != 0 && i % 3 == 0).collect();
        let quasi = logistic(&Design::new(&values, 3)?, &outcome, LogisticOptions::STRICT);
        assert_eq!(quasi.map(|_| ()), Err(StatisticsError::Separated { column: 2 }));
        Ok(())
    }

    #[test]
    fn collinear_columns_are_named_and_nearly_collinear_ones_fitted() -> Result<()> {
        let outcome: Vec<bool> = (0..200).map(|i| i % 3 == 0 || i % 7 == 0).collect();
        let values: Vec<f64> = (0..200).flat_map(|i| [1.0, f64::from(i), f64::from(2 * i + 3)]).collect();
        let refused = logistic(&Design::new(&values, 3)?, &outcome, LogisticOptions::STRICT);
        assert_eq!(refused.map(|_| ()), Err(StatisticsError::Collinear { column: 2 }));
        // A calendar year beside an intercept is all but constant.
        let values: Vec<f64> = (0..200).flat_map(|i| [1.0, f64::from(2020 + i % 5)]).collect();
        let fit = logistic(&Design::new(&values, 2)?, &outcome, LogisticOptions::STRICT)?;
        assert!((fit.fitted.iter().sum::<f64>() - fit.events as f64).abs() < 1e-6);
        Ok(())
    }
}
