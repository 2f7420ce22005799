//! Whether predicted risks are as high as they say.

use statrs::function::gamma::checked_gamma_ur;

use super::coefficient::Coefficient;
use super::design::Design;
use super::logistic::{LogisticOptions, logistic, logistic_with_offset};
use crate::{Result, StatisticsError};

/// One group of patients of similar risk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskGroup {
    /// The lowest prediction in the group.
    pub lowest: f64,
    /// The highest prediction in the group.
    pub highest: f64,
    /// Patients.
    pub rows: u64,
    /// Patients with the event.
    pub observed: u64,
    /// Events expected: the sum of the predictions.
    pub expected: f64,
}

/// Which patients a model is checked on; it decides the degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HosmerLemeshowSample {
    /// Those that the model was fitted to: groups − 2.
    Development,
    /// Others: the number of groups.
    Validation,
}

/// The table and the test of Hosmer and Lemeshow.
#[derive(Debug, Clone, PartialEq)]
pub struct HosmerLemeshow {
    /// The groups from the lowest to the highest risk.
    pub groups: Vec<RiskGroup>,
    /// How many groups were asked for; there are fewer when ties join them.
    pub groups_asked: u64,
    /// The statistic: the sum over groups of `(O − E)² / (E (1 − E/n))`.
    pub statistic: f64,
    /// Degrees of freedom of its χ² distribution.
    pub freedom: u64,
    /// The probability of a statistic this large if the model is right.
    pub p_value: f64,
    /// Which degrees of freedom were used.
    pub sample: HosmerLemeshowSample,
}

/// Groups patients by predicted risk, as a rule into ten, and compares observed with expected events in each.
///
/// The cut points are quantiles of the predictions (interpolated between neighbours, Hyndman and Fan's type 7). **A
/// prediction that equals a cut point belongs to the group below it; equal predictions are never split.** With many ties
/// groups can be missing; the test uses those that are there. With very many patients the test finds deviations of no
/// importance: look at the table.
///
/// Source: Hosmer DW, Lemeshow S, Sturdivant RX. Applied Logistic Regression, 3rd ed. Wiley, 2013, section 5.2.2
/// (statistic, g − 2 degrees of freedom) and 5.5 (other patients).
///
/// # Errors
///
/// [`StatisticsError::Empty`]; [`StatisticsError::LengthMismatch`]; [`StatisticsError::OutOfRange`] for a prediction that is
/// not a probability, or fewer than 3 groups asked; [`StatisticsError::TooFew`] for fewer rows than groups;
/// [`StatisticsError::NotComputable`] when ties leave fewer than 3 groups or a group's predictions are all 0 or all 1.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::{HosmerLemeshowSample, hosmer_lemeshow};
/// let predicted: Vec<f64> = (1..=100).map(|i| f64::from(i) / 101.0).collect();
/// let outcome: Vec<bool> = (1..=100).map(|i| i % 2 == 0 || i > 80).collect();
/// let table = hosmer_lemeshow(&outcome, &predicted, 10, HosmerLemeshowSample::Validation)?;
/// assert_eq!((table.groups.len(), table.freedom), (10, 10));
/// # Ok(())
/// # }
/// ```
pub fn hosmer_lemeshow(
    outcome: &[bool],
    predicted: &[f64],
    groups: usize,
    sample: HosmerLemeshowSample,
) -> Result<HosmerLemeshow> {
    if outcome.is_empty() {
        return Err(StatisticsError::Empty { what: "a Hosmer–Lemeshow table" });
    }
    super::same_length("the predictions", predicted.len(), outcome.len())?;
    super::probabilities(predicted)?;
    if groups < 3 {
        let (what, range) = ("the number of risk groups", "at least 3");
        return Err(StatisticsError::OutOfRange { what, value: groups as f64, range });
    }
    if outcome.len() < groups {
        let (found, needed) = (super::count(outcome.len()), super::count(groups));
        return Err(StatisticsError::TooFew { what: "a Hosmer–Lemeshow table", found, needed });
    }
    let refused = |because| Err(StatisticsError::NotComputable { what: "the Hosmer–Lemeshow test", because });
    let table = risk_groups(outcome, predicted, groups);
    if table.len() < 3 {
        return refused("equal predictions leave fewer than 3 groups");
    }
    let mut statistic = 0.0;
    for group in &table {
        let variance = group.expected * (1.0 - group.expected / group.rows as f64);
        if variance <= 0.0 {
            return refused("the predictions of a group are all 0 or all 1");
        }
        statistic += (group.observed as f64 - group.expected).powi(2) / variance;
    }
    let freedom = super::count(table.len())
        - match sample {
            HosmerLemeshowSample::Development => 2,
            HosmerLemeshowSample::Validation => 0,
        };
    if !statistic.is_finite() {
        return Err(StatisticsError::NotFinite { what: "the Hosmer–Lemeshow statistic", value: statistic });
    }
    let p_value = if statistic > 0.0 {
        checked_gamma_ur(freedom as f64 / 2.0, statistic / 2.0)
            .map_err(|_| StatisticsError::NotConverged { what: "the Hosmer–Lemeshow p value" })?
    } else {
        1.0
    };
    Ok(HosmerLemeshow { groups: table, groups_asked: super::count(groups), statistic, freedom, p_value, sample })
}

/// The patients cut at the quantiles of their predictions; groups that ties leave empty are left out.
fn risk_groups(outcome: &[bool], predicted: &[f64], groups: usize) -> Vec<RiskGroup> {
    let mut pairs: Vec<(f64, bool)> = predicted.iter().copied().zip(outcome.iter().copied()).collect();
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut table = Vec::with_capacity(groups);
    let mut rest = pairs.as_slice();
    for cut in 1..=groups {
        // Type 7: the quantile lies at (n − 1) k / g, counted from 0, between two neighbours.
        let place = (pairs.len() - 1) * cut;
        let (below, share) = (place / groups, (place % groups) as f64 / groups as f64);
        let low = pairs[below].0;
        let high = pairs.get(below + 1).map_or(low, |pair| pair.0);
        let point = low + share * (high - low);
        let (here, later) = rest.split_at(rest.partition_point(|pair| pair.0 <= point));
        rest = later;
        if let (Some(first), Some(last)) = (here.first(), here.last()) {
            table.push(RiskGroup {
                lowest: first.0,
                highest: last.0,
                rows: super::count(here.len()),
                observed: here.iter().map(|&(_, event)| u64::from(event)).sum(),
                expected: here.iter().map(|pair| pair.0).sum(),
            });
        }
    }
    table
}

/// The calibration intercept and slope of a model, as a rule on other patients than it was fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationLine {
    /// The intercept with the slope held at 1 (calibration in the large): 0 is ideal; above 0, risks were predicted too
    /// low.
    pub intercept: Coefficient,
    /// The slope of the log odds of the outcome on the predicted log odds: 1 is ideal; below 1, predictions are too
    /// extreme.
    pub slope: Coefficient,
    /// The intercept fitted together with the slope.
    pub intercept_with_slope: Coefficient,
}

/// Regresses the outcome on the predicted log odds. The `z` and `p_value` of a coefficient test it against 0, for the slope
/// too.
///
/// Source: Cox DR. Two further applications of a model for binary regression. Biometrika 1958;45:562–565; Van Calster B,
/// et al. Calibration: the Achilles heel of predictive analytics. BMC Med 2019;17:230.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for a prediction that is not strictly between 0 and 1, whose log odds are infinite; as
/// [`logistic`]: equal predictions are collinear with the intercept (column 1).
pub fn calibration_line(outcome: &[bool], predicted: &[f64], options: LogisticOptions) -> Result<CalibrationLine> {
    super::same_length("the predictions", predicted.len(), outcome.len())?;
    if let Some(&value) = predicted.iter().find(|p| !(**p > 0.0 && **p < 1.0)) {
        let (what, range) = ("a predicted probability", "between 0 and 1, both excluded");
        return Err(StatisticsError::OutOfRange { what, value, range });
    }
    let log_odds: Vec<f64> = predicted.iter().map(|p| p.ln() - (-p).ln_1p()).collect();
    let ones = vec![1.0; outcome.len()];
    let line: Vec<f64> = log_odds.iter().flat_map(|&value| [1.0, value]).collect();
    let large = logistic_with_offset(&Design::new(&ones, 1)?, outcome, &log_odds, options)?;
    let both = logistic(&Design::new(&line, 2)?, outcome, options)?;
    match (large.coefficients.as_slice(), both.coefficients.as_slice()) {
        (&[intercept], &[intercept_with_slope, slope]) => {
            Ok(CalibrationLine { intercept, slope, intercept_with_slope })
        }
        _ => Err(StatisticsError::NotConverged { what: "a calibration line" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_predictions_stay_together() -> Result<()> {
        // 60 of 100 patients share a risk: deciles 1 to 6 become one group.
        let predicted: Vec<f64> = (0..100).map(|i| if i < 60 { 0.1 } else { 0.2 + f64::from(i) / 200.0 }).collect();
        let outcome: Vec<bool> = (0..100).map(|i| i % 4 == 0).collect();
        let table = hosmer_lemeshow(&outcome, &predicted, 10, HosmerLemeshowSample::Development)?;
        assert_eq!(table.groups.iter().map(|group| group.rows).collect::<Vec<_>>(), [60, 10, 10, 10, 10]);
        assert_eq!((table.groups_asked, table.freedom), (10, 3));
        assert!(hosmer_lemeshow(&outcome, &[0.3; 100], 10, HosmerLemeshowSample::Development).is_err());
        Ok(())
    }

    #[test]
    fn a_model_checked_on_its_own_patients_lies_on_the_line() -> Result<()> {
        let values: Vec<f64> = (0..300).flat_map(|i| [1.0, f64::from(i % 11)]).collect();
        let outcome: Vec<bool> = (0..300).map(|i| (i * 7) % 13 < i % 11).collect();
        let fit = logistic(&Design::new(&values, 2)?, &outcome, LogisticOptions::STRICT)?;
        let line = calibration_line(&outcome, &fit.fitted, LogisticOptions::STRICT)?;
        assert!(line.intercept.estimate.abs() < 1e-9 && line.intercept_with_slope.estimate.abs() < 1e-9);
        assert!((line.slope.estimate - 1.0).abs() < 1e-9);
        // Halved risks call for a positive intercept.
        let halved: Vec<f64> = fit.fitted.iter().map(|p| p / 2.0).collect();
        assert!(calibration_line(&outcome, &halved, LogisticOptions::STRICT)?.intercept.estimate > 0.5);
        assert!(calibration_line(&outcome, &[0.0; 300], LogisticOptions::STRICT).is_err());
        Ok(())
    }
}
