//! Score intervals of the difference and the ratio of two proportions.
//!
//! A limit is the difference (or ratio) that a test at the given level just fails to reject. The test's variance takes
//! the two proportions that are most likely under that difference, not the observed ones, and so it stays sound with no
//! event in a group, and near 0 and 1.

use super::{Interval, Method, Part, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::quantile::root::root;
use crate::{Result, StatisticsError};

/// Whether the variance of the score test is multiplied by `N / (N − 1)`, `N` being the units of both groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScoreVariance {
    /// Multiplied, as Miettinen and Nurminen do.
    MiettinenNurminen,
    /// Not multiplied: Mee's interval of a difference, Koopman's of a ratio.
    Plain,
}

impl ScoreVariance {
    fn factor(self, group: Part, reference: Part) -> f64 {
        let all = group.denominator as f64 + reference.denominator as f64;
        match self {
            Self::MiettinenNurminen => all / (all - 1.0),
            Self::Plain => 1.0,
        }
    }
}

/// Computes the score interval of the difference of two proportions, the group's minus the reference's.
///
/// The restricted proportions are found by a search of the likelihood's slope, which can only fall, rather than by the
/// closed form of the cubic equation, whose coefficients are easily mistyped.
///
/// Source: Miettinen O, Nurminen M. Comparative analysis of two rates. Stat Med 1985;4:213–226, with appendix I;
/// without the factor, Mee RW. Confidence bounds for the difference between two probabilities. Biometrics
/// 1984;40:1175–1176.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ZeroDenominator`],
/// [`StatisticsError::NumeratorExceedsDenominator`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, ScoreVariance, difference_score};
/// let (group, reference) = (Part { numerator: 56, denominator: 70 }, Part { numerator: 48, denominator: 80 });
/// let gain = difference_score(group, reference, 0.95, ScoreVariance::MiettinenNurminen)?;
/// // Newcombe 1998, table II, example (a), method 6.
/// assert!((gain.lower - 0.0528).abs() < 1e-4 && (gain.upper - 0.3382).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn difference_score(group: Part, reference: Part, confidence: f64, variance: ScoreVariance) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    let value = group.proportion()? - reference.proportion()?;
    let factor = variance.factor(group, reference);
    let score = |difference: f64| -> Result<f64> {
        let theirs = restricted_by_difference(group, reference, difference)?;
        let ours = (theirs + difference).clamp(0.0, 1.0);
        Ok(standardised(value - difference, spread(ours, group) + spread(theirs, reference), factor))
    };
    let what = "a score limit of a difference";
    let lower = root(what, -1.0, value, |at| Ok(z - score(at)?))?;
    let upper = if value >= 1.0 { 1.0 } else { root(what, value, 1.0, |at| Ok(-z - score(at)?))? };
    let method = match variance {
        ScoreVariance::MiettinenNurminen => Method::MiettinenNurminen,
        ScoreVariance::Plain => Method::Mee,
    };
    Interval::checked(value, lower, upper, confidence, method)
}

/// Computes the score interval of the ratio of two proportions, the group's over the reference's.
///
/// With no event in the group the ratio and its lower limit are 0, and the upper limit still tells something.
///
/// Source: Miettinen O, Nurminen M. Stat Med 1985;4:213–226; without the factor, Koopman PAR. Confidence
/// intervals for the ratio of two binomial proportions. Biometrics 1984;40:513–517.
///
/// # Errors
///
/// As [`difference_score`], and [`StatisticsError::NotComputable`] with no event in the reference: the ratio has no
/// finite value.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, ScoreVariance, risk_ratio_score};
/// let (group, reference) = (Part { numerator: 0, denominator: 40 }, Part { numerator: 8, denominator: 40 });
/// let ratio = risk_ratio_score(group, reference, 0.95, ScoreVariance::MiettinenNurminen)?;
/// assert!(ratio.lower == 0.0 && ratio.upper < 0.5);
/// # Ok(())
/// # }
/// ```
pub fn risk_ratio_score(group: Part, reference: Part, confidence: f64, variance: ScoreVariance) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    let (ours, theirs) = (group.proportion()?, reference.proportion()?);
    if reference.numerator == 0 {
        return Err(StatisticsError::NotComputable {
            what: "a ratio of proportions",
            because: "the reference has no event; report the difference",
        });
    }
    let value = ours / theirs;
    let factor = variance.factor(group, reference);
    let score = |ratio: f64| -> Result<f64> {
        let base = restricted_by_ratio(group, reference, ratio);
        let spread = spread((base * ratio).clamp(0.0, 1.0), group) + ratio * ratio * spread(base, reference);
        Ok(standardised(ours - ratio * theirs, spread, factor))
    };
    let what = "a score limit of a ratio";
    let lower = if group.numerator == 0 { 0.0 } else { root(what, 0.0, value, |at| Ok(z - score(at)?))? };
    let mut high = 2.0 * value.max(1.0);
    while -score(high)? < z {
        high *= 2.0;
        if !high.is_finite() {
            return Err(StatisticsError::NotConverged { what });
        }
    }
    let upper = root(what, value, high, |at| Ok(-z - score(at)?))?;
    let method = match variance {
        ScoreVariance::MiettinenNurminen => Method::MiettinenNurminen,
        ScoreVariance::Plain => Method::Koopman,
    };
    Interval::checked(value, lower, upper, confidence, method)
}

fn spread(proportion: f64, part: Part) -> f64 {
    proportion * (1.0 - proportion) / part.denominator as f64
}

/// A distance in units of its standard error; no distance is 0 even where the variance is 0.
fn standardised(distance: f64, variance: f64, factor: f64) -> f64 {
    if distance == 0.0 { 0.0 } else { distance / (variance * factor).max(0.0).sqrt() }
}

/// The reference's most likely proportion when the group's is higher by `difference`.
fn restricted_by_difference(group: Part, reference: Part, difference: f64) -> Result<f64> {
    let (low, high) = ((-difference).max(0.0), (1.0 - difference).min(1.0));
    // Minus the slope of the log-likelihood, which only rises; a count of 0 has no term, even where it would divide by 0.
    let term = |count: u64, probability: f64| match count {
        0 => 0.0,
        // At the end of the range; dividing by a zero with a minus sign would point the wrong way.
        _ if probability <= 0.0 => f64::INFINITY,
        _ => count as f64 / probability,
    };
    let fall = |at: f64| {
        term(group.without(), 1.0 - at - difference) + term(reference.without(), 1.0 - at)
            - term(group.numerator, at + difference)
            - term(reference.numerator, at)
    };
    if high <= low || fall(high) <= 0.0 {
        return Ok(high.max(low));
    }
    root("the proportions under a given difference", low, high, |at| Ok(fall(at)))
}

/// The reference's most likely proportion when the group's is `ratio` times as high.
fn restricted_by_ratio(group: Part, reference: Part, ratio: f64) -> f64 {
    let (ours, theirs) = (group.denominator as f64, reference.denominator as f64);
    let (our_events, their_events) = (group.numerator as f64, reference.numerator as f64);
    // The smaller root of a p² − b p + c, in the form that does not subtract nearly equal numbers.
    let square = (ours + theirs) * ratio;
    let linear = ours * ratio + our_events + theirs + their_events * ratio;
    let constant = our_events + their_events;
    let discriminant = (linear * linear - 4.0 * square * constant).max(0.0);
    (2.0 * constant / (linear + discriminant.sqrt())).clamp(0.0, 1.0 / ratio.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(numerator: u64, denominator: u64) -> Part {
        Part { numerator, denominator }
    }

    /// Newcombe 1998, table II: method 6 (Miettinen and Nurminen) and 5 (Mee) of the examples that are hard.
    #[test]
    fn published_limits_of_hard_cases() -> Result<()> {
        let cases = [
            (part(9, 10), part(3, 10), 0.1700, 0.8406),
            (part(6, 7), part(2, 7), 0.0342, 0.8534),
            (part(5, 56), part(0, 29), -0.0326, 0.1933),
            (part(0, 10), part(0, 20), -0.1658, 0.2844),
            (part(0, 10), part(0, 10), -0.2879, 0.2879),
            (part(10, 10), part(0, 20), 0.7156, 1.0),
            (part(10, 10), part(0, 10), 0.6636, 1.0),
        ];
        for (group, reference, lower, upper) in cases {
            let found = difference_score(group, reference, 0.95, ScoreVariance::MiettinenNurminen)?;
            assert!((found.lower - lower).abs() < 6e-5, "{found:?}");
            assert!((found.upper - upper).abs() < 6e-5, "{found:?}");
            let plain = difference_score(group, reference, 0.95, ScoreVariance::Plain)?;
            assert!(found.lower <= plain.lower && plain.upper <= found.upper, "the factor widens");
        }
        Ok(())
    }

    #[test]
    fn the_extremes_have_limits() -> Result<()> {
        for variance in [ScoreVariance::MiettinenNurminen, ScoreVariance::Plain] {
            for (group, reference) in [(part(0, 1), part(1, 1)), (part(1, 1), part(1, 1)), (part(0, 9), part(9, 9))] {
                let difference = difference_score(group, reference, 0.95, variance)?;
                assert!(-1.0 <= difference.lower && difference.upper <= 1.0, "{difference:?}");
                let ratio = risk_ratio_score(group, reference, 0.95, variance)?;
                assert!(0.0 <= ratio.lower && ratio.lower <= ratio.value && ratio.value <= ratio.upper, "{ratio:?}");
            }
            assert!(risk_ratio_score(part(1, 5), part(0, 5), 0.95, variance).is_err());
        }
        Ok(())
    }
}
