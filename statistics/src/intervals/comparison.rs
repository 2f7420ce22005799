//! What is compared: the counts of two groups, and the test that goes with an interval.

use super::proportion::proportion;
use super::rate::checked_exposure;
use crate::Result;

/// One group of a comparison of proportions: units with the event, out of all its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Units with the event.
    pub numerator: u64,
    /// All units; at least 1 and not below the numerator.
    pub denominator: u64,
}

impl Part {
    /// Units without the event.
    pub(super) const fn without(self) -> u64 {
        self.denominator - self.numerator
    }

    /// The proportion, once it is one.
    pub(super) fn proportion(self) -> Result<f64> {
        proportion(self.numerator, self.denominator)
    }
}

/// One group of a comparison of rates: events over an exposure such as person-days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Events {
    /// Events counted.
    pub count: u64,
    /// Exposure, a finite number above 0, in the same unit in both groups.
    pub exposure: f64,
}

impl Events {
    /// The rate per one unit of exposure.
    pub(super) fn rate(self) -> Result<f64> {
        checked_exposure(self.exposure)?;
        Ok(self.count as f64 / self.exposure)
    }
}

/// The result of a two-sided test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The test statistic; `None` for an exact test, which has none.
    pub statistic: Option<f64>,
    /// The two-sided p-value, from 0 to 1. 0 means too small to be told from 0.
    pub p_value: f64,
    /// How it was computed.
    pub method: TestMethod,
}

/// The method of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TestMethod {
    /// Pearson's χ² on one degree of freedom, without continuity correction.
    ChiSquare,
    /// The exact conditional test of two rates; outcomes no more likely than the one seen count against equality.
    ConditionalExact,
    /// The same with half the probability of the outcome seen, twice the smaller tail.
    ConditionalMidP,
}

impl TestMethod {
    /// Returns the stable name used in result tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChiSquare => "pearson_chi_square",
            Self::ConditionalExact => "conditional_exact",
            Self::ConditionalMidP => "conditional_mid_p",
        }
    }
}
