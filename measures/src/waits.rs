//! Days until an event: the arithmetic of measures of time.
//!
//! Every unit is watched from its index date until the event, another end that rules the event out, or the last day that
//! is known, whichever comes first. Units of recent months are watched for a shorter time, and that is all: a median over
//! the closed ones alone would be too low there (`measures.md` RF-TTx).

use std::collections::BTreeMap;

use carecoord_statistics::StatisticsError;
use carecoord_statistics::intervals::quantile;
use carecoord_statistics::survival::{CurveLimits, FollowUp, IncidenceVariance, aalen_johansen};

use crate::rates::Sums;

const CONFIDENCE: f64 = 0.95;
/// Name of the limits of the median: where the log-log limits of the cumulative incidence cross one half.
pub const METHOD: &str = "aalen_johansen_log_log";

/// How long units waited.
#[derive(Debug, Clone, PartialEq)]
pub struct Waits {
    /// Units watched.
    pub n: u64,
    /// Of them, with the event, with another end, and still waiting when last seen.
    pub events: u64,
    /// Units with another end, such as a cancellation.
    pub competing: u64,
    /// Units that were still waiting when last seen.
    pub censored: u64,
    /// Day by which half of all units have had the event; none where not so many have.
    pub median: Option<f64>,
    /// Lower limit of the median.
    pub lower: Option<f64>,
    /// Upper limit of the median.
    pub upper: Option<f64>,
    /// Day by which nine of ten have had it.
    pub p90: Option<f64>,
    /// Days by which one tenth, two tenths and so on to nine tenths of all units have had it; none where not so many have.
    pub tenths: [Option<f64>; 9],
    /// Median over the units that have had it alone: too low while others wait.
    pub completed_median: Option<f64>,
    /// 90th percentile over them.
    pub completed_p90: Option<f64>,
    /// Share of all units that have had it by the last day on which any was watched, 0 to 1.
    pub share: Option<f64>,
}

/// How units waited, from counts by `state|days`, as the workbench writes the component of units.
///
/// # Errors
/// When a component is none of these, or the curve cannot be computed.
pub fn waits(components: &BTreeMap<String, Sums>) -> Result<Option<Waits>, String> {
    let (mut time, mut cause) = (Vec::new(), Vec::new());
    let mut completed = Vec::new();
    let mut counts = [0_u64; 3];
    for (component, sums) in components {
        let Some((state, days)) = component.split_once('|') else { continue };
        let days: f64 = days.parse().map_err(|_| format!("{component} says no number of days"))?;
        let state: u8 = match state {
            "event" => 1,
            "competing" => 2,
            "censored" => 0,
            other => return Err(format!("{other} is no end of a wait")),
        };
        if days < 0.0 {
            return Err(format!("an event lies {} days before the index date", -days));
        }
        let n = usize::try_from(sums.n).unwrap_or(usize::MAX);
        time.extend(std::iter::repeat_n(days, n));
        cause.extend(std::iter::repeat_n(state, n));
        counts[usize::from(state)] += sums.n;
        if state == 1 {
            completed.extend(std::iter::repeat_n(days, n));
        }
    }
    if time.is_empty() {
        return Ok(None);
    }
    let follow_up = FollowUp { entry: None, time: &time, cause: &cause };
    let said = |error: StatisticsError| error.to_string();
    let curves =
        aalen_johansen(&follow_up, 2, IncidenceVariance::Greenwood, CurveLimits::LogLog, CONFIDENCE).map_err(said)?;
    let curve = curves.cause(1).ok_or("there is no curve of the event")?;
    let median = curve.quantile(0.5).map_err(said)?;
    let p90 = curve.quantile(0.9).map_err(said)?.time;
    let mut tenths = [None; 9];
    for (tenth, days) in (1_u8..).zip(&mut tenths) {
        *days = curve.quantile(f64::from(tenth) / 10.0).map_err(said)?.time;
    }
    // None where no unit has had it yet.
    let of_completed = |share: f64| quantile(&completed, share).ok();
    Ok(Some(Waits {
        n: time.len() as u64,
        events: counts[1],
        competing: counts[2],
        censored: counts[0],
        median: median.time,
        lower: median.lower,
        upper: median.upper,
        p90,
        tenths,
        completed_median: of_completed(0.5),
        completed_p90: of_completed(0.9),
        share: curve.steps.last().map(|step| step.incidence),
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)] // Halves and whole days.
mod tests {
    use super::*;

    fn components(counts: &[(&str, u64)]) -> BTreeMap<String, Sums> {
        counts.iter().map(|(name, n)| ((*name).to_owned(), Sums { n: *n, ..Sums::default() })).collect()
    }

    #[test]
    fn open_units_are_neither_lost_nor_closed() {
        // Of 8, three close on days 1 to 3, one is cancelled, and four wait: the closed ones alone would say 2 days.
        let found = waits(&components(&[
            ("event|1", 1),
            ("event|2", 1),
            ("event|3", 1),
            ("competing|2", 1),
            ("censored|90", 4),
        ]));
        let found = found.unwrap().unwrap();
        assert_eq!((found.n, found.events, found.competing, found.censored), (8, 3, 1, 4));
        assert_eq!((found.median, found.completed_median), (None, Some(2.0)));
        assert_eq!(found.share, Some(0.375));
        let (none, day) = (None, Some);
        assert_eq!(found.tenths, [day(1.0), day(2.0), day(3.0), none, none, none, none, none, none]);
    }

    #[test]
    fn what_ends_a_wait_is_one_of_three() {
        assert_eq!(waits(&BTreeMap::new()).unwrap(), None);
        assert!(waits(&components(&[("closed|3", 1)])).unwrap_err().contains("closed"));
        assert!(waits(&components(&[("event|x", 1)])).unwrap_err().contains("days"));
        assert!(waits(&components(&[("event|-2", 1)])).unwrap_err().contains("before"));
    }
}
