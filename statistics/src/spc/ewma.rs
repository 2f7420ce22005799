//! The exponentially weighted moving average: each point carries a fading memory of those before it.

use super::constants::D2;
use super::ranges::{mean, mean_range, moving_ranges};
use crate::{Result, StatisticsError};

/// What an EWMA chart is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Weight of the newest point, above 0 and at most 1; 0.2 is usual.
    pub weight: f64,
    /// Limits lie so many standard deviations of the average away; 3, or 2.7 for small weights.
    pub width: f64,
    /// The centre; `None`: the mean of the points that are there.
    pub centre: Option<f64>,
    /// The standard deviation of single points; `None`: from the mean moving range.
    pub sigma: Option<f64>,
}

/// The average after one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The average; at a missing point that of the point before.
    pub average: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// Whether the average lies outside its limits.
    pub signal: bool,
}

/// An EWMA chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it was made with.
    pub options: Options,
    /// Centre line.
    pub centre: f64,
    /// Standard deviation of single points.
    pub sigma: f64,
    /// Points.
    pub steps: Vec<Step>,
}

/// Makes an EWMA chart of `values` in order of time, `None` being missing.
///
/// After `i` points the limits lie `width · σ √(λ/(2 − λ) (1 − (1 − λ)^{2i}))` from the centre.
///
/// Source: Roberts SW. Control chart tests based on geometric moving averages. Technometrics 1959;1:239–250; Montgomery, 7th
/// ed., section 9.2.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for an option outside its range, [`StatisticsError::Empty`] without values,
/// [`StatisticsError::NotComputable`] when no two neighbouring points set a range, [`StatisticsError::ValueNotFinite`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::ewma::{Options, chart};
/// let options = Options { weight: 0.2, width: 3.0, centre: Some(10.0), sigma: Some(1.0) };
/// let chart = chart(&[Some(10.0), Some(12.0)], &options)?;
/// assert!((chart.steps[1].average - 10.4).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
pub fn chart(values: &[Option<f64>], options: &Options) -> Result<Chart> {
    let refuse = |what, value, range| Err(StatisticsError::OutOfRange { what, value, range });
    if !(options.weight > 0.0 && options.weight <= 1.0) {
        return refuse("the weight of the newest point", options.weight, "above 0 and at most 1");
    }
    if !(options.width > 0.0 && options.width.is_finite()) {
        return refuse("the width of the limits", options.width, "above 0");
    }
    if let Some(sigma) = options.sigma.filter(|sigma| !(sigma.is_finite() && *sigma > 0.0)) {
        return refuse("the standard deviation", sigma, "above 0");
    }
    if let Some(value) = options.centre.filter(|centre| !centre.is_finite()) {
        return Err(StatisticsError::NotFinite { what: "the centre line", value });
    }
    let not_finite =
        values.iter().enumerate().find_map(|(index, value)| value.filter(|v| !v.is_finite()).map(|v| (index, v)));
    if let Some((index, value)) = not_finite {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    let given: Vec<f64> = values.iter().copied().flatten().collect();
    let own_centre = mean(&given).ok_or(StatisticsError::Empty { what: "an EWMA chart" })?;
    let centre = options.centre.unwrap_or(own_centre);
    let sigma = match options.sigma {
        Some(sigma) => sigma,
        None => mean_range(moving_ranges(values).into_iter(), false).map(|range| range / D2).ok_or(
            StatisticsError::NotComputable {
                what: "the standard deviation of an EWMA chart",
                because: "no two neighbouring points set a moving range",
            },
        )?,
    };
    let weight = options.weight;
    let (mut average, mut fading) = (centre, 1.0);
    let mut steps = Vec::with_capacity(values.len());
    for value in values {
        if let Some(value) = value {
            average = weight * value + (1.0 - weight) * average;
            fading *= (1.0 - weight) * (1.0 - weight);
        }
        let reach = options.width * sigma * (weight / (2.0 - weight) * (1.0 - fading)).sqrt();
        let (lower, upper) = (centre - reach, centre + reach);
        if let Some(value) = [average, lower, upper].into_iter().find(|value| !value.is_finite()) {
            return Err(StatisticsError::NotFinite { what: "an EWMA", value });
        }
        steps.push(Step { average, lower, upper, signal: average > upper || average < lower });
    }
    Ok(Chart { options: *options, centre, sigma, steps })
}
