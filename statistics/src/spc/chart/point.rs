//! What a control chart is made of: a value, a ratio, or a subgroup for each point in time.

use super::Kind;
use crate::spc::ranges::{mean, standard_deviation};
use crate::{Result, StatisticsError};

/// The data of one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Value, count, numerator, or mean of the subgroup.
    numerator: Option<f64>,
    /// Denominator, exposure, or size of the subgroup.
    denominator: Option<f64>,
    /// Standard deviation of the subgroup.
    spread: Option<f64>,
}

impl Point {
    /// A point that is missing.
    pub const MISSING: Self = Self { numerator: None, denominator: None, spread: None };

    /// A single value or count.
    pub const fn value(value: f64) -> Self {
        Self { numerator: Some(value), denominator: None, spread: None }
    }

    /// A numerator over a denominator. A denominator of 0 makes a missing point.
    pub const fn ratio(numerator: f64, denominator: f64) -> Self {
        Self { numerator: Some(numerator), denominator: Some(denominator), spread: None }
    }

    /// The sum of several numerators over the sum of their denominators; pairs with a missing half are left out.
    pub fn sum(pairs: &[(Option<f64>, Option<f64>)]) -> Self {
        let whole: Vec<(f64, f64)> = pairs.iter().filter_map(|(one, other)| Some(((*one)?, (*other)?))).collect();
        if whole.is_empty() {
            return Self::MISSING;
        }
        Self::ratio(whole.iter().map(|pair| pair.0).sum(), whole.iter().map(|pair| pair.1).sum())
    }

    /// A subgroup of measurements, missing ones left out: its mean, its size, its standard deviation (from two values).
    pub fn subgroup(values: &[Option<f64>]) -> Self {
        let given: Vec<f64> = values.iter().copied().flatten().collect();
        Self {
            numerator: mean(&given),
            denominator: (!given.is_empty()).then_some(given.len() as f64),
            spread: standard_deviation(&given),
        }
    }

    /// The denominator, exposure or size of the subgroup.
    pub const fn denominator(&self) -> Option<f64> {
        self.denominator
    }

    /// The numerator, value or mean.
    pub(super) const fn numerator(&self) -> Option<f64> {
        self.numerator
    }

    /// The standard deviation of the subgroup.
    pub(super) const fn spread(&self) -> Option<f64> {
        self.spread
    }

    /// The size of the subgroup.
    pub(super) fn size(&self) -> u64 {
        // Sizes come from the length of a slice.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        self.denominator.map_or(0, |size| size as u64)
    }

    /// The numerator over the denominator, or the value itself where the chart has none.
    pub(super) fn quotient(&self) -> Option<f64> {
        match self.denominator {
            Some(denominator) => (denominator > 0.0).then(|| self.numerator.map(|value| value / denominator))?,
            None => self.numerator,
        }
    }

    /// Refuses what the chart cannot mean.
    pub(super) fn checked(&self, kind: Kind, index: usize) -> Result<()> {
        for value in [self.numerator, self.denominator].into_iter().flatten() {
            if !value.is_finite() {
                return Err(StatisticsError::ValueNotFinite { index, value });
            }
        }
        let refuse = |what, value, range| Err(StatisticsError::OutOfRange { what, value, range });
        match (self.numerator, self.denominator) {
            (_, Some(denominator)) if denominator < 0.0 => refuse("a denominator", denominator, "0 or more"),
            (Some(_), None) if kind.needs_denominator() => {
                Err(StatisticsError::LengthMismatch { what: "the denominators", found: 0, expected: 1 })
            }
            (Some(value), _)
                if value < 0.0
                    && !matches!(kind, Kind::I | Kind::Mr | Kind::XBar | Kind::S | Kind::IPrime | Kind::T) =>
            {
                refuse("a count", value, "0 or more")
            }
            (Some(value), Some(denominator)) if matches!(kind, Kind::P | Kind::PPrime) && value > denominator => {
                refuse("a numerator", value, "no larger than its denominator")
            }
            (Some(value), None) if kind == Kind::T && value <= 0.0 => {
                refuse("a time between events", value, "above 0: events at the same moment have no chart of this kind")
            }
            _ => Ok(()),
        }
    }
}
