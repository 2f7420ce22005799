//! The interval of a mean, from the values or from their moments.

use super::{Interval, Method, two_sided_error};
use crate::quantile::t_two_sided;
use crate::{Result, StatisticsError};

const WHAT: &str = "the interval of a mean";

/// Computes Student's t interval of the mean of `values`, in their unit.
///
/// `mean ± t(1 − α/2; n − 1) · s / √n`, with `s²` the sample variance (divisor `n − 1`). The interval assumes that the
/// mean is close to normally distributed: with few and very skewed values, such as lengths of stay, it is only a guide.
///
/// Source: NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.2, Confidence Limits for the Mean; Armitage P,
/// Berry G, Matthews JNS. Statistical Methods in Medical Research, 4th ed., 2002, chapter 4.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`]; [`StatisticsError::Empty`] or [`StatisticsError::TooFew`] below two
/// values; [`StatisticsError::ValueNotFinite`]; [`StatisticsError::ZeroVariance`] when all values are equal;
/// [`StatisticsError::NotFinite`] when they are so large that their squares overflow.
pub fn mean_t(values: &[f64], confidence: f64) -> Result<Interval> {
    two_sided_error(confidence)?;
    if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    let (&first, rest) = values.split_first().ok_or(StatisticsError::Empty { what: WHAT })?;
    let n = values.len() as u64;
    if n < 2 {
        return Err(StatisticsError::TooFew { what: WHAT, found: n, needed: 2 });
    }
    // Exact equality on purpose: equal values such as 0.1 leave a tiny variance from rounding alone.
    #[allow(clippy::float_cmp)]
    if rest.iter().all(|&value| value == first) {
        return Err(StatisticsError::ZeroVariance { n });
    }
    // Two passes: the sum of squares about the mean keeps its digits when the values are large and close together, and
    // the sum of the deviations corrects the rounding of the mean itself.
    let size = n as f64;
    let mut mean = values.iter().sum::<f64>() / size;
    mean += values.iter().map(|value| value - mean).sum::<f64>() / size;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    mean_t_from_moments(n, mean, squares / (size - 1.0), confidence)
}

/// Computes Student's t interval of a mean from the number of values, their mean and their sample variance (divisor
/// `n − 1`).
///
/// For use where a query has already reduced the values. It takes the variance, not a sum of squares, because
/// `Σx² − n·mean²` loses every digit when the spread is small beside the mean. Formula and source: [`mean_t`].
///
/// # Errors
///
/// As [`mean_t`], and [`StatisticsError::NegativeVariance`].
pub fn mean_t_from_moments(n: u64, mean: f64, sample_variance: f64, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    match n {
        0 => return Err(StatisticsError::Empty { what: WHAT }),
        1 => return Err(StatisticsError::TooFew { what: WHAT, found: n, needed: 2 }),
        _ => {}
    }
    for (what, value) in [("the mean", mean), ("the variance", sample_variance)] {
        if !value.is_finite() {
            return Err(StatisticsError::NotFinite { what, value });
        }
    }
    if sample_variance < 0.0 {
        return Err(StatisticsError::NegativeVariance { variance: sample_variance });
    }
    if sample_variance == 0.0 {
        return Err(StatisticsError::ZeroVariance { n });
    }
    let half_width = t_two_sided((n - 1) as f64, error)? * (sample_variance / n as f64).sqrt();
    Interval::checked(mean, mean - half_width, mean + half_width, confidence, Method::MeanT)
}

/// A sample of which a query has kept its size, mean and variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Values, at least 2.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// Their sample variance (divisor `n - 1`), at least 0.
    pub sample_variance: f64,
}

/// Computes Welch's t interval of the difference of two means, the group's minus the reference's. Variances may differ.
///
/// The degrees of freedom are `(a + b)² / (a² / (n - 1) + b² / (m - 1))` with `a` and `b` the squared standard errors.
///
/// Source: Welch BL. The generalization of Student's problem when several different population variances are involved.
/// Biometrika 1947;34:28–35; Satterthwaite FE. Biometrics Bulletin 1946;2:110–114.
///
/// # Errors
///
/// As [`mean_t_from_moments`], for either sample; [`StatisticsError::ZeroVariance`] only when neither has any.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Moments, mean_difference_welch};
/// let group = Moments { n: 10, mean: 20.6, sample_variance: 82.0 };
/// let reference = Moments { n: 20, mean: 22.1, sample_variance: 6.0 };
/// let gap = mean_difference_welch(group, reference, 0.95)?;
/// assert!(gap.lower < 0.0 && gap.upper > 0.0);
/// # Ok(())
/// # }
/// ```
pub fn mean_difference_welch(group: Moments, reference: Moments, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    for one in [group, reference] {
        if one.n < 2 {
            return Err(StatisticsError::TooFew { what: "a difference of means", found: one.n, needed: 2 });
        }
        for (what, value) in [("the mean", one.mean), ("the variance", one.sample_variance)] {
            if !value.is_finite() {
                return Err(StatisticsError::NotFinite { what, value });
            }
        }
        if one.sample_variance < 0.0 {
            return Err(StatisticsError::NegativeVariance { variance: one.sample_variance });
        }
    }
    let part = |one: Moments| one.sample_variance / one.n as f64;
    let (ours, theirs) = (part(group), part(reference));
    let variance = ours + theirs;
    if variance <= 0.0 {
        return Err(StatisticsError::ZeroVariance { n: group.n.saturating_add(reference.n) });
    }
    let share = |part: f64, n: u64| (part / variance).powi(2) / (n - 1) as f64;
    let freedom = 1.0 / (share(ours, group.n) + share(theirs, reference.n));
    let half = t_two_sided(freedom, error)? * variance.sqrt();
    let value = group.mean - reference.mean;
    Interval::checked(value, value - half, value + half, confidence, Method::WelchT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_needs_two_finite_values_that_differ() {
        assert_eq!(mean_t(&[], 0.95), Err(StatisticsError::Empty { what: WHAT }));
        assert_eq!(mean_t(&[4.0], 0.95), Err(StatisticsError::TooFew { what: WHAT, found: 1, needed: 2 }));
        assert_eq!(mean_t(&[0.1; 7], 0.95), Err(StatisticsError::ZeroVariance { n: 7 }));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(mean_t(&[1.0, bad], 0.95), Err(StatisticsError::ValueNotFinite { index: 1, .. })));
        }
        assert!(matches!(mean_t(&[f64::MAX, -1.0, f64::MAX], 0.95), Err(StatisticsError::NotFinite { .. })));
    }

    #[test]
    fn moments_are_checked_like_values() {
        assert_eq!(mean_t_from_moments(0, 1.0, 1.0, 0.95), Err(StatisticsError::Empty { what: WHAT }));
        assert!(matches!(mean_t_from_moments(1, 1.0, 1.0, 0.95), Err(StatisticsError::TooFew { .. })));
        assert!(matches!(mean_t_from_moments(9, 1.0, 0.0, 0.95), Err(StatisticsError::ZeroVariance { n: 9 })));
        assert!(matches!(mean_t_from_moments(9, 1.0, -1e-9, 0.95), Err(StatisticsError::NegativeVariance { .. })));
        assert!(matches!(mean_t_from_moments(9, f64::NAN, 1.0, 0.95), Err(StatisticsError::NotFinite { .. })));
        assert!(matches!(mean_t_from_moments(9, 1.0, f64::NAN, 0.95), Err(StatisticsError::NotFinite { .. })));
    }

    #[test]
    fn a_large_offset_does_not_eat_the_spread() -> Result<()> {
        let values = [1.0, 2.0, 4.0, 8.0];
        let shifted = values.map(|value| value + 1e9);
        let (near, far) = (mean_t(&values, 0.95)?, mean_t(&shifted, 0.95)?);
        assert!((far.upper - 1e9 - near.upper).abs() < 1e-5);
        Ok(())
    }

    #[test]
    fn limits_enclose_the_mean_widen_with_confidence_and_narrow_with_size() -> Result<()> {
        let mut width_before = f64::INFINITY;
        for n in [2, 3, 30, 9_999, 10_000, 10_001, 10_002, 1_000_000, u64::MAX] {
            let mut inner = mean_t_from_moments(n, 5.0, 4.0, 0.5)?;
            for confidence in [0.8, 0.9, 0.95, 0.998] {
                let outer = mean_t_from_moments(n, 5.0, 4.0, confidence)?;
                assert!(outer.lower <= outer.value && outer.value <= outer.upper);
                assert!(outer.lower <= inner.lower && inner.upper <= outer.upper);
                inner = outer;
            }
            let width = inner.upper - inner.lower;
            assert!(width < width_before, "{n}");
            width_before = width;
        }
        Ok(())
    }

    #[test]
    fn extreme_levels_give_numbers() -> Result<()> {
        for confidence in [f64::MIN_POSITIVE, 1e-9, 1.0 - 1e-16] {
            for n in [2, 3, 1000, 100_000] {
                mean_t_from_moments(n, 0.0, 1.0, confidence)?;
            }
        }
        Ok(())
    }
}
