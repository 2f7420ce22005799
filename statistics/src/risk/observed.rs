//! Observed against expected, provider by provider.

use super::groups::Groups;
use crate::intervals::{Interval, Method, byar_rate, poisson_exact_rate, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// What happened to a provider's patients, and what their risks let us expect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tally {
    /// Patients.
    pub rows: u64,
    /// Patients with the event.
    pub observed: u64,
    /// Events expected: the sum of the predicted probabilities.
    pub expected: f64,
    /// The variance of the number of events if the predictions are right: the sum of `p (1 − p)`.
    pub variance: f64,
}

/// Adds up outcomes and predictions by group; one tally a group, in the order of the codes.
///
/// # Errors
///
/// [`StatisticsError::LengthMismatch`]; [`StatisticsError::OutOfRange`] for a prediction that is not a probability.
pub fn tally(outcome: &[bool], predicted: &[f64], groups: &Groups) -> Result<Vec<Tally>> {
    super::same_length("the outcome", outcome.len(), groups.codes().len())?;
    super::same_length("the predictions", predicted.len(), outcome.len())?;
    super::probabilities(predicted)?;
    let mut tallies = vec![Tally { rows: 0, observed: 0, expected: 0.0, variance: 0.0 }; groups.count()];
    for ((&event, &p), &group) in outcome.iter().zip(predicted).zip(groups.codes()) {
        let tally = &mut tallies[group];
        tally.rows += 1;
        tally.observed += u64::from(event);
        tally.expected += p;
        tally.variance += p * (1.0 - p);
    }
    Ok(tallies)
}

/// The ratio of observed to expected events of one provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservedExpected {
    /// Observed over expected, with exact (Garwood) limits of the observed count; the expected count is taken as known.
    pub exact: Interval,
    /// The same ratio with Byar's limits, or why they do not exist. With no events the lower limit is 0.
    pub byar: Result<Interval>,
    /// The ratio times the overall rate: a fraction, which can pass 1 for a provider of few patients.
    pub risk_adjusted_rate: f64,
    /// `(O − E) / √Σ p(1 − p)`; `None` when the predictions leave no room for chance.
    pub z: Option<f64>,
}

/// Compares observed with expected events.
///
/// `overall_rate` is the rate of all providers together, a fraction; it turns the ratio into a rate.
///
/// Source: Breslow NE, Day NE. Statistical Methods in Cancer Research, vol. II. IARC, 1987, pp. 69–71 (ratio and
/// limits); Iezzoni LI (ed.). Risk Adjustment for Measuring Health Care Outcomes, 4th ed. 2013, ch. 12 (rate and z).
///
/// # Errors
///
/// [`StatisticsError::ZeroDenominator`] without patients; [`StatisticsError::NumeratorExceedsDenominator`];
/// [`StatisticsError::ExposureNotPositive`] unless some events are expected; [`StatisticsError::NegativeVariance`];
/// [`StatisticsError::OutOfRange`] for an overall rate that is not a fraction;
/// [`StatisticsError::ConfidenceOutOfRange`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::{Tally, observed_expected};
/// let clinic = Tally { rows: 80, observed: 12, expected: 9.6, variance: 8.1 };
/// let compared = observed_expected(&clinic, 0.15, 0.95)?;
/// assert!((compared.exact.value - 1.25).abs() < 1e-12 && compared.exact.lower < 1.0);
/// assert!((compared.risk_adjusted_rate - 0.1875).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
pub fn observed_expected(tally: &Tally, overall_rate: f64, confidence: f64) -> Result<ObservedExpected> {
    let Tally { rows, observed, expected, variance } = *tally;
    if rows == 0 {
        return Err(StatisticsError::ZeroDenominator);
    }
    if observed > rows {
        return Err(StatisticsError::NumeratorExceedsDenominator { numerator: observed, denominator: rows });
    }
    if !(0.0..=1.0).contains(&overall_rate) {
        let (what, range) = ("the overall rate", "from 0 to 1");
        return Err(StatisticsError::OutOfRange { what, value: overall_rate, range });
    }
    if !variance.is_finite() {
        return Err(StatisticsError::NotFinite { what: "the variance of the expected count", value: variance });
    }
    if variance < 0.0 {
        return Err(StatisticsError::NegativeVariance { variance });
    }
    let exact = poisson_exact_rate(observed, expected, confidence)?;
    let byar =
        if observed == 0 { byar_of_none(expected, confidence) } else { byar_rate(observed, expected, confidence) };
    let z = (observed as f64 - expected) / variance.sqrt();
    Ok(ObservedExpected {
        exact,
        byar,
        risk_adjusted_rate: exact.value * overall_rate,
        z: (variance > 0.0 && z.is_finite()).then_some(z),
    })
}

/// Byar's limits for no events: the lower formula does not exist, and fewer than none are impossible, so it is 0.
fn byar_of_none(expected: f64, confidence: f64) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    let upper = (1.0 - 1.0 / 9.0 + z / 3.0).powi(3);
    Interval::checked(0.0, 0.0, upper / expected, confidence, Method::Byar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_without_events_has_a_ratio_of_none() -> Result<()> {
        let compared = observed_expected(&Tally { rows: 6, observed: 0, expected: 0.8, variance: 0.7 }, 0.2, 0.95)?;
        assert!(compared.exact.value == 0.0 && compared.byar.is_ok_and(|byar| byar.lower == 0.0 && byar.upper > 4.0));
        Ok(())
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let fine = Tally { rows: 6, observed: 2, expected: 0.8, variance: 0.7 };
        assert!(observed_expected(&Tally { rows: 0, ..fine }, 0.2, 0.95).is_err());
        assert!(observed_expected(&Tally { observed: 7, ..fine }, 0.2, 0.95).is_err());
        for expected in [0.0, -1.0, f64::NAN] {
            let refused = observed_expected(&Tally { expected, ..fine }, 0.2, 0.95);
            assert!(matches!(refused, Err(StatisticsError::ExposureNotPositive { .. })));
        }
        assert!(observed_expected(&Tally { variance: -1.0, ..fine }, 0.2, 0.95).is_err());
        assert!(observed_expected(&fine, 20.0, 0.95).is_err());
        assert_eq!(observed_expected(&Tally { variance: 0.0, ..fine }, 0.2, 0.95).map(|compared| compared.z), Ok(None));
    }
}
