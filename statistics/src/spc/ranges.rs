//! Moving ranges: how far neighbouring points lie apart.

use super::constants::D4;

/// The ranges between neighbours, in order; a range next to a missing point is missing.
pub(crate) fn moving_ranges(values: &[Option<f64>]) -> Vec<Option<f64>> {
    values.windows(2).map(|pair| Some((pair[1]? - pair[0]?).abs())).collect()
}

/// The mean of the ranges that are there; `None` without any. `screened` leaves out ranges above D4 times the mean, once.
///
/// A range that equals its limit stays, so a series without variation keeps its ranges and has limits of no width.
pub(crate) fn mean_range(ranges: impl Iterator<Item = Option<f64>>, screened: bool) -> Option<f64> {
    let given: Vec<f64> = ranges.flatten().collect();
    let mean = mean(&given)?;
    if !screened {
        return Some(mean);
    }
    let kept: Vec<f64> = given.into_iter().filter(|range| *range <= D4 * mean).collect();
    self::mean(&kept)
}

/// The mean of at least one value.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The standard deviation, with n − 1, of at least two values.
pub(crate) fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() >= 2).then(|| (squares / (values.len() - 1) as f64).sqrt())
}
