//! Which chart fits a measure, and why.
//!
//! Source: Provost LP, Murray SK. The Health Care Data Guide, 2011, figure 5.1 and chapter 8; Mohammed MA, Worthington P.
//! Why traditional statistical process control charts for attribute data should be viewed alongside an xmr-chart. BMJ Qual
//! Saf 2013;22:263–269 (large denominators); thresholds marked "ours" are conventions of this project.

use super::chart::Kind;
use crate::{Result, StatisticsError};

/// Fewer points than this make a run chart (ours; the literature says 10 to 20).
pub const ENOUGH_FOR_LIMITS: usize = 12;
/// Mean denominators from this size make limits of P and U charts so narrow that P′ and U′ are needed (ours).
pub const LARGE_DENOMINATOR: f64 = 1000.0;
/// Expected events per point below this leave a proportion or rate mostly at zero (ours).
pub const RARE_EVENTS: f64 = 1.0;

/// What a measure's points are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure<'a> {
    /// Units with the event out of all units, for each point.
    Proportion(&'a [(u64, u64)]),
    /// Events over exposure, for each point.
    Rate(&'a [(u64, f64)]),
    /// Events over an exposure that stays the same.
    Count(&'a [u64]),
    /// A measured sum over a denominator, such as cost per member-month, for each point.
    Ratio(&'a [(f64, f64)]),
    /// Single measured values; how many points.
    Value(usize),
    /// Subgroups of measurements; sizes.
    Subgroups(&'a [u64]),
    /// Time between rare events; how many.
    TimeBetween(usize),
    /// Cases between rare events; how many.
    CasesBetween(usize),
}

/// The chart that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The control chart; `None`: a run chart.
    pub chart: Option<Kind>,
    /// Why, in a sentence for readers of the chart.
    pub why: &'static str,
}

/// Names the chart that fits a measure.
///
/// # Errors
///
/// [`StatisticsError::Empty`] for a measure without points.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::{chart::Kind, choose::{Measure, choose}};
/// let monthly = [(38, 310); 24];
/// assert_eq!(choose(Measure::Proportion(&monthly))?.chart, Some(Kind::P));
/// assert_eq!(choose(Measure::Proportion(&monthly[..6]))?.chart, None);
/// # Ok(())
/// # }
/// ```
pub fn choose(measure: Measure<'_>) -> Result<Choice> {
    let points = match measure {
        Measure::Proportion(points) => points.len(),
        Measure::Rate(points) => points.len(),
        Measure::Count(points) => points.len(),
        Measure::Ratio(points) => points.len(),
        Measure::Subgroups(sizes) => sizes.len(),
        Measure::Value(points) | Measure::TimeBetween(points) | Measure::CasesBetween(points) => points,
    };
    if points == 0 {
        return Err(StatisticsError::Empty { what: "the choice of a chart" });
    }
    if points < ENOUGH_FOR_LIMITS {
        let why = "There are fewer than 12 points, too few to settle control limits: a run chart needs none.";
        return Ok(Choice { chart: None, why });
    }
    let (chart, why) = match measure {
        Measure::Proportion(pairs) => {
            let events = pairs.iter().map(|pair| pair.0 as f64).sum::<f64>() / points as f64;
            let others = pairs.iter().map(|pair| pair.1.saturating_sub(pair.0) as f64).sum::<f64>() / points as f64;
            attributes(events.min(others), pairs.iter().map(|pair| pair.1 as f64).sum::<f64>() / points as f64, true)
        }
        Measure::Rate(pairs) => {
            let events = pairs.iter().map(|pair| pair.0 as f64).sum::<f64>() / points as f64;
            attributes(events, pairs.iter().map(|pair| pair.1).sum::<f64>() / points as f64, false)
        }
        Measure::Count(counts) if counts.iter().sum::<u64>() as f64 / (points as f64) < RARE_EVENTS => (None, RARE),
        Measure::Count(_) => {
            (Some(Kind::C), "Counts over the same exposure vary as a Poisson distribution does: a C chart.")
        }
        Measure::Ratio(_) => (
            Some(Kind::IPrime),
            "A measured sum over a varying denominator: an I′ chart, whose limits narrow where the denominator is large.",
        ),
        Measure::Value(_) => (Some(Kind::I), "Single measured values in order of time: an I chart."),
        Measure::Subgroups(sizes) if sizes.iter().all(|size| *size <= 1) => {
            (Some(Kind::I), "Subgroups of one value each are single values: an I chart.")
        }
        Measure::Subgroups(_) => {
            (Some(Kind::XBar), "Several measurements for each point: an X-bar chart of means, read beside an S chart.")
        }
        Measure::TimeBetween(_) => (Some(Kind::T), "Time between rare events: a T chart."),
        Measure::CasesBetween(_) => (Some(Kind::G), "Cases between rare events: a G chart."),
    };
    Ok(Choice { chart, why })
}

const RARE: &str = "Fewer than one event is expected for each point: use a run chart, or count the time or the cases between events (T or G chart).";

fn attributes(events: f64, denominator: f64, proportion: bool) -> (Option<Kind>, &'static str) {
    match (events < RARE_EVENTS, denominator >= LARGE_DENOMINATOR, proportion) {
        (true, _, _) => (None, RARE),
        (_, true, true) => (
            Some(Kind::PPrime),
            "A proportion of very many units: a P′ chart, because plain limits would be narrower than the ordinary variation between points.",
        ),
        (_, false, true) => (Some(Kind::P), "A proportion of units: a P chart, whose limits follow the denominators."),
        (_, true, false) => (
            Some(Kind::UPrime),
            "Events over very large exposure: a U′ chart, because plain limits would be narrower than the ordinary variation between points.",
        ),
        (_, false, false) => {
            (Some(Kind::U), "Events over varying exposure: a U chart, whose limits follow the exposure.")
        }
    }
}
