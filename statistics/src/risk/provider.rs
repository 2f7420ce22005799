//! Providers as CMS compares them: predicted over expected, and the risk-standardised rate.

use super::design::{Design, dot};
use super::groups::Groups;
use super::mixed::MixedFit;
use super::probability;
use crate::{Result, StatisticsError};

/// One provider under a model with random intercepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProviderRatio {
    /// Patients.
    pub rows: u64,
    /// Patients with the event.
    pub observed: u64,
    /// The provider's own intercept, relative to the average provider, in log odds.
    pub intercept: f64,
    /// The standard deviation of that intercept.
    pub intercept_sd: f64,
    /// Events predicted for its patients with its own intercept.
    pub predicted: f64,
    /// Events expected for its patients at the average provider.
    pub expected: f64,
    /// Predicted over expected: the standardised ratio. Below 1 is fewer events than the average provider would have.
    pub ratio: f64,
    /// The ratio times the overall rate: the risk-standardised rate, a fraction (it can pass 1 in theory).
    pub rate: f64,
}

/// Compares the events predicted for each provider with those expected at the average provider.
///
/// The intercept is shrunk towards the average, the more the fewer patients a provider has; a small provider is therefore
/// seldom far from a ratio of 1. `design`, `outcome` and `groups` are those that the model was fitted to; one result a group,
/// in the order of the codes.
///
/// Source: Krumholz HM, et al. An administrative claims measure suitable for profiling hospital performance on the basis of
/// 30-day all-cause readmission rates among patients with heart failure. Circ Cardiovasc Qual Outcomes 2008;1:29–37;
/// Normand S-LT, Glickman ME, Gatsonis CA. Statistical methods for profiling providers of medical care. J Am Stat Assoc
/// 1997;92:803–814.
///
/// # Errors
///
/// [`StatisticsError::LengthMismatch`] when the slices do not belong to the fit.
pub fn standardised_ratios(
    design: &Design,
    outcome: &[bool],
    groups: &Groups,
    fit: &MixedFit,
) -> Result<Vec<ProviderRatio>> {
    super::same_length("the outcome", outcome.len(), design.rows())?;
    super::same_length("the groups", groups.codes().len(), design.rows())?;
    super::same_length("the providers' intercepts", fit.intercepts.len(), groups.count())?;
    let log_odds = design.linear_predictor(&fit.estimates())?;
    let mut sums = vec![(0_u64, 0.0, 0.0); groups.count()];
    for ((&log_odds, &event), &group) in log_odds.iter().zip(outcome).zip(groups.codes()) {
        let sum = &mut sums[group];
        sum.0 += u64::from(event);
        sum.1 += probability(log_odds + fit.intercepts[group].mode);
        sum.2 += probability(log_odds);
    }
    let overall = fit.overall_rate();
    let ratios = sums.into_iter().zip(&fit.intercepts).zip(groups.sizes());
    ratios
        .map(|(((observed, predicted, expected), intercept), &rows)| {
            let ratio = ratio(predicted, expected)?;
            Ok(ProviderRatio {
                rows,
                observed,
                intercept: intercept.mode,
                intercept_sd: intercept.sd,
                predicted,
                expected,
                ratio,
                rate: ratio * overall,
            })
        })
        .collect()
}

/// The ratio of predicted to expected events of one group of rows; for resampled models.
pub(super) fn ratio_of(values: &[f64], columns: usize, coefficients: &[f64], intercept: f64) -> Option<f64> {
    let (mut predicted, mut expected) = (0.0, 0.0);
    for row in values.chunks_exact(columns) {
        let log_odds = dot(row, coefficients);
        predicted += probability(log_odds + intercept);
        expected += probability(log_odds);
    }
    ratio(predicted, expected).ok()
}

fn ratio(predicted: f64, expected: f64) -> Result<f64> {
    let ratio = predicted / expected;
    if expected > 0.0 && ratio.is_finite() {
        return Ok(ratio);
    }
    let because = "no event is expected";
    Err(StatisticsError::NotComputable { what: "a standardised ratio", because })
}

/// A provider's ratio worked out from a published model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedRatio {
    /// Patients.
    pub rows: u64,
    /// Events predicted with the provider's intercept.
    pub predicted: f64,
    /// Events expected with the average intercept.
    pub expected: f64,
    /// Predicted events per patient, a fraction.
    pub predicted_rate: f64,
    /// Expected events per patient, a fraction.
    pub expected_rate: f64,
    /// Predicted over expected: in CMS's program, the excess readmission ratio.
    pub ratio: f64,
}

/// Works out a provider's predicted and expected events and their ratio from published coefficients, as in CMS's
/// hospital-specific reports.
///
/// `risk` is each patient's sum of coefficient times risk factor, without any intercept ([`Design::linear_predictor`]). Both
/// intercepts are whole, in log odds: the provider's own (`HOSP_EFFECT`) and the average (`AVG_EFFECT`).
///
/// Source: Centers for Medicare & Medicaid Services, Hospital Readmissions Reduction Program, Hospital-Specific Report User
/// Guide, fiscal year 2025: replication of the excess readmission ratio.
///
/// # Errors
///
/// [`StatisticsError::Empty`] without patients; [`StatisticsError::ValueNotFinite`]; [`StatisticsError::NotFinite`] for an
/// intercept; [`StatisticsError::NotComputable`] when no event is expected.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::ratio_from_published_intercepts;
/// let hospital = ratio_from_published_intercepts(&[0.4, 0.1, 0.9], -2.1, -2.0)?;
/// assert!(hospital.ratio < 1.0, "its intercept is below the average");
/// # Ok(())
/// # }
/// ```
pub fn ratio_from_published_intercepts(risk: &[f64], own: f64, average: f64) -> Result<PublishedRatio> {
    if risk.is_empty() {
        return Err(StatisticsError::Empty { what: "a standardised ratio" });
    }
    for (what, value) in [("the provider's intercept", own), ("the average intercept", average)] {
        if !value.is_finite() {
            return Err(StatisticsError::NotFinite { what, value });
        }
    }
    if let Some((index, &value)) = risk.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    let sum = |intercept: f64| risk.iter().map(|risk| probability(risk + intercept)).sum::<f64>();
    let (predicted, expected) = (sum(own), sum(average));
    let rows = risk.len() as f64;
    Ok(PublishedRatio {
        rows: super::count(risk.len()),
        predicted,
        expected,
        predicted_rate: predicted / rows,
        expected_rate: expected / rows,
        ratio: ratio(predicted, expected)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_ratio_needs_patients_and_numbers() {
        assert!(ratio_from_published_intercepts(&[], -2.0, -2.0).is_err());
        assert!(ratio_from_published_intercepts(&[f64::NAN], -2.0, -2.0).is_err());
        assert!(ratio_from_published_intercepts(&[0.0], f64::INFINITY, -2.0).is_err());
        assert!(ratio_from_published_intercepts(&[-1e6], -2.0, -2.0).is_err());
        assert!(
            ratio_from_published_intercepts(&[0.3, 0.1], -2.0, -2.0).is_ok_and(|same| (same.ratio - 1.0).abs() < 1e-15)
        );
    }
}
