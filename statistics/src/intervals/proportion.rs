//! Intervals of a proportion: units with the event, out of all units.

use super::{Interval, Method, two_sided_error, within_exact_limit};
use crate::quantile::{beta_lower, beta_upper, normal_two_sided};
use crate::{Result, StatisticsError};

/// Computes Wilson's score interval of the proportion `numerator / denominator`, without continuity correction.
///
/// The limits are the two roots `p` of `(p̂ - p)² = z² p (1 - p) / n`. They stay within 0 and 1, and are exactly 0 when
/// nobody has the event and exactly 1 when everybody has.
///
/// Source: Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc
/// 1927;22:209–212; Newcombe RG, Altman DG, in Altman DG et al., Statistics with Confidence, 2nd ed., 2000, pp. 46–48.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ZeroDenominator`],
/// [`StatisticsError::NumeratorExceedsDenominator`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let seen_in_time = carecoord_statistics::intervals::wilson(25, 80, 0.95)?;
/// assert_eq!(seen_in_time.value, 0.3125);
/// assert!(seen_in_time.lower > 0.2215 && seen_in_time.upper < 0.4207);
/// # Ok(())
/// # }
/// ```
pub fn wilson(numerator: u64, denominator: u64, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    let value = proportion(numerator, denominator)?;
    let z = normal_two_sided(error);
    let (lower, upper) = score_limits(numerator as f64, denominator as f64, z);
    Interval::checked(value, lower, upper, confidence, Method::Wilson)
}

/// Computes the exact Clopper–Pearson interval of the proportion `numerator / denominator`.
///
/// The limits are quantiles of beta distributions: `α/2` of Beta(x, n − x + 1) and `1 − α/2` of Beta(x + 1, n − x). The
/// lower limit is 0 when nobody has the event; the upper limit is 1 when everybody has.
///
/// Source: Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial.
/// Biometrika 1934;26:404–413; in the beta form, Brown LD et al. Interval estimation for a binomial
/// proportion. Statist Sci 2001;16:101–133, section 4.2.1.
///
/// # Errors
///
/// As [`wilson`], and [`StatisticsError::CountTooLarge`] above [`super::EXACT_COUNT_LIMIT`].
pub fn clopper_pearson(numerator: u64, denominator: u64, confidence: f64) -> Result<Interval> {
    let tail = two_sided_error(confidence)? / 2.0;
    let value = proportion(numerator, denominator)?;
    within_exact_limit("the denominator", denominator)?;
    let (with, without) = (numerator as f64, (denominator - numerator) as f64);
    let lower = if numerator == 0 { 0.0 } else { beta_lower(with, without + 1.0, tail)? };
    let upper = if numerator == denominator { 1.0 } else { beta_upper(with + 1.0, without, tail)? };
    Interval::checked(value, lower, upper, confidence, Method::ClopperPearson)
}

/// Both roots of Wilson's equation for `x` units of `n`; `x` need not be whole, which continuity corrections use.
pub(super) fn score_limits(x: f64, n: f64, z: f64) -> (f64, f64) {
    let upper_times_n_plus_z2 = x + z * z / 2.0 + z * (z * z / 4.0 + x * ((n - x) / n)).sqrt();
    // The product of both roots, x² / (n (n + z²)), gives the lower one from the upper one: the textbook form subtracts
    // two nearly equal numbers when the proportion is tiny.
    let lower = if x <= 0.0 { 0.0 } else { x * (x / n) / upper_times_n_plus_z2 };
    let upper = if x >= n { 1.0 } else { (upper_times_n_plus_z2 / (n + z * z)).min(1.0) };
    (lower, upper)
}

/// The proportion itself, once it is one.
pub(super) fn proportion(numerator: u64, denominator: u64) -> Result<f64> {
    if denominator == 0 {
        return Err(StatisticsError::ZeroDenominator);
    }
    if numerator > denominator {
        return Err(StatisticsError::NumeratorExceedsDenominator { numerator, denominator });
    }
    Ok(numerator as f64 / denominator as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Compute = fn(u64, u64, f64) -> Result<Interval>;

    const METHODS: [Compute; 2] = [wilson, clopper_pearson];

    #[test]
    fn a_proportion_needs_a_denominator_that_holds_its_numerator() {
        for method in METHODS {
            assert_eq!(method(0, 0, 0.95), Err(StatisticsError::ZeroDenominator));
            assert_eq!(
                method(3, 2, 0.95),
                Err(StatisticsError::NumeratorExceedsDenominator { numerator: 3, denominator: 2 })
            );
        }
    }

    #[test]
    fn limits_enclose_the_proportion_and_widen_with_confidence() -> Result<()> {
        for method in METHODS {
            for n in [1, 2, 3, 10, 57, 1000, 56_000] {
                for x in (0..=n).step_by(usize::try_from(n / 7 + 1).unwrap_or(1)).chain([n]) {
                    let mut inner = method(x, n, 0.5)?;
                    for confidence in [0.8, 0.9, 0.95, 0.998, 0.999_999] {
                        let outer = method(x, n, confidence)?;
                        assert!(0.0 <= outer.lower && outer.lower <= outer.value, "{x} of {n}: {outer:?}");
                        assert!(outer.value <= outer.upper && outer.upper <= 1.0, "{x} of {n}: {outer:?}");
                        assert!(outer.lower <= inner.lower && inner.upper <= outer.upper, "{x} of {n}: {outer:?}");
                        inner = outer;
                    }
                }
            }
        }
        Ok(())
    }

    #[test]
    #[allow(clippy::float_cmp)] // The edges are exact.
    fn nobody_and_everybody_sit_exactly_on_the_edge() -> Result<()> {
        for method in METHODS {
            for n in [1, 2, 50, 100, 7_000] {
                let (nobody, everybody) = (method(0, n, 0.9)?, method(n, n, 0.9)?);
                assert!(nobody.lower == 0.0 && nobody.upper < 1.0 && nobody.upper > 0.0);
                assert!(everybody.upper == 1.0 && everybody.lower > 0.0 && everybody.lower < 1.0);
                assert!((nobody.upper + everybody.lower - 1.0).abs() < 1e-12, "mirror images");
            }
        }
        Ok(())
    }

    #[test]
    fn extreme_levels_and_counts_give_numbers_or_a_reason() -> Result<()> {
        for confidence in [f64::MIN_POSITIVE, 1e-9, 1.0 - 1e-16] {
            for (x, n) in [(0, 1), (1, 1), (1, 2), (500, 1000)] {
                wilson(x, n, confidence)?;
                clopper_pearson(x, n, confidence)?;
            }
        }
        wilson(1, u64::MAX, 0.95)?;
        assert!(matches!(clopper_pearson(1, u64::MAX, 0.95), Err(StatisticsError::CountTooLarge { .. })));
        Ok(())
    }

    /// The upper limit of one in ten thousand million keeps its digits: it is that of a Poisson count of one.
    #[test]
    fn tiny_proportions_keep_their_digits() -> Result<()> {
        let n = 10_000_000_000;
        let (one, rate) = (clopper_pearson(1, n, 0.95)?, super::super::poisson_exact_rate(1, n as f64, 0.95)?);
        assert!((one.lower / rate.lower - 1.0).abs() < 1e-8, "{one:?} {rate:?}");
        assert!((one.upper / rate.upper - 1.0).abs() < 1e-8, "{one:?} {rate:?}");
        // Wilson's limits tend to (x + z²/2 ± z √(x + z²/4)) / n.
        let z2: f64 = 1.959_963_984_540_054_f64.powi(2);
        let (middle, half) = (1.0 + z2 / 2.0, (z2 * (1.0 + z2 / 4.0)).sqrt());
        let score = wilson(1, n, 0.95)?;
        assert!((score.lower * n as f64 / (middle - half) - 1.0).abs() < 1e-8);
        assert!((score.upper * n as f64 / (middle + half) - 1.0).abs() < 1e-8);
        Ok(())
    }

    /// For large samples both methods approach each other; a truncated series would show here.
    #[test]
    fn exact_and_score_limits_meet_for_large_samples() -> Result<()> {
        let (score, exact) = (wilson(4_000_000, 10_000_000, 0.95)?, clopper_pearson(4_000_000, 10_000_000, 0.95)?);
        assert!((score.lower - exact.lower).abs() < 1e-7 && (score.upper - exact.upper).abs() < 1e-7);
        clopper_pearson(4_000_000_000, 10_000_000_000, 0.95)?;
        Ok(())
    }
}
