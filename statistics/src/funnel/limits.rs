//! Control limits about a target at a size.

use super::figure::{Figure, ProportionLimits, RatioLimits};
use super::position::{Levels, Limits};
use crate::intervals::{EXACT_COUNT_LIMIT, binomial::Binomial};
use crate::quantile::{gamma_lower, gamma_upper, normal_two_sided};
use crate::{Result, StatisticsError};

/// The logarithm of the smallest number that a float tells from 0.
const LN_SMALLEST: f64 = -744.0;

/// Computes the control limits of a site of this `size` (units, expected events, exposure, or second count) about the
/// `target`, in the unit of the figure.
///
/// Source: Spiegelhalter DJ. Funnel plots for comparing institutional performance. Stat Med 2005;24:1185–1202, appendix
/// A.1; the exact limits of a Poisson count are [`crate::intervals::poisson_exact_rate`]'s.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for a size not above 0, not whole where it must be, a target at which nothing varies,
/// or levels in the wrong order; [`StatisticsError::ConfidenceOutOfRange`]; [`StatisticsError::CountTooLarge`] for exact
/// limits of a proportion; [`StatisticsError::NotFinite`] on overflow.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::funnel::{Figure, Levels, RatioLimits, RatioTransform, control_limits};
/// let ratio = Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::Log };
/// let limits = control_limits(ratio, 1.0, 15.0, Levels::USUAL)?;
/// assert!(limits.alert_low > 0.5 && limits.alarm_high < 2.5);
/// # Ok(())
/// # }
/// ```
pub fn control_limits(figure: Figure, target: f64, size: f64, levels: Levels) -> Result<Limits> {
    check_size(size)?;
    figure.check_target(target)?;
    match figure {
        Figure::Proportion { limits: ProportionLimits::Wilson } => Limits::pairs(levels, |error| {
            let half = normal_two_sided(error) * (target * (1.0 - target) / size).sqrt();
            Ok(((target - half).max(0.0), (target + half).min(1.0)))
        }),
        Figure::Proportion { limits: ProportionLimits::BinomialExact } => {
            let units = whole(size)?;
            let chance = Binomial::new(units, target)?;
            Limits::pairs(levels, |error| Ok(binomial_pair(&chance, units, error / 2.0)))
        }
        Figure::Ratio { limits: RatioLimits::PoissonExact, .. }
        | Figure::Rate { limits: RatioLimits::PoissonExact, .. } => {
            let expected = target * size;
            if expected > EXACT_COUNT_LIMIT as f64 {
                return Err(StatisticsError::OutOfRange {
                    what: "the count of events expected under the target",
                    value: expected,
                    range: "at most ten thousand million for exact limits",
                });
            }
            Limits::pairs(levels, |error| {
                let tail = error / 2.0;
                // With next to no expected events the quantile is about tail^(1/expected), below the smallest number.
                let low = if tail.ln() / expected < LN_SMALLEST { 0.0 } else { gamma_lower(expected, tail)? };
                Ok((low / size, gamma_upper(expected + 1.0, tail)? / size))
            })
        }
        Figure::Proportion { limits: ProportionLimits::Arcsine }
        | Figure::Ratio { limits: RatioLimits::Transformed, .. }
        | Figure::Rate { limits: RatioLimits::Transformed, .. }
        | Figure::CountRatio { .. } => transformed_limits(figure, target, size, levels, 0.0),
    }
}

/// The normal limits on the scale of the z-scores, widened by the variance between sites, and brought back from it.
pub(super) fn transformed_limits(
    figure: Figure,
    target: f64,
    size: f64,
    levels: Levels,
    between: f64,
) -> Result<Limits> {
    check_size(size)?;
    let (centre, spread) = (figure.forward(target), (figure.variance(target, size) + between).sqrt());
    Limits::pairs(levels, |error| {
        let half = normal_two_sided(error) * spread;
        Ok((figure.back(centre - half), figure.back(centre + half)))
    })
}

/// The lower limit is `(r − a) / n`, `r` being the fewest events that at least the tail has, and `a` the part of `r`'s
/// probability by which the tail is exceeded. The upper limit is the same counted from the other end.
fn binomial_pair(chance: &Binomial, units: u64, tail: f64) -> (f64, f64) {
    let part = |(count, sum): (u64, f64)| (count, (sum - tail) / chance.exactly(count));
    let all = units as f64;
    let low = chance.upwards().find(|(_, sum)| *sum >= tail).map(part);
    let high = chance.downwards().find(|(_, sum)| *sum >= tail).map(part);
    (
        low.map_or(0.0, |(count, part)| ((count as f64 - part) / all).max(0.0)),
        high.map_or(1.0, |(count, part)| ((count as f64 + part) / all).min(1.0)),
    )
}

pub(super) fn check_size(size: f64) -> Result<()> {
    if size.is_finite() && size > 0.0 {
        return Ok(());
    }
    Err(StatisticsError::OutOfRange { what: "the size of a site", value: size, range: "a finite number above 0" })
}

/// The size as the count that it is.
pub(super) fn whole(size: f64) -> Result<u64> {
    let is_whole = size.fract() == 0.0 && (0.0..=2.0_f64.powi(53)).contains(&size);
    // A whole number that a float holds exactly.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    is_whole.then_some(size as u64).ok_or(StatisticsError::OutOfRange {
        what: "the size of a site",
        value: size,
        range: "a whole number, 0 or above",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: Figure = Figure::Proportion { limits: ProportionLimits::BinomialExact };

    /// Chance puts a site outside an exact limit with no more than the stated probability.
    #[test]
    fn exact_limits_keep_their_promise_on_either_side() -> Result<()> {
        for (units, target) in [(1_u64, 0.3), (10, 0.05), (40, 0.5), (333, 0.98)] {
            let limits = control_limits(EXACT, target, units as f64, Levels::USUAL)?;
            let chance = Binomial::new(units, target)?;
            let outside = |is: &dyn Fn(f64) -> bool| -> f64 {
                (0..=units).filter(|count| is(*count as f64 / units as f64)).map(|count| chance.exactly(count)).sum()
            };
            assert!(outside(&|value| value < limits.alert_low) <= 0.025 + 1e-12, "{units} {target}");
            assert!(outside(&|value| value > limits.alert_high) <= 0.025 + 1e-12, "{units} {target}");
            assert!(outside(&|value| value < limits.alarm_low) <= 0.001 + 1e-12, "{units} {target}");
            assert!(outside(&|value| value > limits.alarm_high) <= 0.001 + 1e-12, "{units} {target}");
            let mirrored = control_limits(EXACT, 1.0 - target, units as f64, Levels::USUAL)?;
            assert!((limits.alert_low - (1.0 - mirrored.alert_high)).abs() < 1e-9, "{units} {target}");
        }
        Ok(())
    }

    #[test]
    fn next_to_no_expected_events_have_limits() -> Result<()> {
        let ratio = Figure::Ratio { limits: RatioLimits::PoissonExact, transform: crate::funnel::RatioTransform::Log };
        for expected in [1e-12, 1e-6, 1e-3, 0.004, 0.006, 0.01, 0.1, 1.0] {
            let limits = control_limits(ratio, 1.0, expected, Levels::USUAL)?;
            assert!(
                0.0 <= limits.alarm_low && limits.alarm_low <= limits.alert_low && limits.alert_low < 1.0,
                "{limits:?}"
            );
            assert!(limits.alert_high > 1.0 && limits.alert_high < limits.alarm_high, "{limits:?}");
        }
        assert!(control_limits(ratio, 1.0, 1e11, Levels::USUAL).is_err());
        Ok(())
    }

    #[test]
    fn sizes_targets_and_levels_are_checked() {
        for size in [0.0, -1.0, 2.5, f64::NAN, f64::INFINITY] {
            assert!(control_limits(EXACT, 0.2, size, Levels::USUAL).is_err(), "{size}");
        }
        for target in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(control_limits(EXACT, target, 5.0, Levels::USUAL).is_err(), "{target}");
        }
        for levels in [Levels { alert: 0.998, alarm: 0.95 }, Levels { alert: 0.95, alarm: 1.0 }] {
            assert!(control_limits(EXACT, 0.2, 5.0, levels).is_err());
        }
    }
}
