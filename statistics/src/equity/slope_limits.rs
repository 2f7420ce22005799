//! The limits of a slope index: by simulation, from the groups' errors, or from their scatter.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::group::Group;
use super::slope_index::{Line, SlopeLimits, SlopeOptions};
use crate::intervals::{Interval, Method, two_sided_error};
use crate::quantile::{normal_two_sided, t_two_sided};
use crate::{Result, StatisticsError};

const WHAT: &str = "the relative index of inequality";
const CROSSES: StatisticsError = StatisticsError::NotComputable {
    what: WHAT,
    because: "the line is not above 0 at both ends: a ratio means nothing",
};

/// The values of the line at both ends of the order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Ends {
    pub(super) fn slope(self, multiplier: f64) -> f64 {
        (self.end - self.start) * multiplier
    }

    pub(super) fn relative(self, multiplier: f64) -> Option<f64> {
        let ratio = if multiplier > 0.0 { self.end / self.start } else { self.start / self.end };
        (self.start > 0.0 && self.end > 0.0 && ratio.is_finite()).then_some(ratio)
    }
}

type Limits = (Interval, Result<Interval>);

/// Limits as quantiles of what simulated values give.
pub(super) fn simulated(
    groups: &[Group],
    line: &Line,
    ends: Ends,
    options: SlopeOptions,
    repetitions: u64,
    seed: u64,
) -> Result<Limits> {
    if !(100..=10_000_000).contains(&repetitions) {
        let range = "between 100 and 10,000,000";
        return Err(StatisticsError::OutOfRange { what: "the repetitions", value: repetitions as f64, range });
    }
    some_error(groups)?;
    let draw = |repetition: u64| {
        let mut random = Pcg64::new(u128::from(seed), u128::from(repetition));
        let mut spare = None;
        let mut places = Vec::with_capacity(groups.len());
        for group in groups {
            let z = spare.take().unwrap_or_else(|| {
                let (one, other) = two_normal(&mut random);
                spare = Some(other);
                one
            });
            let centre = options.uncertainty.forward(group.value)?;
            let value = options.uncertainty.back(centre + group.standard_error * z);
            places.push(options.regression.forward(value)?);
        }
        let ends = line.ends(places.into_iter(), options.regression);
        Some((ends.slope(options.multiplier), ends.relative(options.multiplier)))
    };
    let drawn: Option<Vec<_>> = (0..repetitions).into_par_iter().map(draw).collect();
    let drawn = drawn.ok_or(StatisticsError::NotComputable {
        what: "a slope index of inequality",
        because: "a simulated value has no logarithm: give the standard errors on the scale of the line",
    })?;
    let tail = two_sided_error(options.confidence)? / 2.0;
    let limits = |value: f64, mut results: Vec<f64>| {
        results.sort_by(f64::total_cmp);
        let (lower, upper) = (quantile(&results, tail), quantile(&results, 1.0 - tail));
        Interval::checked(value, lower, upper, options.confidence, Method::Simulation)
    };
    let slope = limits(ends.slope(options.multiplier), drawn.iter().map(|result| result.0).collect())?;
    let relative = ends.relative(options.multiplier).ok_or(CROSSES).and_then(|value| {
        let results: Option<Vec<f64>> = drawn.iter().map(|result| result.1).collect();
        let because =
            "some simulated lines are not above 0 at both ends: the groups are too small for limits of a ratio";
        limits(value, results.ok_or(StatisticsError::NotComputable { what: WHAT, because })?)
    });
    Ok((slope, relative))
}

/// Limits from a variance carried through the line: of the groups' errors, or of their scatter about the line.
pub(super) fn analytic(groups: &[Group], line: &Line, ends: Ends, options: SlopeOptions) -> Result<Limits> {
    let error = two_sided_error(options.confidence)?;
    let scale = options.regression;
    let (variances, reach, method) = if options.limits == SlopeLimits::Residual {
        let freedom = groups.len().saturating_sub(2);
        if freedom == 0 {
            let (found, needed) = (groups.len() as u64, 3);
            return Err(StatisticsError::TooFew { what: "limits from the scatter of groups", found, needed });
        }
        (scatter(groups, line, options)?, t_two_sided(freedom as f64, error)?, Method::ResidualT)
    } else {
        some_error(groups)?;
        let variance = |group: &Group| {
            let error = group.standard_error * options.uncertainty.growth(group.value) / scale.growth(group.value);
            error * error
        };
        (groups.iter().map(variance).collect::<Vec<f64>>(), normal_two_sided(error), Method::SamplingError)
    };
    // How fast each end's value grows with a group's place.
    let (start, end) = (scale.growth(ends.start), scale.growth(ends.end));
    let half = |from_start: f64, from_end: f64| {
        let places = line.to_start.iter().zip(&line.to_end);
        let pull = places.map(|(to_start, to_end)| from_end * to_end - from_start * to_start);
        reach * pull.zip(&variances).map(|(pull, variance)| pull * pull * variance).sum::<f64>().sqrt()
    };
    let (value, width) = (ends.slope(options.multiplier), half(start, end) * options.multiplier.abs());
    let slope = Interval::checked(value, value - width, value + width, options.confidence, method)?;
    let relative = ends.relative(options.multiplier).ok_or(CROSSES).and_then(|value| {
        // On the log scale, where a ratio is nearly normal.
        let width = half(start / ends.start, end / ends.end);
        Interval::checked(value, value * (-width).exp(), value * width.exp(), options.confidence, method)
    });
    Ok((slope, relative))
}

/// The variance of each group's place, from the scatter of all about the line: inverse to their share.
fn scatter(groups: &[Group], line: &Line, options: SlopeOptions) -> Result<Vec<f64>> {
    let places: Vec<f64> =
        groups.iter().map(|group| options.regression.forward(group.value).unwrap_or_default()).collect();
    let at = |weights: &[f64]| -> f64 { weights.iter().zip(&places).map(|(weight, place)| weight * place).sum() };
    let (start, end) = (at(&line.to_start), at(&line.to_end));
    let mut squares = 0.0;
    for ((place, share), rank) in places.iter().zip(&line.shares).zip(&line.ranks) {
        squares += share * (place - start - (end - start) * rank).powi(2);
    }
    let size = places.iter().fold(0.0_f64, |size, place| size.max(place.abs()));
    if squares <= (1e-13 * size).powi(2) {
        return Err(StatisticsError::ZeroVariance { n: groups.len() as u64 });
    }
    let variance = squares / (groups.len() as f64 - 2.0);
    Ok(line.shares.iter().map(|share| variance / share).collect())
}

fn some_error(groups: &[Group]) -> Result<()> {
    if groups.iter().any(|group| group.standard_error > 0.0) {
        return Ok(());
    }
    Err(StatisticsError::ZeroVariance { n: groups.len() as u64 })
}

/// Two independent standard normal numbers: Box GEP, Muller ME. Ann Math Statist 1958;29:610–611.
fn two_normal(random: &mut Pcg64) -> (f64, f64) {
    // 1 minus a number below 1 is above 0.
    let (radius, angle) = ((-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt(), TAU * random.random::<f64>());
    (radius * angle.cos(), radius * angle.sin())
}

/// The quantile of sorted values, interpolated between order statistics: type 7 of Hyndman RJ, Fan Y. Am Stat
/// 1996;50:361–365.
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let place = probability * (sorted.len() as f64 - 1.0);
    // Between 0 and the last position.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let below = (place.floor() as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_order_statistics() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert!((quantile(&sorted, 0.5) - 3.0).abs() < 1e-15);
        assert!((quantile(&sorted, 0.0) - 1.0).abs() < 1e-15 && (quantile(&sorted, 1.0) - 8.0).abs() < 1e-15);
    }

    #[test]
    fn drawn_numbers_are_standard_normal() {
        let mut random = Pcg64::new(1, 2);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..20_000 {
            let (a, b) = two_normal(&mut random);
            sum += a + b;
            squares += a * a + b * b;
        }
        assert!((sum / 40_000.0).abs() < 0.02 && (squares / 40_000.0 - 1.0).abs() < 0.03);
    }
}
