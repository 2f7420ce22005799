//! The directly standardised rate of events of which one person can have several.

use super::direct::{DirectRate, WHAT, Weighted, add_events, checked_weight, dobson, finished};
use crate::intervals::Method;
use crate::{Result, StatisticsError};

/// One stratum, with its people counted by how many events each had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepeatStratum<'a> {
    /// Pairs of events per person (at least 1) and the number of people who had just as many.
    pub people: &'a [(u64, u64)],
    /// The stratum's population or person-time, above 0.
    pub population: f64,
    /// The standard population of the same stratum, 0 or more.
    pub standard: f64,
}

/// Computes the directly standardised rate of events, per `multiplier`, when the same person can have several, such as
/// readmissions.
///
/// The people with `f` events each are a Poisson count, the events are not: the variance of the rate is
/// `Σ wᵢ² Σ f² xᵢf / nᵢ² / (Σ wᵢ)²`. The interval is Dobson's with it. When nobody has more than one event it is that of
/// [`super::direct`].
///
/// Source: Public Health England. Technical Guide: Confidence Intervals. 2018, section on non-independent events; the
/// variance is that of a compound Poisson sum, Johnson NL, Kemp AW, Kotz S. Univariate Discrete Distributions, 3rd ed.,
/// 2005, chapter 9.
///
/// # Errors
///
/// As [`super::direct`]; [`StatisticsError::OutOfRange`] for people with 0 events; [`StatisticsError::TooFew`] below
/// [`super::DOBSON_FROM`] events.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::standardise::{RepeatStratum, direct_non_independent};
/// let strata = [
///     RepeatStratum { people: &[(1, 10), (2, 3)], population: 4_000.0, standard: 60_000.0 },
///     RepeatStratum { people: &[(1, 20), (5, 2)], population: 1_500.0, standard: 40_000.0 },
/// ];
/// assert_eq!(direct_non_independent(&strata, 0.95, 1_000.0)?.events, 46);
/// # Ok(())
/// # }
/// ```
pub fn direct_non_independent(strata: &[RepeatStratum<'_>], confidence: f64, multiplier: f64) -> Result<DirectRate> {
    if strata.is_empty() {
        return Err(StatisticsError::Empty { what: WHAT });
    }
    let all: f64 = strata.iter().map(|stratum| stratum.standard).sum();
    let mut sums = Weighted { events: 0, population: 0.0, rate: 0.0, variance: 0.0, largest_weight: 0.0 };
    for stratum in strata {
        let weight = checked_weight(stratum.population, stratum.standard, all)?;
        sums.population += stratum.population;
        sums.largest_weight = sums.largest_weight.max(weight);
        for &(each, people) in stratum.people {
            if each == 0 {
                return Err(StatisticsError::OutOfRange {
                    what: "the events of each person",
                    value: 0.0,
                    range: "at least 1",
                });
            }
            sums.events = add_events(sums.events, each.saturating_mul(people))?;
            sums.rate += weight * each as f64 * people as f64;
            sums.variance += (weight * each as f64).powi(2) * people as f64;
        }
    }
    finished(dobson(&sums, confidence, Method::DobsonNonIndependent)?, &sums, multiplier)
}

#[cfg(test)]
mod tests {
    use super::super::{DirectMethod, Stratum, direct};
    use super::*;

    #[test]
    fn single_events_are_independent() -> Result<()> {
        let repeat = |people| [RepeatStratum { people, population: 50.0, standard: 3.0 }];
        let single = direct_non_independent(&repeat(&[(1, 12)]), 0.95, 100.0)?.rate;
        let strata = [Stratum { events: 12, population: 50.0, standard: 3.0 }];
        let independent = direct(&strata, DirectMethod::Dobson, 0.95, 100.0)?.rate;
        assert!((single.lower - independent.lower).abs() < 1e-12 && (single.upper - independent.upper).abs() < 1e-12);
        let clustered = direct_non_independent(&repeat(&[(4, 3)]), 0.95, 100.0)?.rate;
        assert!(clustered.upper - clustered.lower > 1.9 * (single.upper - single.lower), "twice as wide");
        assert!(direct_non_independent(&repeat(&[(0, 3)]), 0.95, 100.0).is_err());
        assert!(direct_non_independent(&repeat(&[(u64::MAX, 3), (1, 1)]), 0.95, 100.0).is_err());
        assert!(direct_non_independent(&[], 0.95, 100.0).is_err());
        Ok(())
    }
}
