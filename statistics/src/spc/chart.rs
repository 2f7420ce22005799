//! Shewhart's control charts: a centre line, limits three standard deviations away, phases and baselines.
//!
//! | chart | for | standard deviation from |
//! |---|---|---|
//! | [`Kind::I`] | single values | the mean moving range |
//! | [`Kind::Mr`] | moving ranges themselves | the mean moving range |
//! | [`Kind::XBar`] | means of subgroups | the standard deviations within subgroups |
//! | [`Kind::S`] | standard deviations of subgroups | the same |
//! | [`Kind::T`] | time between rare events | moving ranges after the power 1/3.6 |
//! | [`Kind::G`] | cases between rare events | the geometric distribution |
//! | [`Kind::C`] | counts over a constant area of opportunity | the Poisson distribution |
//! | [`Kind::U`] | rates: counts over varying exposure | the Poisson distribution |
//! | [`Kind::P`] | proportions | the binomial distribution |
//! | [`Kind::UPrime`], [`Kind::PPrime`] | the same with very large denominators | both the distribution and the variation between points (Laney) |
//! | [`Kind::IPrime`] | ratios with varying denominators | moving ranges of standardised values (Taylor) |
//!
//! Sources: Montgomery DC. Introduction to Statistical Quality Control, 7th ed., 2013, chapters 6 and 7; Provost LP, Murray
//! SK. The Health Care Data Guide, 2011; Laney DB. Improved control charts for attributes. Quality Engineering
//! 2002;14:531–537; Taylor W. Normalized individuals control chart, 2017; Benneyan JC. Number-between g-type statistical
//! quality control charts. Health Care Manag Sci 2001;4:305–318; Nelson LS. A control chart for parts-per-million
//! nonconforming items. J Qual Technol 1994;26:239–240 (the power 1/3.6).

mod alone;
mod limits;
mod point;

use crate::spc::run::{RunChart, run_chart};
use crate::{Result, StatisticsError};

pub use point::Point;

/// Which control chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Individual values.
    I,
    /// Moving ranges.
    Mr,
    /// Means of subgroups.
    XBar,
    /// Standard deviations of subgroups.
    S,
    /// Time between events.
    T,
    /// Cases between events.
    G,
    /// Counts.
    C,
    /// Rates.
    U,
    /// Rates, Laney's correction for over- or underdispersion.
    UPrime,
    /// Proportions.
    P,
    /// Proportions, Laney's correction for over- or underdispersion.
    PPrime,
    /// Ratios of measured quantities, normalised individuals.
    IPrime,
}

impl Kind {
    /// Returns the stable name used in result tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I => "i",
            Self::Mr => "mr",
            Self::XBar => "xbar",
            Self::S => "s",
            Self::T => "t",
            Self::G => "g",
            Self::C => "c",
            Self::U => "u",
            Self::UPrime => "up",
            Self::P => "p",
            Self::PPrime => "pp",
            Self::IPrime => "ip",
        }
    }

    /// Whether its points need a denominator.
    pub const fn needs_denominator(self) -> bool {
        matches!(self, Self::U | Self::UPrime | Self::P | Self::PPrime | Self::IPrime)
    }
}

/// How the variation between points is measured for U′ and P′ charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variation {
    /// From moving ranges: points are in order of time.
    MovingRange,
    /// From the standard deviation: points are sites or groups, in no order.
    StandardDeviation,
}

/// What a chart is made with. Every field is recorded in the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// First points (from 0) of the second and later phases, rising; each phase has its own limits. Empty: one phase.
    pub phases: Vec<usize>,
    /// How many first points set the limits of all; not together with `phases`. `None`: all.
    pub baseline: Option<usize>,
    /// Points (from 0) that are drawn but neither set limits nor count in runs.
    pub excluded: Vec<usize>,
    /// A centre line that is given, such as a standard, before the multiplier. `None`: from the data.
    pub centre: Option<f64>,
    /// Whether moving ranges above 3.267 times their mean are left out of the mean that sets the limits (I, T, and the
    /// three prime charts). An MR chart is never screened.
    pub screened: bool,
    /// Whether points that stand alone set neither the centre line nor the limits; they are judged like the others. A point
    /// stands alone where the series jumps to it and back within two points, or where it is the first or the last and the
    /// series jumps to or from it. A jump is a moving range above its upper limit, which here comes from the median range.
    pub alone_apart: bool,
    /// How U′ and P′ charts measure the variation between points.
    pub variation: Variation,
    /// Whether a lower limit of an I chart may be negative though no value is.
    pub negative_lower: bool,
    /// What values and limits are multiplied with at the end: 100 for percentages, 1,000 for rates per 1,000.
    pub multiplier: f64,
}

impl Options {
    /// One phase, all points, screened moving ranges, limits as they come: what most series in time need.
    pub const fn plain() -> Self {
        Self {
            phases: Vec::new(),
            baseline: None,
            excluded: Vec::new(),
            centre: None,
            screened: true,
            alone_apart: false,
            variation: Variation::MovingRange,
            negative_lower: true,
            multiplier: 1.0,
        }
    }
}

/// Limits at one point, in the unit of the chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Three standard deviations below the centre line, cut off at what is possible.
    pub lower: f64,
    /// Two standard deviations below, cut off alike.
    pub lower_2: f64,
    /// One standard deviation below, cut off alike.
    pub lower_1: f64,
    /// One standard deviation above.
    pub upper_1: f64,
    /// Two standard deviations above.
    pub upper_2: f64,
    /// Three standard deviations above.
    pub upper: f64,
}

/// One point of a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plotted {
    /// Number of its phase, from 0.
    pub phase: usize,
    /// Whether it lies in the baseline; true throughout without one.
    pub in_baseline: bool,
    /// False when it was excluded.
    pub included: bool,
    /// Whether it stands alone, and so sets neither the centre line nor the limits.
    pub alone: bool,
    /// What is drawn; `None` when missing.
    pub value: Option<f64>,
    /// Denominator or size of the subgroup, where there is one.
    pub denominator: Option<f64>,
    /// Centre line.
    pub centre: f64,
    /// Limits; `None` where there are none, such as at a point without a denominator.
    pub limits: Option<Limits>,
}

impl Plotted {
    /// Whether the point lies outside its three-standard-deviation limits: Shewhart's signal.
    pub fn beyond_limits(&self) -> bool {
        match (self.value, self.limits) {
            (Some(value), Some(limits)) => value > limits.upper || value < limits.lower,
            _ => false,
        }
    }
}

/// One phase of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// First point, from 0.
    pub first: usize,
    /// Number of points, missing ones included.
    pub points: usize,
    /// Centre line.
    pub centre: f64,
    /// For U′ and P′: variation between points in units of what the distribution explains, `σ_z`; 1 means that a plain chart
    /// would do.
    pub sigma_z: Option<f64>,
    /// Why there are no limits, where there are none.
    pub no_limits: Option<&'static str>,
    /// Run analysis around the centre line, or why there is none.
    pub runs: Result<RunChart>,
}

/// A control chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Which.
    pub kind: Kind,
    /// What it was made with.
    pub options: Options,
    /// Phases in order.
    pub phases: Vec<Phase>,
    /// Points in order.
    pub points: Vec<Plotted>,
}

/// Makes a control chart of `points`, in order of time.
///
/// # Errors
///
/// [`StatisticsError::Empty`] for no points, or a phase without any that sets limits; [`StatisticsError::OutOfRange`] for
/// options that contradict each other or the data: phases that do not rise, a baseline beside phases, an excluded point
/// that is not there, a multiplier not above 0, a negative count or denominator, a proportion above 1, a time between events
/// of 0 or less; [`StatisticsError::ValueNotFinite`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::chart::{Kind, Options, Point, chart};
/// let readmitted = [(12, 90), (9, 85), (14, 101), (10, 88), (31, 95)].map(|(x, n)| Point::ratio(x as f64, n as f64));
/// let chart = chart(Kind::P, &readmitted, &Options { multiplier: 100.0, ..Options::plain() })?;
/// assert!(chart.points[4].beyond_limits());
/// # Ok(())
/// # }
/// ```
pub fn chart(kind: Kind, points: &[Point], options: &Options) -> Result<Chart> {
    let starts = checked(kind, points, options)?;
    let drawn: Vec<Option<f64>> = limits::drawn(kind, points)?;
    let mut chart =
        Chart { kind, options: options.clone(), phases: Vec::new(), points: Vec::with_capacity(points.len()) };
    for (number, first) in starts.iter().copied().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(points.len());
        let included: Vec<bool> = (first..end).map(|index| !options.excluded.contains(&index)).collect();
        let in_baseline: Vec<bool> =
            (first..end).map(|index| options.baseline.is_none_or(|points| index < points)).collect();
        let mut base: Vec<bool> = included.iter().zip(&in_baseline).map(|(one, other)| *one && *other).collect();
        let alone = if options.alone_apart {
            alone::alone(kind, &points[first..end], &drawn[first..end], &base)
        } else {
            vec![false; end - first]
        };
        base.iter_mut().zip(&alone).for_each(|(base, alone)| *base &= !alone);
        let found = limits::limits(kind, &points[first..end], &drawn[first..end], &base, options)?;
        let scale = |value: f64| value * options.multiplier;
        let centre = scale(found.centre);
        let values: Vec<Option<f64>> = drawn[first..end].iter().map(|value| value.map(scale)).collect();
        let counted: Vec<Option<f64>> =
            values.iter().zip(&included).map(|(value, included)| value.filter(|_| *included)).collect();
        chart.phases.push(Phase {
            first,
            points: end - first,
            centre,
            sigma_z: found.sigma_z,
            no_limits: found.no_limits,
            runs: run_chart(&counted, Some(centre)),
        });
        for (place, value) in values.iter().enumerate() {
            chart.points.push(Plotted {
                phase: number,
                in_baseline: in_baseline[place],
                included: included[place],
                alone: alone[place],
                value: *value,
                denominator: points[first + place].denominator(),
                centre,
                limits: found.limits[place].map(|limits| limits.map(scale)),
            });
        }
    }
    chart.overflowed()?;
    Ok(chart)
}

impl Chart {
    /// Refuses a chart whose numbers have overflowed.
    fn overflowed(&self) -> Result<()> {
        let limits = self.points.iter().filter_map(|point| point.limits);
        let limits = limits.flat_map(|limits| [limits.lower, limits.lower_2, limits.upper_2, limits.upper]);
        let values = self.points.iter().flat_map(|point| [Some(point.centre), point.value]).flatten();
        match limits.chain(values).find(|number| !number.is_finite()) {
            Some(value) => Err(StatisticsError::NotFinite { what: "a value or limit of a control chart", value }),
            None => Ok(()),
        }
    }
}

/// Checks options against the points and returns the first point of every phase.
fn checked(kind: Kind, points: &[Point], options: &Options) -> Result<Vec<usize>> {
    if points.is_empty() {
        return Err(StatisticsError::Empty { what: "a control chart" });
    }
    if !options.multiplier.is_finite() || options.multiplier <= 0.0 {
        return Err(StatisticsError::MultiplierNotPositive { multiplier: options.multiplier });
    }
    if let Some(value) = options.centre.filter(|centre| !centre.is_finite()) {
        return Err(StatisticsError::NotFinite { what: "the centre line", value });
    }
    let within = |what: &'static str, index: usize, range: &'static str, fits: bool| {
        if fits { Ok(()) } else { Err(StatisticsError::OutOfRange { what, value: index as f64, range }) }
    };
    let mut starts = vec![0];
    for &start in &options.phases {
        let rises = starts.last().is_some_and(|before| start > *before) && start < points.len();
        within("the first point of a phase", start, "after that of the phase before and within the series", rises)?;
        starts.push(start);
    }
    if let Some(baseline) = options.baseline {
        within(
            "the baseline",
            baseline,
            "at least 1 point and not together with phases",
            baseline > 0 && starts.len() == 1,
        )?;
    }
    for &index in &options.excluded {
        within("an excluded point", index, "within the series", index < points.len())?;
    }
    for (index, point) in points.iter().enumerate() {
        point.checked(kind, index)?;
    }
    Ok(starts)
}
