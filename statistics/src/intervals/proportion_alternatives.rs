//! Other intervals of a proportion, so that a table can be held against one from another program.
//!
//! [`super::wilson`] and [`super::clopper_pearson`] are the ones to report.

use super::proportion::{proportion, score_limits};
use super::{Interval, Method, two_sided_error, within_exact_limit};
use crate::Result;
use crate::quantile::{beta_lower, beta_upper, normal_two_sided};

/// Computes Wilson's score interval of a proportion with continuity correction.
///
/// The limits are those of [`super::wilson`] with half a unit less below and half a unit more above; 0 when nobody has
/// the event, 1 when everybody has. The correction is always made. R's `prop.test` leaves it out where exactly half
/// have the event, because there it tests against one half.
///
/// Source: Newcombe RG. Two-sided confidence intervals for the single proportion: comparison of seven methods. Stat Med
/// 1998;17:857–872, method 4.
///
/// # Errors
///
/// As [`super::wilson`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{wilson, wilson_continuity};
/// assert!(wilson_continuity(9, 90, 0.95)?.upper > wilson(9, 90, 0.95)?.upper);
/// # Ok(())
/// # }
/// ```
pub fn wilson_continuity(numerator: u64, denominator: u64, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    let value = proportion(numerator, denominator)?;
    let (units, all, z) = (numerator as f64, denominator as f64, normal_two_sided(error));
    let lower = if numerator == 0 { 0.0 } else { score_limits(units - 0.5, all, z).0 };
    let upper = if numerator == denominator { 1.0 } else { score_limits(units + 0.5, all, z).1 };
    Interval::checked(value, lower, upper, confidence, Method::WilsonContinuity)
}

/// Computes Agresti and Coull's interval of a proportion: Wald's about `(x + z²/2) / (n + z²)`, cut at 0 and 1.
///
/// Source: Agresti A, Coull BA. Approximate is better than "exact" for interval estimation of binomial proportions. Am
/// Stat 1998;52:119–126; in this form, Brown LD et al. Statist Sci 2001;16:101–133, section 3.1.
///
/// # Errors
///
/// As [`super::wilson`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let interval = carecoord_statistics::intervals::agresti_coull(2, 20, 0.95)?;
/// assert!((interval.upper - 0.3132).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn agresti_coull(numerator: u64, denominator: u64, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    let value = proportion(numerator, denominator)?;
    let z = normal_two_sided(error);
    let all = denominator as f64 + z * z;
    let centre = (numerator as f64 + z * z / 2.0) / all;
    let half = z * (centre * (1.0 - centre) / all).sqrt();
    Interval::checked(value, (centre - half).max(0.0), (centre + half).min(1.0), confidence, Method::AgrestiCoull)
}

/// Computes the equal-tailed interval of a proportion under Jeffreys' prior: quantiles `α/2` and `1 − α/2` of
/// Beta(x + ½, n − x + ½).
///
/// When nobody has the event the lower limit stays slightly above 0, and above the proportion; when everybody has, the
/// upper one stays below 1. That is the quantile itself, as other programs give it. Brown et al. set these two limits
/// to 0 and 1: a reader who wants that can do so from the numerator.
///
/// Source: Brown LD, Cai TT, `DasGupta` A. Interval estimation for a binomial proportion. Statist Sci 2001;16:101–133,
/// section 3.1.
///
/// # Errors
///
/// As [`super::clopper_pearson`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let nobody = carecoord_statistics::intervals::jeffreys(0, 10, 0.95)?;
/// assert!(nobody.value == 0.0 && nobody.lower > 0.0);
/// # Ok(())
/// # }
/// ```
pub fn jeffreys(numerator: u64, denominator: u64, confidence: f64) -> Result<Interval> {
    let tail = two_sided_error(confidence)? / 2.0;
    let value = proportion(numerator, denominator)?;
    within_exact_limit("the denominator", denominator)?;
    let (with, without) = (numerator as f64 + 0.5, (denominator - numerator) as f64 + 0.5);
    let (lower, upper) = (beta_lower(with, without, tail)?, beta_upper(with, without, tail)?);
    Interval::as_computed(value, lower, upper, confidence, Method::Jeffreys)
}

/// Computes the simple normal interval `p ± z √(p (1 − p) / n)`, cut at 0 and 1. **For comparison only.**
///
/// It claims certainty when nobody or everybody has the event, and covers far less than it says when few have: report
/// [`super::wilson`].
///
/// Source: Brown LD et al. Statist Sci 2001;16:101–133, section 2, which shows its failings.
///
/// # Errors
///
/// As [`super::wilson`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let interval = carecoord_statistics::intervals::wald(50, 100, 0.95)?;
/// assert!((interval.upper - 0.598).abs() < 1e-3);
/// # Ok(())
/// # }
/// ```
pub fn wald(numerator: u64, denominator: u64, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    let value = proportion(numerator, denominator)?;
    let half = normal_two_sided(error) * (value * (1.0 - value) / denominator as f64).sqrt();
    Interval::checked(value, (value - half).max(0.0), (value + half).min(1.0), confidence, Method::WaldProportion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_units_are_corrected_like_any_other_number() -> Result<()> {
        let (plain, corrected) = (super::super::wilson(10, 20, 0.95)?, wilson_continuity(10, 20, 0.95)?);
        assert!(corrected.lower < plain.lower && plain.upper < corrected.upper);
        Ok(())
    }

    #[test]
    fn jeffreys_lies_inside_the_exact_interval() -> Result<()> {
        for (numerator, denominator) in [(0, 1), (1, 1), (3, 17), (500, 1000), (1, 1_000_000)] {
            let exact = super::super::clopper_pearson(numerator, denominator, 0.95)?;
            let found = jeffreys(numerator, denominator, 0.95)?;
            assert!(exact.lower <= found.lower && found.upper <= exact.upper, "{numerator}/{denominator}");
        }
        Ok(())
    }
}
