//! Intervals of a rate: events over an exposure such as person-days, the events taken as a Poisson count.

use super::{Interval, Method, two_sided_error, within_exact_limit};
use crate::quantile::{gamma_lower, gamma_upper, normal_two_sided};
use crate::{Result, StatisticsError};

/// Computes the exact (Garwood) interval of the rate `count / exposure`.
///
/// With χ² quantiles, the limits of the count are `½ χ²(α/2; 2x)` and `½ χ²(1 − α/2; 2x + 2)`; both are divided by the
/// exposure. The lower limit of no events is 0. The rate is per one unit of exposure: see [`Interval::scaled`].
///
/// Source: Garwood F. Fiducial limits for the Poisson distribution. Biometrika 1936;28:437–442; in the χ² form, Ulm K. A
/// simple method to calculate the confidence interval of a standardized mortality ratio. Am J Epidemiol
/// 1990;131:373–375.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ExposureNotPositive`],
/// [`StatisticsError::CountTooLarge`] above [`super::EXACT_COUNT_LIMIT`], [`StatisticsError::NotFinite`] when an
/// exposure near zero makes the rate overflow.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let per_person_day = carecoord_statistics::intervals::poisson_exact_rate(4, 55.0, 0.95)?;
/// assert_eq!(per_person_day.method.name(), "poisson_exact");
/// assert!((per_person_day.scaled(1000.0)?.upper - 186.2107).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn poisson_exact_rate(count: u64, exposure: f64, confidence: f64) -> Result<Interval> {
    let tail = two_sided_error(confidence)? / 2.0;
    checked_exposure(exposure)?;
    within_exact_limit("the count of events", count)?;
    let x = count as f64;
    // Half a χ² variable on 2k degrees of freedom is a gamma variable of shape k.
    let lower = if count == 0 { 0.0 } else { gamma_lower(x, tail)? };
    let upper = gamma_upper(x + 1.0, tail)?;
    Interval::checked(x / exposure, lower / exposure, upper / exposure, confidence, Method::PoissonExact)
}

/// Computes Byar's approximation to the exact interval of the rate `count / exposure`.
///
/// The limits of the count `x` are `x (1 − 1/(9x) − z/(3√x))³` and `(x + 1) (1 − 1/(9(x + 1)) + z/(3√(x + 1)))³`. It is
/// close to exact from about ten events; below, prefer [`poisson_exact_rate`]. A lower limit that would be negative,
/// which happens with no events or with very few at a high confidence, is refused.
///
/// Source: Breslow NE, Day NE. Statistical Methods in Cancer Research, vol. II: The Design and Analysis of Cohort
/// Studies. IARC, 1987, p. 69, eq. 2.13.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ExposureNotPositive`],
/// [`StatisticsError::ByarBelowZero`], [`StatisticsError::NotFinite`] when an exposure near zero makes the rate overflow.
pub fn byar_rate(count: u64, exposure: f64, confidence: f64) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    checked_exposure(exposure)?;
    let x = count as f64;
    let shrink = 1.0 - 1.0 / (9.0 * x) - z / (3.0 * x.sqrt());
    if count == 0 || shrink < 0.0 {
        return Err(StatisticsError::ByarBelowZero { count, confidence });
    }
    let next = x + 1.0;
    let grow = 1.0 - 1.0 / (9.0 * next) + z / (3.0 * next.sqrt());
    let (lower, upper) = (x * shrink.powi(3), next * grow.powi(3));
    Interval::checked(x / exposure, lower / exposure, upper / exposure, confidence, Method::Byar)
}

/// Below this many events Byar's approximation gives way to the exact interval in [`byar_or_exact_rate`].
pub const BYAR_FROM: u64 = 10;

/// How the limits of a count of events are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountMethod {
    /// [`poisson_exact_rate`] always.
    Exact,
    /// [`byar_rate`] always.
    Byar,
    /// [`byar_or_exact_rate`]: exact below [`BYAR_FROM`] events, Byar's from there on.
    ByarOrExact,
}

impl CountMethod {
    /// Computes the interval of `count / exposure` in this way; the interval names the method that was used.
    ///
    /// # Errors
    ///
    /// As [`poisson_exact_rate`] and [`byar_rate`].
    pub fn rate(self, count: u64, exposure: f64, confidence: f64) -> Result<Interval> {
        match self {
            Self::Exact => poisson_exact_rate(count, exposure, confidence),
            Self::Byar => byar_rate(count, exposure, confidence),
            Self::ByarOrExact => byar_or_exact_rate(count, exposure, confidence),
        }
    }
}

/// Computes the interval of the rate `count / exposure`, exact below [`BYAR_FROM`] events and by Byar's approximation
/// from there on. The interval names the one that was used.
///
/// This is the convention of English public health statistics. The exact interval alone is as good at any count; this one
/// is for tables that must agree with theirs.
///
/// Source: Public Health England. Technical Guide: Confidence Intervals. 2018, section on rates; the intervals are those
/// of [`poisson_exact_rate`] and [`byar_rate`].
///
/// # Errors
///
/// As [`poisson_exact_rate`] and [`byar_rate`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Method, byar_or_exact_rate};
/// assert_eq!(byar_or_exact_rate(9, 820.0, 0.95)?.method, Method::PoissonExact);
/// assert_eq!(byar_or_exact_rate(10, 820.0, 0.95)?.method, Method::Byar);
/// # Ok(())
/// # }
/// ```
pub fn byar_or_exact_rate(count: u64, exposure: f64, confidence: f64) -> Result<Interval> {
    if count < BYAR_FROM {
        poisson_exact_rate(count, exposure, confidence)
    } else {
        byar_rate(count, exposure, confidence)
    }
}

pub(super) fn checked_exposure(exposure: f64) -> Result<()> {
    if exposure.is_finite() && exposure > 0.0 {
        return Ok(());
    }
    Err(StatisticsError::ExposureNotPositive { exposure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exposure_is_a_finite_number_above_zero() {
        for exposure in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for method in [poisson_exact_rate, byar_rate] {
                assert!(matches!(method(3, exposure, 0.95), Err(StatisticsError::ExposureNotPositive { .. })));
            }
        }
        assert!(matches!(
            poisson_exact_rate(3, f64::MIN_POSITIVE, 0.95),
            Ok(_) | Err(StatisticsError::NotFinite { .. })
        ));
        assert!(matches!(poisson_exact_rate(1000, 1e-308, 0.95), Err(StatisticsError::NotFinite { .. })));
    }

    #[test]
    fn no_events_give_a_lower_limit_of_zero_and_the_rule_of_three_above() -> Result<()> {
        let none = poisson_exact_rate(0, 1.0, 0.95)?;
        assert!(none.value == 0.0 && none.lower == 0.0);
        assert!((none.upper - -(0.025_f64.ln())).abs() < 1e-12, "the upper limit of none is -ln(α/2)");
        assert_eq!(byar_rate(0, 1.0, 0.95), Err(StatisticsError::ByarBelowZero { count: 0, confidence: 0.95 }));
        Ok(())
    }

    #[test]
    fn limits_enclose_the_rate_and_widen_with_confidence() -> Result<()> {
        for method in [poisson_exact_rate, byar_rate] {
            for count in [2, 10, 11, 37, 389, 2500, 1_000_000] {
                let mut inner = method(count, 12.5, 0.5)?;
                for confidence in [0.8, 0.9, 0.95] {
                    let outer = method(count, 12.5, confidence)?;
                    assert!(0.0 <= outer.lower && outer.lower < outer.value && outer.value < outer.upper, "{outer:?}");
                    assert!(outer.lower < inner.lower && inner.upper < outer.upper, "{outer:?}");
                    inner = outer;
                }
            }
        }
        Ok(())
    }

    #[test]
    fn byar_approaches_the_exact_limits_as_events_grow() -> Result<()> {
        let (exact, byar) = (poisson_exact_rate(1_000_000, 1.0, 0.95)?, byar_rate(1_000_000, 1.0, 0.95)?);
        assert!((exact.lower / byar.lower - 1.0).abs() < 1e-7 && (exact.upper / byar.upper - 1.0).abs() < 1e-7);
        assert!(matches!(poisson_exact_rate(u64::MAX, 1.0, 0.95), Err(StatisticsError::CountTooLarge { .. })));
        poisson_exact_rate(super::super::EXACT_COUNT_LIMIT, 1.0, 0.95)?;
        byar_rate(u64::MAX, 1.0, 0.95)?;
        Ok(())
    }

    #[test]
    fn extreme_levels_give_numbers() -> Result<()> {
        for confidence in [f64::MIN_POSITIVE, 1e-9, 1.0 - 1e-16] {
            for count in [0, 1, 2, 1000] {
                poisson_exact_rate(count, 1.0, confidence)?;
            }
        }
        Ok(())
    }
}
