//! The interval of a quantile, between two of the ordered values.

use super::binomial::Binomial;
use super::{Interval, Method, two_sided_error};
use crate::{Result, StatisticsError};

const WHAT: &str = "the interval of a quantile";

/// A quantile with limits that are two of the values themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderInterval {
    /// The quantile and its limits; `confidence` is the level asked for.
    pub interval: Interval,
    /// Which quantile: 0.5 for the median.
    pub probability: f64,
    /// Rank, from 1, of the value that is the lower limit.
    pub lower_rank: u64,
    /// Rank, from 1, of the value that is the upper limit.
    pub upper_rank: u64,
    /// The exact probability with which such an interval holds the quantile of a continuous distribution: at least the
    /// level asked for, and often more, because ranks are whole numbers.
    pub coverage: f64,
}

/// Computes the median of `values` with its interval: see [`quantile_interval`].
///
/// # Errors
///
/// As [`quantile_interval`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::median_interval;
/// let days = [2.0, 3.0, 3.0, 5.0, 6.0, 8.0, 9.0, 14.0, 21.0, 60.0];
/// let median = median_interval(&days, 0.95)?;
/// assert_eq!((median.lower_rank, median.upper_rank), (2, 9));
/// assert_eq!((median.interval.value, median.interval.lower, median.interval.upper), (7.0, 3.0, 21.0));
/// assert!((median.coverage - 0.9785).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn median_interval(values: &[f64], confidence: f64) -> Result<OrderInterval> {
    quantile_interval(values, 0.5, confidence)
}

/// Computes a quantile of `values`, in their unit, with an interval that assumes nothing of their distribution.
///
/// The number of values below the quantile is binomial; the limits are the ordered values whose ranks leave at most
/// `α/2` in either tail. The estimate interpolates between the two nearest values (type 7 of Hyndman and Fan, as R does).
///
/// Source: Conover WJ. Practical Nonparametric Statistics, 3rd ed., 1999, section 3.2; Hyndman RJ, Fan Y. Sample
/// quantiles in statistical packages. Am Stat 1996;50:361–365.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`]; [`StatisticsError::OutOfRange`] unless `probability` lies strictly between
/// 0 and 1; [`StatisticsError::ValueNotFinite`]; [`StatisticsError::Empty`]; [`StatisticsError::TooFew`] when not even
/// the smallest and largest values reach the level, with the number that would.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let waits: Vec<f64> = (1..=200).map(f64::from).collect();
/// let ninth_tenth = carecoord_statistics::intervals::quantile_interval(&waits, 0.9, 0.95)?;
/// assert!(ninth_tenth.interval.lower < 180.0 && ninth_tenth.interval.upper > 180.0);
/// # Ok(())
/// # }
/// ```
pub fn quantile_interval(values: &[f64], probability: f64, confidence: f64) -> Result<OrderInterval> {
    let tail = two_sided_error(confidence)? / 2.0;
    if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    if values.is_empty() {
        return Err(StatisticsError::Empty { what: WHAT });
    }
    let found = values.len() as u64;
    let below = Binomial::new(found, probability)?;
    // A limit at rank r fails when fewer than r values (below), or at least r (above), lie under the quantile.
    let lower = below.upwards().take_while(|(_, sum)| *sum <= tail).last().map(|(count, sum)| (count + 1, sum));
    let upper = below.downwards().take_while(|(_, sum)| *sum <= tail).last();
    let (Some((lower_rank, missed_below)), Some((upper_rank, missed_above))) = (lower, upper) else {
        return Err(StatisticsError::TooFew { what: WHAT, found, needed: needed(probability, tail) });
    };
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    let at = |rank: u64| {
        usize::try_from(rank - 1).ok().and_then(|place| ordered.get(place)).copied().ok_or(StatisticsError::TooFew {
            what: WHAT,
            found,
            needed: needed(probability, tail),
        })
    };
    let interval = Interval::checked(
        type_7(&ordered, probability).ok_or(StatisticsError::Empty { what: WHAT })?,
        at(lower_rank)?,
        at(upper_rank)?,
        confidence,
        Method::OrderStatistic,
    )?;
    let coverage = 1.0 - missed_below - missed_above;
    Ok(OrderInterval { interval, probability, lower_rank, upper_rank, coverage })
}

/// Returns a quantile of `values` in any order, without an interval, so that one value is enough: interpolated between the two
/// nearest (type 7 of Hyndman and Fan, as R does).
///
/// # Errors
///
/// [`StatisticsError::Empty`] without values, [`StatisticsError::ValueNotFinite`], and [`StatisticsError::OutOfRange`] unless
/// `probability` lies between 0 and 1, both included.
pub fn quantile(values: &[f64], probability: f64) -> Result<f64> {
    if !(0.0..=1.0).contains(&probability) {
        return Err(StatisticsError::OutOfRange { what: "the share", value: probability, range: "between 0 and 1" });
    }
    if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    type_7(&ordered, probability).ok_or(StatisticsError::Empty { what: "a quantile" })
}

/// The quantile of ordered values by interpolation between the two nearest; `None` of none.
///
/// Source: type 7 of Hyndman RJ, Fan Y. Am Stat 1996;50:361–365.
pub(crate) fn type_7(ordered: &[f64], probability: f64) -> Option<f64> {
    let place = ordered.len().checked_sub(1)? as f64 * probability;
    // A place within the slice.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let low = place.floor() as usize;
    let (&under, part) = (ordered.get(low)?, place - place.floor());
    let over = ordered.get(low + 1).copied().unwrap_or(under);
    // Halves before the difference: two huge values of opposite sign must not overflow.
    Some(2.0 * (under / 2.0 + part * (over / 2.0 - under / 2.0)))
}

/// How many values it takes for the smallest and the largest to be the limits.
fn needed(probability: f64, tail: f64) -> u64 {
    let rarer = probability.min(1.0 - probability);
    // At least 1, and cut at the largest number there is.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let needed = (tail.ln() / (-rarer).ln_1p()).ceil() as u64;
    needed.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_alone_needs_one_value() {
        assert_eq!(quantile(&[3.0], 0.9), Ok(3.0));
        assert_eq!(quantile(&[4.0, 1.0, 2.0], 0.5), Ok(2.0));
        assert_eq!(quantile(&[10.0, 0.0], 0.25), Ok(2.5));
        assert_eq!(quantile(&[], 0.5), Err(StatisticsError::Empty { what: "a quantile" }));
        assert!(quantile(&[1.0], 1.1).is_err() && quantile(&[f64::NAN], 0.5).is_err());
    }

    #[test]
    fn too_few_values_say_how_many_it_takes() -> Result<()> {
        let values: Vec<f64> = (0..6).map(f64::from).collect();
        assert_eq!(
            median_interval(&values[..5], 0.95),
            Err(StatisticsError::TooFew { what: WHAT, found: 5, needed: 6 })
        );
        let found = median_interval(&values, 0.95)?;
        assert_eq!((found.lower_rank, found.upper_rank), (1, 6));
        assert!((found.coverage - 0.968_75).abs() < 1e-12);
        assert_eq!(median_interval(&[], 0.95), Err(StatisticsError::Empty { what: WHAT }));
        for probability in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(matches!(quantile_interval(&values, probability, 0.95), Err(StatisticsError::OutOfRange { .. })));
        }
        Ok(())
    }

    /// More values than the table of the binomial distribution reaches down to.
    #[test]
    fn many_values_have_narrow_limits() -> Result<()> {
        let values: Vec<f64> = (1..=100_000).map(f64::from).collect();
        let found = median_interval(&values, 0.95)?;
        assert!((found.coverage - 0.95).abs() < 0.003, "{found:?}");
        assert!(found.interval.upper - found.interval.lower < 650.0);
        let tail = quantile_interval(&values, 0.001, 0.95)?;
        assert!(tail.coverage >= 0.95 && tail.interval.lower > 70.0 && tail.interval.upper < 130.0, "{tail:?}");
        Ok(())
    }

    #[test]
    fn huge_values_do_not_overflow() {
        assert_eq!(type_7(&[-f64::MAX, f64::MAX], 0.5), Some(0.0));
        assert_eq!(type_7(&[], 0.5), None);
        assert_eq!(type_7(&[7.0], 0.9), Some(7.0));
    }
}
