//! Individuals charts (`XmR`) as NHS England's "Making Data Count" reads them: variation (improvement, concern, common cause) and assurance
//! (pass, fail, hit or miss).
//!
//! The line is the mean, the limits lie 2.66 mean moving ranges away. Four rules, in order of precedence: a point outside
//! the limits; a trend of seven points; two of three successive points on one side close to its limit; a shift of seven
//! points on one side.
//!
//! Source: NHS England. Making Data Count: Strengthening your decisions, 2019; Provost LP, Murray SK. The Health Care Data
//! Guide, 2011. Precedence and the reading of "close" follow the package that NHS analysts use, and are checked against it.

use super::ranges::{mean, mean_range, moving_ranges};
use super::rules::{shift, side, trend, two_of_three};
use super::{Direction, Meaning, Side};
use crate::{Result, StatisticsError};

/// Limits lie so many mean moving ranges from the mean: 3 / 1.128, rounded as the NHS prints it.
const LIMIT: f64 = 2.66;
/// A phase with fewer points than this warns that its limits are not settled.
pub const FEW_POINTS: usize = 13;

/// What a chart is made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which way is good.
    pub direction: Direction,
    /// The target, in the unit of the values.
    pub target: Option<f64>,
    /// First points (from 0) of the second and later phases, rising: recalculated limits.
    pub phases: Vec<usize>,
    /// Only so many first points of each phase, missing ones counted, set its limits. `None`: all.
    pub fixed_after: Option<usize>,
    /// Whether moving ranges above 3.267 times their mean are left out of the mean that sets the limits.
    pub screened: bool,
    /// Points that make a trend or a shift: 7, or 6 where an organisation has chosen so.
    pub pattern: usize,
}

/// Which rule marks a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpecialCause {
    /// Outside the limits.
    Outside,
    /// Part of a trend.
    Trend,
    /// Two of three close to a limit.
    TwoOfThree,
    /// Part of a shift.
    Shift,
}

/// One point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Phase, from 0.
    pub phase: usize,
    /// The value; `None` when missing.
    pub value: Option<f64>,
    /// Whether it set its phase's limits.
    pub sets_limits: bool,
    /// Mean of its phase.
    pub mean: f64,
    /// Lower process limit; `None` where no two neighbouring points set a range.
    pub lower: Option<f64>,
    /// Upper process limit.
    pub upper: Option<f64>,
    /// Side of the mean; `None` on it or missing.
    pub side: Option<Side>,
    /// Whether it lies outside the limits.
    pub outside: bool,
    /// Whether it lies beyond two thirds of the way to a limit, and not outside.
    pub close: bool,
    /// The rule that marks it, and on which side or which way.
    pub cause: Option<(SpecialCause, Side)>,
    /// What that means.
    pub meaning: Option<Meaning>,
}

/// Whether the process will meet its target as it runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assurance {
    /// Both limits lie on the good side of the target.
    Pass,
    /// Both limits lie on the bad side.
    Fail,
    /// The target lies between the limits: it will be hit or missed by chance.
    HitOrMiss,
}

/// One phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// First point, from 0.
    pub first: usize,
    /// Points that are not missing.
    pub observations: usize,
    /// Mean of the points that set the limits.
    pub mean: f64,
    /// Lower process limit.
    pub lower: Option<f64>,
    /// Upper process limit.
    pub upper: Option<f64>,
    /// Points marked as improvement.
    pub improvements: usize,
    /// Points marked as concern.
    pub concerns: usize,
    /// Points marked as change, for a measure without direction.
    pub changes: usize,
    /// Whether fewer than [`FEW_POINTS`] points set the limits.
    pub is_short: bool,
}

/// A chart with its two verdicts.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it was made with.
    pub options: Options,
    /// Phases.
    pub phases: Vec<Phase>,
    /// Points.
    pub points: Vec<Point>,
    /// What the last point that is not missing says; `None`: common cause.
    pub variation: Option<Meaning>,
    /// What the last phase's limits say about the target; `None` without target, direction, or limits.
    pub assurance: Option<Assurance>,
}

/// Makes a chart of `values` in order of time, `None` being missing.
///
/// A missing point ends every pattern, and the ranges to its neighbours are missing too.
///
/// # Errors
///
/// [`StatisticsError::Empty`] for no values, or a phase without any; [`StatisticsError::ValueNotFinite`];
/// [`StatisticsError::OutOfRange`] for phases that do not rise, `fixed_after` of 0, or a pattern below 3.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::Direction;
/// use carecoord_statistics::spc::mdc::{Assurance, Options, chart};
/// let closed = [71.0, 74.0, 69.0, 73.0, 70.0, 72.0, 75.0, 71.0, 73.0, 70.0, 74.0, 72.0, 71.0].map(Some);
/// let options = Options {
///     direction: Direction::Increase, target: Some(90.0), phases: vec![], fixed_after: None, screened: true, pattern: 7,
/// };
/// let chart = chart(&closed, &options)?;
/// assert_eq!((chart.variation, chart.assurance), (None, Some(Assurance::Fail)));
/// # Ok(())
/// # }
/// ```
pub fn chart(values: &[Option<f64>], options: &Options) -> Result<Chart> {
    let starts = checked(values, options)?;
    let mut phases = Vec::new();
    let mut points: Vec<Point> = Vec::with_capacity(values.len());
    for (number, first) in starts.iter().copied().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(values.len());
        points.extend(phase_points(&values[first..end], number, options)?);
        let own = &points[first..];
        let count =
            |fits: fn(&Meaning) -> bool| own.iter().filter(|point| point.meaning.as_ref().is_some_and(fits)).count();
        let Some(any) = own.first() else { continue };
        phases.push(Phase {
            first,
            observations: own.iter().filter(|point| point.value.is_some()).count(),
            mean: any.mean,
            lower: any.lower,
            upper: any.upper,
            improvements: count(|meaning| *meaning == Meaning::Improvement),
            concerns: count(|meaning| *meaning == Meaning::Concern),
            changes: count(|meaning| matches!(meaning, Meaning::Change(_))),
            is_short: own.iter().filter(|point| point.sets_limits).count() < FEW_POINTS,
        });
    }
    let variation = points.iter().rev().find(|point| point.value.is_some()).and_then(|point| point.meaning);
    let assurance =
        phases.last().and_then(|phase| assurance(phase.lower?, phase.upper?, options.target?, options.direction));
    Ok(Chart { options: options.clone(), phases, points, variation, assurance })
}

/// Whether a process with these limits meets a target. A limit on the target is no pass and no fail. `None` for a neutral
/// direction.
pub fn assurance(lower: f64, upper: f64, target: f64, direction: Direction) -> Option<Assurance> {
    let (above, below) = match direction {
        Direction::Increase => (Assurance::Pass, Assurance::Fail),
        Direction::Decrease => (Assurance::Fail, Assurance::Pass),
        Direction::Neutral => return None,
    };
    Some(match () {
        () if lower > target => above,
        () if upper < target => below,
        () => Assurance::HitOrMiss,
    })
}

fn checked(values: &[Option<f64>], options: &Options) -> Result<Vec<usize>> {
    let numbers = values.iter().enumerate().filter_map(|(index, value)| value.map(|value| (index, value)));
    if let Some((index, value)) = numbers.clone().find(|(_, value)| !value.is_finite()) {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    let out = |what, value: usize, range| Err(StatisticsError::OutOfRange { what, value: value as f64, range });
    if let Some(value) = options.target.filter(|target| !target.is_finite()) {
        return Err(StatisticsError::NotFinite { what: "the target", value });
    }
    if options.fixed_after == Some(0) {
        return out("the number of points that fix the limits", 0, "at least 1");
    }
    if options.pattern < 3 {
        return out("the length of a trend or shift", options.pattern, "at least 3");
    }
    let mut starts = vec![0];
    for &start in &options.phases {
        if starts.last().is_some_and(|before| start <= *before) || start >= values.len() {
            return out("the first point of a phase", start, "after that of the phase before and within the series");
        }
        starts.push(start);
    }
    if values.is_empty() {
        return Err(StatisticsError::Empty { what: "an XmR chart" });
    }
    Ok(starts)
}

fn phase_points(values: &[Option<f64>], phase: usize, options: &Options) -> Result<Vec<Point>> {
    let fixing = options.fixed_after.unwrap_or(values.len()).min(values.len());
    let fixed: Vec<f64> = values[..fixing].iter().copied().flatten().collect();
    let mean = mean(&fixed).ok_or(StatisticsError::Empty { what: "a phase of an XmR chart" })?;
    let range = mean_range(moving_ranges(&values[..fixing]).into_iter(), options.screened);
    let (lower, upper) = (range.map(|range| mean - LIMIT * range), range.map(|range| mean + LIMIT * range));
    if let Some(value) = [Some(mean), lower, upper].into_iter().flatten().find(|value| !value.is_finite()) {
        return Err(StatisticsError::NotFinite { what: "a process limit", value });
    }

    let sides: Vec<Option<Side>> = values.iter().map(|value| side((*value)?, mean)).collect();
    let beyond = |share: f64| -> Vec<bool> {
        let is_beyond = |value: &f64| {
            let reach = |limit: f64| mean + (limit - mean) * share;
            lower.is_some_and(|limit| *value < reach(limit)) || upper.is_some_and(|limit| *value > reach(limit))
        };
        values.iter().map(|value| value.as_ref().is_some_and(is_beyond)).collect()
    };
    let outside = beyond(1.0);
    let close: Vec<bool> = beyond(2.0 / 3.0).iter().zip(&outside).map(|(close, outside)| *close && !outside).collect();
    let trend = trend(values, options.pattern);
    let two_of_three = two_of_three(&sides, &close);
    let shift = shift(&sides, options.pattern);

    let point = |place: usize| {
        let by = |cause: SpecialCause, side: Option<Side>| side.map(|side| (cause, side));
        let cause = by(SpecialCause::Outside, sides[place].filter(|_| outside[place]))
            .or(by(SpecialCause::Trend, trend[place]))
            .or(by(SpecialCause::TwoOfThree, two_of_three[place]))
            .or(by(SpecialCause::Shift, shift[place]));
        Point {
            phase,
            value: values[place],
            sets_limits: place < fixing && values[place].is_some(),
            mean,
            lower,
            upper,
            side: sides[place],
            outside: outside[place],
            close: close[place],
            cause,
            meaning: cause.map(|(_, side)| Meaning::of(side, options.direction)),
        }
    };
    Ok((0..values.len()).map(point).collect())
}
