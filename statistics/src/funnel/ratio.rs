//! Observed over expected, judged by the site's own interval instead of by limits about the target.

use super::position::{Levels, Limits, Position, Side, Signal};
use crate::intervals::{CountMethod, poisson_exact_rate};
use crate::{Result, StatisticsError};

/// Says where the ratio `observed / expected` lies: outside a level when its interval at that level excludes 1.
///
/// Near a limit this may differ from the limits about the target, which treat the expected events as if they were a
/// count.
///
/// Source: Public Health England. Technical Guide: Confidence Intervals. 2018, sections on ratios and on funnel plots.
///
/// # Errors
///
/// [`StatisticsError::ExposureNotPositive`] for the expected events; those of the levels, see
/// [`super::control_limits`], and of [`CountMethod::rate`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::funnel::{Levels, Position, ratio_position};
/// use carecoord_statistics::intervals::CountMethod;
/// assert_eq!(ratio_position(18, 15.05, Levels::USUAL, CountMethod::Exact)?, Position::WITHIN);
/// # Ok(())
/// # }
/// ```
pub fn ratio_position(observed: u64, expected: f64, levels: Levels, method: CountMethod) -> Result<Position> {
    levels.errors()?;
    for (signal, level) in [(Signal::Alarm, levels.alarm), (Signal::Alert, levels.alert)] {
        let interval = method.rate(observed, expected, level)?;
        if interval.lower > 1.0 {
            return Ok(Position::outside(signal, Side::High));
        }
        if interval.upper < 1.0 {
            return Ok(Position::outside(signal, Side::Low));
        }
    }
    Ok(Position::WITHIN)
}

/// The points of the funnel's four curves at which a number of observed events lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioContour {
    /// The observed events.
    pub observed: u64,
    /// The expected events at which the observed ones are just on a limit. Many expected events make few observed ones
    /// low: `alarm_low` is the largest of the four.
    pub expected: Limits,
    /// Observed over those expected events.
    pub ratio: Limits,
}

/// Computes where the curves of [`ratio_position`] pass through a number of `observed` events, exactly.
///
/// The expected events on the lower curves are Garwood's upper limits of the observed count, and the other way round.
///
/// Source: as [`ratio_position`]; Garwood F. Biometrika 1936;28:437–442.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for no events, through which the upper curves do not pass; those of the levels;
/// [`StatisticsError::CountTooLarge`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let contour = carecoord_statistics::funnel::ratio_limits_at_observed(1, carecoord_statistics::funnel::Levels::USUAL)?;
/// assert!((contour.expected.alert_low - 5.5716).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn ratio_limits_at_observed(observed: u64, levels: Levels) -> Result<RatioContour> {
    levels.errors()?;
    if observed == 0 {
        return Err(StatisticsError::OutOfRange { what: "the observed events", value: 0.0, range: "at least 1" });
    }
    let (alert, alarm) =
        (poisson_exact_rate(observed, 1.0, levels.alert)?, poisson_exact_rate(observed, 1.0, levels.alarm)?);
    let expected =
        Limits { alarm_low: alarm.upper, alert_low: alert.upper, alert_high: alert.lower, alarm_high: alarm.lower };
    let count = observed as f64;
    let ratio = Limits {
        alarm_low: count / expected.alarm_low,
        alert_low: count / expected.alert_low,
        alert_high: count / expected.alert_high,
        alarm_high: count / expected.alarm_high,
    };
    Ok(RatioContour { observed, expected, ratio })
}
