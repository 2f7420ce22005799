//! Checks that every function of this module makes of what it is given.

use crate::{Result, StatisticsError};

/// Refuses a slice whose length is not `expected`.
pub(super) fn same_length(what: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(StatisticsError::LengthMismatch { what, found, expected }) }
}

/// Refuses a `NaN` or an infinity.
pub(super) fn finite(values: &[f64]) -> Result<()> {
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((index, &value)) => Err(StatisticsError::ValueNotFinite { index, value }),
        None => Ok(()),
    }
}

/// Refuses weights that are not finite and above 0.
pub(super) fn weights(values: &[f64]) -> Result<()> {
    finite(values)?;
    match values.iter().find(|value| **value <= 0.0) {
        Some(&value) => Err(StatisticsError::OutOfRange { what: "a weight", value, range: "above 0" }),
        None => Ok(()),
    }
}

/// Refuses a result that overflowed.
pub(super) fn finite_result(what: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() { Ok(value) } else { Err(StatisticsError::NotFinite { what, value }) }
}

/// Labels renumbered from 0 without gaps, in order of label, and how many there are.
pub(super) fn dense<L: Ord + Copy>(labels: &[L]) -> (Vec<usize>, usize) {
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    // Every label is among the distinct ones, so the search never misses.
    let places = labels.iter().map(|label| distinct.binary_search(label).unwrap_or_default()).collect();
    (places, distinct.len())
}

/// The sum of products of two slices.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
