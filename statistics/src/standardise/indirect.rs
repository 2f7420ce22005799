//! The indirectly standardised ratio and rate: observed against expected events.

use crate::intervals::{CountMethod, Interval};
use crate::{Result, StatisticsError};

const WHAT: &str = "an indirectly standardised ratio";

/// One stratum of the group with the reference's events and population in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReferenceStratum {
    /// The group's population or person-time, 0 or more.
    pub population: f64,
    /// Events of the reference.
    pub reference_events: u64,
    /// Population or person-time of the reference, above 0.
    pub reference_population: f64,
}

/// An indirectly standardised ratio and rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndirectRate {
    /// Observed over expected events, per the ratio's multiplier (1, or 100).
    pub ratio: Interval,
    /// The ratio times the reference's crude rate, per the rate's multiplier.
    pub rate: Interval,
    /// Events observed in the group.
    pub observed: u64,
    /// Events that the reference's rates would give.
    pub expected: f64,
    /// The reference's crude rate, per the rate's multiplier.
    pub reference_rate: f64,
    /// What the ratio is expressed per.
    pub ratio_multiplier: f64,
    /// What the rates are expressed per.
    pub rate_multiplier: f64,
}

/// Computes the events that the group would have at the reference's rates: `Σ nᵢ · Xᵢ / Nᵢ`.
///
/// Source: Breslow NE, Day NE. Statistical Methods in Cancer Research, vol. II. IARC, 1987, p. 65.
///
/// # Errors
///
/// [`StatisticsError::Empty`]; [`StatisticsError::ExposureNotPositive`] for a population of the reference;
/// [`StatisticsError::OutOfRange`] for one of the group.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::standardise::{ReferenceStratum, expected_events};
/// let strata = [ReferenceStratum { population: 50.0, reference_events: 200, reference_population: 1_000.0 }];
/// assert_eq!(expected_events(&strata)?, 10.0);
/// # Ok(())
/// # }
/// ```
pub fn expected_events(strata: &[ReferenceStratum]) -> Result<f64> {
    if strata.is_empty() {
        return Err(StatisticsError::Empty { what: WHAT });
    }
    let mut expected = 0.0;
    for stratum in strata {
        if !(stratum.reference_population.is_finite() && stratum.reference_population > 0.0) {
            return Err(StatisticsError::ExposureNotPositive { exposure: stratum.reference_population });
        }
        if !(stratum.population.is_finite() && stratum.population >= 0.0) {
            return Err(StatisticsError::OutOfRange {
                what: "the population of a stratum",
                value: stratum.population,
                range: "a finite number, 0 or above",
            });
        }
        expected += stratum.population * (stratum.reference_events as f64 / stratum.reference_population);
    }
    Ok(expected)
}

/// Computes the ratio of `observed` events to those expected at the reference's rates, and that ratio times the
/// reference's crude rate, with the interval of a Poisson count over the expected events taken as known.
///
/// The ratio is expressed per `ratio_multiplier` (1 or 100), the rate per `rate_multiplier` (such as 100,000). The
/// interval names the method used. Ratios of two groups are not comparable with each other unless their structure is
/// alike.
///
/// Source: Breslow NE, Day NE. Statistical Methods in Cancer Research, vol. II. IARC, 1987, p. 69; Ulm K. Am J Epidemiol
/// 1990;131:373–375.
///
/// # Errors
///
/// As [`expected_events`]; [`StatisticsError::NotComputable`] when no events are expected; those of `method`, see
/// [`CountMethod::rate`]; [`StatisticsError::MultiplierNotPositive`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::{intervals::CountMethod, standardise::{ReferenceStratum, indirect}};
/// let strata = [
///     ReferenceStratum { population: 500.0, reference_events: 20, reference_population: 10_000.0 },
///     ReferenceStratum { population: 300.0, reference_events: 90, reference_population: 3_000.0 },
/// ];
/// let found = indirect(15, &strata, CountMethod::Exact, 0.95, 1.0, 1_000.0)?;
/// assert!((found.expected - 10.0).abs() < 1e-12 && (found.ratio.value - 1.5).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
pub fn indirect(
    observed: u64,
    strata: &[ReferenceStratum],
    method: CountMethod,
    confidence: f64,
    ratio_multiplier: f64,
    rate_multiplier: f64,
) -> Result<IndirectRate> {
    let expected = expected_events(strata)?;
    if expected <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what: WHAT,
            because: "the reference's rates let expect no event in this group",
        });
    }
    let events: f64 = strata.iter().map(|stratum| stratum.reference_events as f64).sum();
    let population: f64 = strata.iter().map(|stratum| stratum.reference_population).sum();
    let ratio = method.rate(observed, expected, confidence)?;
    let reference_rate = events / population * rate_multiplier;
    Ok(IndirectRate {
        ratio: ratio.scaled(ratio_multiplier)?,
        rate: ratio.scaled(reference_rate)?,
        observed,
        expected,
        reference_rate,
        ratio_multiplier,
        rate_multiplier,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(population: f64, reference_events: u64, reference_population: f64) -> ReferenceStratum {
        ReferenceStratum { population, reference_events, reference_population }
    }

    #[test]
    fn nothing_expected_is_a_reason() {
        for strata in [vec![stratum(10.0, 0, 100.0)], vec![stratum(0.0, 5, 100.0)]] {
            assert!(matches!(
                indirect(3, &strata, CountMethod::Exact, 0.95, 1.0, 1.0),
                Err(StatisticsError::NotComputable { .. })
            ));
        }
        assert!(expected_events(&[]).is_err());
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(
                expected_events(&[stratum(bad, 1, 1.0)]).is_err() && expected_events(&[stratum(1.0, 1, bad)]).is_err()
            );
        }
        assert!(indirect(3, &[stratum(1.0, 1, 1.0)], CountMethod::Exact, 0.95, 0.0, 1.0).is_err());
        assert!(indirect(3, &[stratum(1.0, 1, 1.0)], CountMethod::Exact, 0.95, 1.0, f64::NAN).is_err());
    }

    #[test]
    fn a_group_like_its_reference_has_its_rate() -> Result<()> {
        let found = indirect(25, &[stratum(100.0, 25, 100.0)], CountMethod::ByarOrExact, 0.95, 100.0, 1_000.0)?;
        assert!((found.ratio.value - 100.0).abs() < 1e-12 && (found.rate.value - 250.0).abs() < 1e-9);
        Ok(())
    }
}
