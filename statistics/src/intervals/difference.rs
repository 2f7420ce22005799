//! The difference of two proportions, the group's minus the reference's.
//!
//! [`difference_newcombe`] is the one to report for most tables; [`super::difference_score`] is its equal.

use statrs::function::erf::erfc;

use super::proportion::score_limits;
use super::{Interval, Method, Part, Test, TestMethod, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// Computes Newcombe's hybrid score interval of the difference of two proportions.
///
/// It joins the Wilson limits `l, u` of both: `d − √((p₁ − l₁)² + (u₀ − p₀)²)` to `d + √((u₁ − p₁)² + (p₀ − l₀)²)`. It
/// stays within −1 and 1, and keeps its width when a group has no event.
///
/// Source: Newcombe RG. Interval estimation for the difference between independent proportions: comparison of eleven
/// methods. Stat Med 1998;17:873–890, method 10.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ZeroDenominator`],
/// [`StatisticsError::NumeratorExceedsDenominator`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, difference_newcombe};
/// let navigated = Part { numerator: 56, denominator: 70 };
/// let usual = Part { numerator: 48, denominator: 80 };
/// let gain = difference_newcombe(navigated, usual, 0.95)?;
/// // Newcombe 1998, table II, example (a): 0.0524 to 0.3339.
/// assert!((gain.lower - 0.0524).abs() < 1e-4 && (gain.upper - 0.3339).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn difference_newcombe(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    let (ours, theirs) = (group.proportion()?, reference.proportion()?);
    let (our_low, our_high) = score_limits(group.numerator as f64, group.denominator as f64, z);
    let (their_low, their_high) = score_limits(reference.numerator as f64, reference.denominator as f64, z);
    let value = ours - theirs;
    let lower = value - (ours - our_low).hypot(their_high - theirs);
    let upper = value + (our_high - ours).hypot(theirs - their_low);
    Interval::checked(value, lower.max(-1.0), upper.min(1.0), confidence, Method::Newcombe)
}

/// Computes Agresti and Caffo's interval of the difference of two proportions: Wald's after one success and one failure
/// are added to each group.
///
/// The reported difference is the observed one. With very few units the limits may lie beyond −1 or 1, or a little to
/// one side of an extreme observed difference; they are given as they are.
///
/// Source: Agresti A, Caffo B. Simple and effective confidence intervals for proportions and differences of proportions
/// result from adding two successes and two failures. Am Stat 2000;54:280–288.
///
/// # Errors
///
/// As [`difference_newcombe`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, difference_agresti_caffo};
/// let (group, reference) = (Part { numerator: 9, denominator: 30 }, Part { numerator: 3, denominator: 30 });
/// assert!(difference_agresti_caffo(group, reference, 0.95)?.lower < 0.0);
/// # Ok(())
/// # }
/// ```
pub fn difference_agresti_caffo(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    let value = group.proportion()? - reference.proportion()?;
    let widened =
        |part: Part| ((part.numerator as f64 + 1.0) / (part.denominator as f64 + 2.0), part.denominator as f64 + 2.0);
    let ((ours, our_all), (theirs, their_all)) = (widened(group), widened(reference));
    let half = z * (ours * (1.0 - ours) / our_all + theirs * (1.0 - theirs) / their_all).sqrt();
    let centre = ours - theirs;
    Interval::as_computed(value, centre - half, centre + half, confidence, Method::AgrestiCaffo)
}

/// Computes the simple normal interval of the difference of two proportions, `d ± z √(p₁q₁/n₁ + p₀q₀/n₀)`. **For
/// comparison only**: it is too narrow with small groups. The limits may lie beyond −1 or 1.
///
/// Source: Newcombe RG. Stat Med 1998;17:873–890, method 1.
///
/// # Errors
///
/// As [`difference_newcombe`], and [`StatisticsError::NotComputable`] when both proportions are 0 or 1, because the
/// interval would have no width.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, difference_wald};
/// let (group, reference) = (Part { numerator: 56, denominator: 70 }, Part { numerator: 48, denominator: 80 });
/// assert!((difference_wald(group, reference, 0.95)?.lower - 0.0575).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn difference_wald(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    let (ours, theirs) = (group.proportion()?, reference.proportion()?);
    let variance =
        ours * (1.0 - ours) / group.denominator as f64 + theirs * (1.0 - theirs) / reference.denominator as f64;
    if variance <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what: "the simple normal interval of a difference",
            because: "both proportions are 0 or 1, so that it would have no width; use Newcombe's or the score interval",
        });
    }
    let (value, half) = (ours - theirs, z * variance.sqrt());
    Interval::checked(value, value - half, value + half, confidence, Method::WaldDifference)
}

/// Tests whether two proportions are equal, by Pearson's χ² on one degree of freedom without continuity correction.
///
/// Source: Armitage P, Berry G, Matthews JNS. Statistical Methods in Medical Research, 4th ed., 2002, chapter 4.
///
/// # Errors
///
/// [`StatisticsError::ZeroDenominator`], [`StatisticsError::NumeratorExceedsDenominator`];
/// [`StatisticsError::NotComputable`] when nobody or everybody in both groups has the event.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, two_proportions_test};
/// let test = two_proportions_test(Part { numerator: 10, denominator: 50 }, Part { numerator: 20, denominator: 50 })?;
/// assert!((test.statistic.unwrap_or_default() - 4.7619).abs() < 1e-4 && (test.p_value - 0.0291).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn two_proportions_test(group: Part, reference: Part) -> Result<Test> {
    let difference = group.proportion()? - reference.proportion()?;
    let (ours, theirs) = (group.denominator as f64, reference.denominator as f64);
    let pooled = (group.numerator as f64 + reference.numerator as f64) / (ours + theirs);
    let without = (group.without() as f64 + reference.without() as f64) / (ours + theirs);
    let variance = pooled * without * (1.0 / ours + 1.0 / theirs);
    if variance <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what: "a test of two proportions",
            because: "nobody, or everybody, in both groups has the event",
        });
    }
    let statistic = difference * difference / variance;
    // χ² on one degree of freedom is the square of a normal variable.
    let p_value = erfc((statistic / 2.0).sqrt());
    Ok(Test { statistic: Some(statistic), p_value, method: TestMethod::ChiSquare })
}
