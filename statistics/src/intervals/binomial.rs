//! The binomial distribution of a known number of tries, as a table of probabilities.

use super::within_exact_limit;
use crate::{Result, StatisticsError};

/// Weights below this share of the largest are left out: they could not even be told from 0.
const SMALLEST: f64 = 1e-300;

/// Outcomes as likely as the one seen, up to rounding, count as being as likely.
const TIE: f64 = 1e-7;

/// Probabilities of the counts from `first` up; all other counts have none to speak of.
pub(crate) struct Binomial {
    first: u64,
    weights: Vec<f64>,
}

impl Binomial {
    /// Tabulates the distribution of `tries` tries that each succeed with a `probability` strictly between 0 and 1.
    ///
    /// Each weight follows from its neighbour, from the most likely count outwards, so that no factorial is needed and
    /// even the far tails keep their digits.
    pub(crate) fn new(tries: u64, probability: f64) -> Result<Self> {
        within_exact_limit("the number of tries", tries)?;
        if !(probability > 0.0 && probability < 1.0) {
            return Err(StatisticsError::OutOfRange {
                what: "the probability of a success",
                value: probability,
                range: "between 0 and 1, both excluded",
            });
        }
        let odds = probability / (1.0 - probability);
        // Between 0 and the number of tries.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mode = (((tries + 1) as f64 * probability) as u64).min(tries);
        let mut weights = Vec::new();
        let mut weight = 1.0;
        let mut first = mode;
        while first > 0 {
            weight *= first as f64 / ((tries - first + 1) as f64 * odds);
            if weight < SMALLEST {
                break;
            }
            weights.push(weight);
            first -= 1;
        }
        weights.reverse();
        weights.push(1.0);
        weight = 1.0;
        for count in mode..tries {
            weight *= (tries - count) as f64 * odds / (count + 1) as f64;
            if weight < SMALLEST {
                break;
            }
            weights.push(weight);
        }
        let total: f64 = weights.iter().sum();
        for weight in &mut weights {
            *weight /= total;
        }
        Ok(Self { first, weights })
    }

    /// Returns the probability of exactly `count`.
    pub(crate) fn exactly(&self, count: u64) -> f64 {
        let place = count.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.weights.get(place)).copied().unwrap_or(0.0)
    }

    /// Returns each count that has a probability, upwards, with that of it or fewer.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = (u64, f64)> {
        self.weights.iter().zip(self.first..).scan(0.0, |sum, (weight, count)| {
            *sum += weight;
            Some((count, *sum))
        })
    }

    /// Returns each count that has a probability, downwards, with that of it or more.
    pub(crate) fn downwards(&self) -> impl Iterator<Item = (u64, f64)> {
        self.weights.iter().enumerate().rev().scan(0.0, |sum, (place, weight)| {
            *sum += weight;
            Some((self.first + place as u64, *sum))
        })
    }

    /// Returns the probability of fewer than `count`.
    pub(crate) fn below(&self, count: u64) -> f64 {
        self.upwards().take_while(|(at, _)| *at < count).last().map_or(0.0, |(_, sum)| sum)
    }

    /// Returns the probability of more than `count`.
    pub(crate) fn above(&self, count: u64) -> f64 {
        self.downwards().take_while(|(at, _)| *at > count).last().map_or(0.0, |(_, sum)| sum)
    }

    /// Returns the probability of all counts that are no more likely than `count`.
    pub(crate) fn no_more_likely_than(&self, count: u64) -> f64 {
        let bound = self.exactly(count) * (1.0 + TIE);
        self.weights.iter().filter(|weight| **weight <= bound).sum::<f64>().min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_coins() -> Result<()> {
        let coins = Binomial::new(10, 0.5)?;
        assert!((coins.exactly(3) - 120.0 / 1024.0).abs() < 1e-15);
        assert!((coins.below(2) - 11.0 / 1024.0).abs() < 1e-15);
        assert!((coins.above(8) - 11.0 / 1024.0).abs() < 1e-15);
        assert!((coins.no_more_likely_than(1) - 22.0 / 1024.0).abs() < 1e-15);
        assert!((coins.no_more_likely_than(5) - 1.0).abs() < 1e-15);
        assert!(coins.exactly(11) == 0.0 && coins.below(0) == 0.0 && coins.above(10) == 0.0);
        Ok(())
    }

    #[test]
    fn no_tries_and_many_tries() -> Result<()> {
        assert!((Binomial::new(0, 0.3)?.exactly(0) - 1.0).abs() < 1e-15);
        let many = Binomial::new(1_000_000, 0.2)?;
        let mean: f64 = many.upwards().map(|(count, _)| count as f64 * many.exactly(count)).sum();
        assert!((mean / 200_000.0 - 1.0).abs() < 1e-9);
        assert!(Binomial::new(u64::MAX, 0.2).is_err());
        for probability in [0.0, 1.0, f64::NAN] {
            assert!(Binomial::new(5, probability).is_err());
        }
        Ok(())
    }
}
