//! Which points of a control chart are signals of special cause, by named sets of rules.
//!
//! Rules look along the points of one phase that are neither missing nor excluded; a gap does not end a pattern. Points on
//! the centre line end a shift, and equal neighbours end a trend. Every point that takes part in a pattern is marked, except
//! in the "k of n" rules, which mark the points beyond the zone.

use super::chart::{Chart, Plotted};
use super::run::longest_run_limit;
use super::{Direction, Meaning, Side};

/// A set of rules by its name in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleSet {
    /// One rule: a point beyond three standard deviations. Shewhart WA. Economic Control of Quality, 1931.
    Shewhart,
    /// Two rules, for the line alone: an unusually long run, unusually few crossings (see [`super::run`]).
    Anhoej,
    /// Making Data Count (NHS England): beyond limits, shift and trend of 7 points, 2 of 3 close to a limit.
    MakingDataCount,
    /// The same with shift and trend of 6 points, as some organisations use it.
    MakingDataCount6,
    /// Nelson's eight rules: beyond limits; 9 on one side; 6 rising or falling; 14 alternating; 2 of 3 beyond two and 4 of 5
    /// beyond one standard deviation; 15 within one; 8 beyond one on both sides. Nelson LS. The Shewhart control chart:
    /// tests for special causes. J Qual Technol 1984;16:237–239.
    Nelson,
}

impl RuleSet {
    /// Returns the stable name used in settings and result tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shewhart => "shewhart",
            Self::Anhoej => "anhoej",
            Self::MakingDataCount => "mdc",
            Self::MakingDataCount6 => "mdc6",
            Self::Nelson => "nelson",
        }
    }
}

/// A rule that fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Beyond a three-standard-deviation limit.
    BeyondLimits,
    /// That many points or more on one side of the line.
    Shift(usize),
    /// That many points or more, each above (or each below) the one before it.
    Trend(usize),
    /// Two of three successive points beyond two thirds of the way to the same limit.
    TwoOfThree,
    /// Four of five successive points beyond one standard deviation on the same side.
    FourOfFive,
    /// Fourteen points that go up and down in turn.
    Alternating,
    /// Fifteen points within one standard deviation: too little variation.
    Hugging,
    /// Eight points beyond one standard deviation, on either side: a mixture.
    Mixture,
    /// A run longer than chance allows for the number of points.
    LongRun,
    /// The line is crossed less often than chance allows.
    FewCrossings,
}

/// One rule at one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fired {
    /// Which rule.
    pub rule: Rule,
    /// On which side, or which way; `None` for rules without one.
    pub side: Option<Side>,
}

/// What the rules say of one point.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signal {
    /// Rules that fired, in order of precedence; empty: common cause.
    pub rules: Vec<Fired>,
    /// What it means, by the first rule with a side; `None` for common cause and for rules without a side.
    pub meaning: Option<Meaning>,
}

/// Judges every point of a chart.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::chart::{Kind, Options, Point, chart};
/// use carecoord_statistics::spc::rules::{Rule, RuleSet, signals};
/// use carecoord_statistics::spc::{Direction, Meaning};
/// let days = [9.0, 7.0, 8.0, 10.0, 6.0, 9.0, 5.0, 4.0, 5.0, 4.0, 3.0, 5.0, 4.0, 4.0].map(Point::value);
/// let chart = chart(Kind::I, &days, &Options::plain())?;
/// let signals = signals(&chart, RuleSet::MakingDataCount, Direction::Decrease);
/// assert_eq!(signals[13].rules[0].rule, Rule::Shift(7));
/// assert_eq!(signals[13].meaning, Some(Meaning::Improvement));
/// # Ok(())
/// # }
/// ```
pub fn signals(chart: &Chart, rules: RuleSet, direction: Direction) -> Vec<Signal> {
    let mut signals = vec![Signal::default(); chart.points.len()];
    for (number, phase) in chart.phases.iter().enumerate() {
        let series = Series::of(chart, number);
        let mut mark = |rule: Rule, marks: Vec<Mark>| {
            for (place, mark) in series.places.iter().zip(marks) {
                let side = match mark {
                    Mark::Nothing => continue,
                    Mark::Fired => None,
                    Mark::On(side) => Some(side),
                };
                signals[*place].rules.push(Fired { rule, side });
            }
        };
        match rules {
            RuleSet::Shewhart => {}
            RuleSet::Anhoej => {
                if let Ok(runs) = phase.runs {
                    if runs.shift {
                        mark(Rule::LongRun, sided(&series.runs_longer_than(longest_run_limit(runs.useful))));
                    }
                    if runs.clustering {
                        mark(Rule::FewCrossings, vec![Mark::Fired; series.places.len()]);
                    }
                }
            }
            RuleSet::MakingDataCount | RuleSet::MakingDataCount6 => {
                let points = if rules == RuleSet::MakingDataCount { 7 } else { 6 };
                mark(Rule::Trend(points), sided(&trend(&series.given, points)));
                mark(Rule::TwoOfThree, sided(&two_of_three_one_side(&series)));
                mark(Rule::Shift(points), sided(&shift(&series.sides(), points)));
            }
            RuleSet::Nelson => {
                mark(Rule::Shift(9), sided(&shift(&series.sides(), 9)));
                mark(Rule::Trend(6), sided(&trend(&series.given, 6)));
                mark(Rule::Alternating, unsided(&alternating(&series.values, 14)));
                mark(Rule::TwoOfThree, sided(&k_of_n(&series.beyond(2), 2, 3)));
                mark(Rule::FourOfFive, sided(&k_of_n(&series.beyond(1), 4, 5)));
                let beyond = series.beyond(1);
                let has_limits: Vec<bool> = series.points.iter().map(|point| point.limits.is_some()).collect();
                let within: Vec<bool> =
                    beyond.iter().zip(&has_limits).map(|(side, has)| *has && side.is_none()).collect();
                let outside: Vec<bool> = beyond.iter().map(Option::is_some).collect();
                mark(Rule::Hugging, unsided(&unbroken(&within, 15)));
                mark(Rule::Mixture, unsided(&unbroken(&outside, 8)));
            }
        }
    }
    for (signal, point) in signals.iter_mut().zip(&chart.points) {
        if rules != RuleSet::Anhoej && point.beyond_limits() {
            let side = if point.value > Some(point.centre) { Side::High } else { Side::Low };
            signal.rules.insert(0, Fired { rule: Rule::BeyondLimits, side: Some(side) });
        }
        signal.meaning = signal.rules.iter().find_map(|fired| fired.side).map(|side| Meaning::of(side, direction));
    }
    signals
}

/// The points of a phase that rules look at.
struct Series<'a> {
    places: Vec<usize>,
    points: Vec<&'a Plotted>,
    values: Vec<f64>,
    given: Vec<Option<f64>>,
}

impl<'a> Series<'a> {
    fn of(chart: &'a Chart, phase: usize) -> Self {
        let mut series = Self { places: Vec::new(), points: Vec::new(), values: Vec::new(), given: Vec::new() };
        for (place, point) in chart.points.iter().enumerate() {
            if let Some(value) = point.value.filter(|_| point.phase == phase && point.included) {
                series.places.push(place);
                series.points.push(point);
                series.values.push(value);
                series.given.push(Some(value));
            }
        }
        series
    }

    fn sides(&self) -> Vec<Option<Side>> {
        self.values.iter().zip(&self.points).map(|(value, point)| side(*value, point.centre)).collect()
    }

    /// The side on which a point lies beyond so many standard deviations, 1 or 2.
    fn beyond(&self, deviations: u8) -> Vec<Option<Side>> {
        let judge = |(value, point): (&f64, &&Plotted)| {
            let limits = point.limits?;
            let (lower, upper) =
                if deviations == 1 { (limits.lower_1, limits.upper_1) } else { (limits.lower_2, limits.upper_2) };
            match *value {
                value if value > upper => Some(Side::High),
                value if value < lower => Some(Side::Low),
                _ => None,
            }
        };
        self.values.iter().zip(&self.points).map(judge).collect()
    }

    /// Points of runs longer than a limit; points on the line take no part and end no run.
    fn runs_longer_than(&self, limit: usize) -> Vec<Option<Side>> {
        let sides = self.sides();
        let off: Vec<(usize, Side)> =
            sides.iter().enumerate().filter_map(|(place, side)| Some((place, (*side)?))).collect();
        let mut marks = vec![None; sides.len()];
        for run in off.chunk_by(|one, other| one.1 == other.1).filter(|run| run.len() > limit) {
            for (place, side) in run {
                marks[*place] = Some(*side);
            }
        }
        marks
    }
}

pub(super) fn side(value: f64, centre: f64) -> Option<Side> {
    // As in run charts: rounding does not take a point off the line.
    let on_the_line = (value - centre).abs() <= super::run::TIE * value.abs().max(centre.abs());
    (!on_the_line).then_some(if value > centre { Side::High } else { Side::Low })
}

/// What a rule says of a point.
#[derive(Clone, Copy)]
enum Mark {
    Nothing,
    Fired,
    On(Side),
}

fn sided(marks: &[Option<Side>]) -> Vec<Mark> {
    marks.iter().map(|side| side.map_or(Mark::Nothing, Mark::On)).collect()
}

fn unsided(marks: &[bool]) -> Vec<Mark> {
    marks.iter().map(|marked| if *marked { Mark::Fired } else { Mark::Nothing }).collect()
}

/// Points in runs of at least `points` on one side; a point on the line ends a run.
pub(super) fn shift(sides: &[Option<Side>], points: usize) -> Vec<Option<Side>> {
    let mut marks = vec![None; sides.len()];
    let mut start = 0;
    for run in sides.chunk_by(|one, other| one == other) {
        if run.len() >= points {
            marks[start..start + run.len()].copy_from_slice(run);
        }
        start += run.len();
    }
    marks
}

/// Points in rises or falls of at least `points`. A point that ends one and begins the next is marked by the earlier.
pub(super) fn trend(values: &[Option<f64>], points: usize) -> Vec<Option<Side>> {
    let steps: Vec<Option<Side>> = values.windows(2).map(|pair| side(pair[1]?, pair[0]?)).collect();
    let mut marks = vec![None; values.len()];
    let mut start = 0;
    for run in steps.chunk_by(|one, other| one == other) {
        if run.len() + 1 >= points {
            for mark in &mut marks[start..=start + run.len()] {
                *mark = mark.or(run[0]);
            }
        }
        start += run.len();
    }
    marks
}

/// Making Data Count's two of three: three successive points on one side, at least two of them close to its limit, that is
/// beyond two thirds of the way and not outside; marks those.
fn two_of_three_one_side(series: &Series<'_>) -> Vec<Option<Side>> {
    let close: Vec<bool> = series
        .beyond(2)
        .iter()
        .zip(&series.points)
        .map(|(side, point)| side.is_some() && !point.beyond_limits())
        .collect();
    two_of_three(&series.sides(), &close)
}

pub(super) fn two_of_three(sides: &[Option<Side>], close: &[bool]) -> Vec<Option<Side>> {
    let mut marks = vec![None; sides.len()];
    for first in 0..sides.len().saturating_sub(2) {
        let window = first..first + 3;
        let one_side = sides[first].is_some() && sides[window.clone()].iter().all(|side| *side == sides[first]);
        if one_side && close[window.clone()].iter().filter(|close| **close).count() >= 2 {
            for place in window.filter(|place| close[*place]) {
                marks[place] = sides[place];
            }
        }
    }
    marks
}

/// Points beyond a zone, where at least `k` of `n` successive points lie beyond it on the same side.
fn k_of_n(beyond: &[Option<Side>], k: usize, n: usize) -> Vec<Option<Side>> {
    let mut marks = vec![None; beyond.len()];
    for (first, window) in beyond.windows(n).enumerate() {
        for side in [Side::High, Side::Low] {
            if window.iter().filter(|found| **found == Some(side)).count() >= k {
                for (place, _) in window.iter().enumerate().filter(|(_, found)| **found == Some(side)) {
                    marks[first + place] = Some(side);
                }
            }
        }
    }
    marks
}

/// Points in stretches of at least `points` that go up and down in turn.
fn alternating(values: &[f64], points: usize) -> Vec<bool> {
    let steps: Vec<Option<Side>> = values.windows(2).map(|pair| side(pair[1], pair[0])).collect();
    let mut marks = vec![false; values.len()];
    let mut start = 0;
    for run in steps.chunk_by(|one, other| one.is_some() && other.is_some() && one != other) {
        if run.len() + 1 >= points && run[0].is_some() {
            marks[start..=start + run.len()].fill(true);
        }
        start += run.len();
    }
    marks
}

/// Points in unbroken stretches of at least `points`.
fn unbroken(holds: &[bool], points: usize) -> Vec<bool> {
    let mut marks = vec![false; holds.len()];
    let mut start = 0;
    for run in holds.chunk_by(|one, other| one == other) {
        if run[0] && run.len() >= points {
            marks[start..start + run.len()].fill(true);
        }
        start += run.len();
    }
    marks
}
