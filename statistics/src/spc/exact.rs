//! How likely a count is by its own distribution: what judges a month of few units, for which the limits of a chart, which take
//! the normal distribution in place of the binomial or Poisson, are too close on one side.

use super::Side;

/// The probability on one side that three standard deviations of a normal distribution leave.
pub const THREE_SIGMA: f64 = 0.001_349_898_031_630_094_6;

/// Which distribution a count follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Count {
    /// So many of so many trials.
    Binomial {
        /// Trials.
        trials: u64,
        /// Probability of each.
        share: f64,
    },
    /// So many, where this many are expected.
    Poisson {
        /// Expected count, from 0.
        mean: f64,
    },
}

impl Count {
    /// The expected count, and for the binomial distribution the smaller one of it and the expected rest: below ten the normal
    /// distribution is no stand-in [K].
    #[must_use]
    pub fn least_expected(&self) -> f64 {
        match *self {
            Self::Binomial { trials, share } => trials as f64 * share.min(1.0 - share),
            Self::Poisson { mean } => mean,
        }
    }

    /// The probability of a count as far out or farther, on the side given: of `count` or more for [`Side::High`], of `count` or
    /// fewer for [`Side::Low`]. Not a number where the distribution has none.
    ///
    /// ```
    /// use carecoord_statistics::spc::Side;
    /// use carecoord_statistics::spc::exact::Count;
    /// let five = Count::Binomial { trials: 5, share: 0.2 };
    /// assert!((five.tail(4, Side::High) - 0.00672).abs() < 1e-12);
    /// assert!((Count::Poisson { mean: 2.0 }.tail(0, Side::Low) - (-2.0_f64).exp()).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn tail(&self, count: u64, side: Side) -> f64 {
        let (from, to) = match (side, self) {
            (Side::Low, _) => (0, count),
            (Side::High, Self::Binomial { trials, .. }) => (count, *trials),
            // One less than the probability of fewer.
            (Side::High, Self::Poisson { .. }) => {
                return if count == 0 { 1.0 } else { (1.0 - self.tail(count - 1, Side::Low)).max(0.0) };
            }
        };
        (from..=to).map(|k| self.log_probability(k).exp()).sum::<f64>().min(1.0)
    }

    fn log_probability(&self, count: u64) -> f64 {
        use statrs::function::gamma::ln_gamma;
        let (k, zero_is_sure) = (count as f64, if count == 0 { 0.0 } else { f64::NEG_INFINITY });
        match *self {
            Self::Poisson { mean } if mean <= 0.0 => zero_is_sure,
            Self::Poisson { mean } => k * mean.ln() - mean - ln_gamma(k + 1.0),
            Self::Binomial { share, .. } if share <= 0.0 => zero_is_sure,
            Self::Binomial { trials, share } if share >= 1.0 => {
                if count == trials {
                    0.0
                } else {
                    f64::NEG_INFINITY
                }
            }
            Self::Binomial { trials, share } => {
                let n = trials as f64;
                ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
                    + k * share.ln()
                    + (n - k) * (-share).ln_1p()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_few_trials_are_those_of_the_table() {
        let ten = Count::Binomial { trials: 10, share: 0.1 };
        // 1 - 0.9^10, and the sums that any table of the binomial distribution has.
        assert!((ten.tail(1, Side::High) - 0.651_321_559_9).abs() < 1e-9);
        assert!((ten.tail(2, Side::Low) - 0.929_809_173_6).abs() < 1e-9);
        assert!((ten.tail(10, Side::High) - 1e-10).abs() < 1e-14);
        let three = Count::Poisson { mean: 3.0 };
        assert!((three.tail(3, Side::Low) - 0.647_231_888_8).abs() < 1e-9);
        assert!((three.tail(10, Side::High) - 0.001_102_488_1).abs() < 1e-9);
    }

    #[test]
    fn what_never_happens_has_no_tail() {
        assert_eq!(Count::Poisson { mean: 0.0 }.tail(1, Side::High), 0.0);
        assert_eq!(Count::Binomial { trials: 5, share: 0.0 }.tail(0, Side::Low), 1.0);
        assert_eq!(Count::Binomial { trials: 5, share: 1.0 }.tail(4, Side::Low), 0.0);
    }
}
