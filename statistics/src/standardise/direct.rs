//! The directly standardised rate.

use crate::intervals::{Interval, Method, byar_rate, two_sided_error};
use crate::quantile::{gamma_lower, gamma_upper};
use crate::{Result, StatisticsError};

pub(super) const WHAT: &str = "a directly standardised rate";

/// With fewer events than this Dobson's interval is refused: the rate says little and the approximation fails.
pub const DOBSON_FROM: u64 = 10;

/// One stratum, such as an age band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratum {
    /// Events counted in it.
    pub events: u64,
    /// Its population or person-time, above 0.
    pub population: f64,
    /// The standard population of the same stratum, 0 or more.
    pub standard: f64,
}

/// How the limits of a directly standardised rate are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectMethod {
    /// Byar's limits of the count of events, moved and scaled to the rate; refused below [`DOBSON_FROM`] events.
    Dobson,
    /// Gamma quantiles; conservative, and sound with few events.
    FayFeuer,
}

/// A directly standardised rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DirectRate {
    /// The standardised rate and its limits, per `multiplier`.
    pub rate: Interval,
    /// Events per population without standardisation, per `multiplier`.
    pub crude: f64,
    /// Events in all strata.
    pub events: u64,
    /// Population or person-time of all strata.
    pub population: f64,
    /// What the rates are expressed per, such as 100,000.
    pub multiplier: f64,
}

/// What both intervals are made from; rates per one unit of population.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighted {
    pub events: u64,
    pub population: f64,
    pub rate: f64,
    pub variance: f64,
    /// The largest rate that one more event in any stratum would add.
    pub largest_weight: f64,
}

/// Computes the rate that the strata would have together with the standard population's structure: `Σ wᵢ xᵢ/nᵢ / Σ wᵢ`,
/// per `multiplier`, with its interval.
///
/// - [`DirectMethod::Dobson`]: `rate + √(v / x) · (limit of x − x)`, where `v = Σ wᵢ² xᵢ/nᵢ² / (Σ wᵢ)²` and the limits of
///   the total count `x` are Byar's.
/// - [`DirectMethod::FayFeuer`]: quantiles of gamma distributions with the mean and variance of the rate (below), and of
///   the rate with one event more in the stratum where it weighs most (above).
///
/// A stratum without events still needs its population: leaving it out would change the weights.
///
/// Source: Dobson AJ, Kuulasmaa K, Eberle E, Scherer J. Confidence intervals for weighted sums of Poisson parameters.
/// Stat Med 1991;10:457–462; Fay MP, Feuer EJ. Confidence intervals for directly standardized rates: a method based on
/// the gamma distribution. Stat Med 1997;16:791–801.
///
/// # Errors
///
/// [`StatisticsError::Empty`]; [`StatisticsError::ExposureNotPositive`] for a population; [`StatisticsError::OutOfRange`]
/// for a negative standard population; [`StatisticsError::NotComputable`] when the standard population is 0 in all
/// strata or, with Fay and Feuer, in all strata with an event; [`StatisticsError::TooFew`] events for Dobson;
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::MultiplierNotPositive`], [`StatisticsError::NotFinite`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::standardise::{DirectMethod, Stratum, direct};
/// let strata = [
///     Stratum { events: 12, population: 4_000.0, standard: 60_000.0 },
///     Stratum { events: 30, population: 1_500.0, standard: 40_000.0 },
/// ];
/// let found = direct(&strata, DirectMethod::Dobson, 0.95, 1_000.0)?;
/// assert!((found.rate.value - 9.8).abs() < 1e-12);
/// assert!(found.crude < found.rate.value, "this group is younger than the standard");
/// # Ok(())
/// # }
/// ```
pub fn direct(strata: &[Stratum], method: DirectMethod, confidence: f64, multiplier: f64) -> Result<DirectRate> {
    let all: f64 = strata.iter().map(|stratum| stratum.standard).sum();
    let mut sums = Weighted { events: 0, population: 0.0, rate: 0.0, variance: 0.0, largest_weight: 0.0 };
    if strata.is_empty() {
        return Err(StatisticsError::Empty { what: WHAT });
    }
    for stratum in strata {
        let weight = checked_weight(stratum.population, stratum.standard, all)?;
        let events = stratum.events as f64;
        sums.events = add_events(sums.events, stratum.events)?;
        sums.population += stratum.population;
        sums.rate += weight * events;
        sums.variance += weight * weight * events;
        sums.largest_weight = sums.largest_weight.max(weight);
    }
    let rate = match method {
        DirectMethod::Dobson => dobson(&sums, confidence, Method::Dobson)?,
        DirectMethod::FayFeuer => fay_feuer(&sums, confidence)?,
    };
    finished(rate, &sums, multiplier)
}

/// The share of the standard population per unit of the stratum's own.
pub(super) fn checked_weight(population: f64, standard: f64, all: f64) -> Result<f64> {
    if !(population.is_finite() && population > 0.0) {
        return Err(StatisticsError::ExposureNotPositive { exposure: population });
    }
    if !(standard.is_finite() && standard >= 0.0) {
        return Err(StatisticsError::OutOfRange {
            what: "the standard population of a stratum",
            value: standard,
            range: "a finite number, 0 or above",
        });
    }
    if all <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what: WHAT,
            because: "the standard population is 0 in all strata",
        });
    }
    Ok(standard / all / population)
}

pub(super) fn add_events(sum: u64, more: u64) -> Result<u64> {
    sum.checked_add(more).ok_or(StatisticsError::CountTooLarge {
        what: "the count of events",
        count: u64::MAX,
        limit: u64::MAX,
    })
}

/// Dobson's interval of the rate of `sums`, per one unit.
pub(super) fn dobson(sums: &Weighted, confidence: f64, method: Method) -> Result<Interval> {
    two_sided_error(confidence)?;
    if sums.events < DOBSON_FROM {
        return Err(StatisticsError::TooFew {
            what: "Dobson's interval of a standardised rate (events)",
            found: sums.events,
            needed: DOBSON_FROM,
        });
    }
    let count = byar_rate(sums.events, 1.0, confidence)?;
    let scale = (sums.variance / count.value).sqrt();
    let lower = sums.rate + scale * (count.lower - count.value);
    let upper = sums.rate + scale * (count.upper - count.value);
    Interval::checked(sums.rate, lower, upper, confidence, method)
}

/// Fay and Feuer's interval of the rate of `sums`, per one unit.
fn fay_feuer(sums: &Weighted, confidence: f64) -> Result<Interval> {
    let tail = two_sided_error(confidence)? / 2.0;
    if sums.events > 0 && sums.rate <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what: WHAT,
            because: "the standard population is 0 in every stratum that has an event",
        });
    }
    // A gamma variable with this mean and variance is a shape times a scale.
    let limit = |mean: f64, variance: f64, quantile: fn(f64, f64) -> Result<f64>| -> Result<f64> {
        Ok(quantile(mean * mean / variance, tail)? * (variance / mean))
    };
    let lower = if sums.events == 0 { 0.0 } else { limit(sums.rate, sums.variance, gamma_lower)? };
    let one_more = sums.largest_weight;
    let upper = limit(sums.rate + one_more, sums.variance + one_more * one_more, gamma_upper)?;
    Interval::checked(sums.rate, lower, upper, confidence, Method::FayFeuer)
}

/// Expresses the rate, and the crude one beside it, per `multiplier`.
pub(super) fn finished(rate: Interval, sums: &Weighted, multiplier: f64) -> Result<DirectRate> {
    Ok(DirectRate {
        rate: rate.scaled(multiplier)?,
        crude: sums.events as f64 / sums.population * multiplier,
        events: sums.events,
        population: sums.population,
        multiplier,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(events: u64, population: f64, standard: f64) -> Stratum {
        Stratum { events, population, standard }
    }

    #[test]
    fn few_events_are_refused_by_dobson_and_not_by_fay_and_feuer() -> Result<()> {
        let few = [stratum(4, 100.0, 1.0), stratum(5, 200.0, 2.0)];
        assert!(matches!(
            direct(&few, DirectMethod::Dobson, 0.95, 1.0),
            Err(StatisticsError::TooFew { found: 9, needed: 10, .. })
        ));
        assert_eq!(direct(&few, DirectMethod::FayFeuer, 0.95, 1.0)?.rate.method, Method::FayFeuer);
        let none = direct(&[stratum(0, 100.0, 1.0)], DirectMethod::FayFeuer, 0.95, 1.0)?;
        assert!(
            none.rate.lower == 0.0 && (none.rate.upper + 0.025_f64.ln() / 100.0).abs() < 1e-12,
            "the rule of three"
        );
        Ok(())
    }

    #[test]
    fn strata_are_checked() {
        let good = stratum(20, 100.0, 1.0);
        for method in [DirectMethod::Dobson, DirectMethod::FayFeuer] {
            assert_eq!(direct(&[], method, 0.95, 1.0), Err(StatisticsError::Empty { what: WHAT }));
            for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                assert!(direct(&[good, stratum(1, bad, 1.0)], method, 0.95, 1.0).is_err());
            }
            for bad in [-1.0, f64::NAN, f64::INFINITY] {
                assert!(direct(&[good, stratum(1, 1.0, bad)], method, 0.95, 1.0).is_err());
            }
            assert!(direct(&[stratum(20, 1.0, 0.0)], method, 0.95, 1.0).is_err());
            assert!(direct(&[good, stratum(u64::MAX, 1.0, 1.0)], method, 0.95, 1.0).is_err());
        }
        let unweighted = [stratum(3, 1.0, 0.0), stratum(0, 1.0, 5.0)];
        assert!(matches!(
            direct(&unweighted, DirectMethod::FayFeuer, 0.95, 1.0),
            Err(StatisticsError::NotComputable { .. })
        ));
    }
}
