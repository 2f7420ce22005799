//! The Bernoulli CUSUM: cases one by one, with a signal soon after the odds of the event have changed.

use crate::{Result, StatisticsError};

/// What a CUSUM is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The accepted proportion, strictly between 0 and 1.
    pub target: f64,
    /// The odds ratio to detect upwards, above 1; downwards its inverse is looked for.
    pub odds_ratio: f64,
    /// The sum at which a signal is given, above 0; the sum then starts anew from 0.
    pub limit: f64,
}

/// The sums after one case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Evidence for higher odds, 0 or more.
    pub up: f64,
    /// Whether it reached the limit here.
    pub signal_up: bool,
    /// Evidence for lower odds, 0 or less.
    pub down: f64,
    /// Whether it reached the limit here.
    pub signal_down: bool,
}

/// Runs the CUSUM over cases in order: `true` is an event.
///
/// Each case adds its log-likelihood ratio between the changed and the accepted odds; sums do not fall behind 0.
///
/// Source: Steiner SH, Cook RJ, Farewell VT, Treasure T. Monitoring surgical performance using risk-adjusted cumulative sum
/// charts. Biostatistics 2000;1:441–452, without risk adjustment.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for an option outside its range.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::cusum::{Options, bernoulli};
/// let steps = bernoulli(&[true, true, true], &Options { target: 0.05, odds_ratio: 2.0, limit: 1.5 })?;
/// assert!(steps[2].signal_up && steps[2].up == 0.0);
/// # Ok(())
/// # }
/// ```
pub fn bernoulli(events: &[bool], options: &Options) -> Result<Vec<Step>> {
    let refuse = |what, value, range| Err(StatisticsError::OutOfRange { what, value, range });
    let Options { target, odds_ratio, limit } = *options;
    if !(target > 0.0 && target < 1.0) {
        return refuse("the accepted proportion", target, "between 0 and 1, both excluded");
    }
    if !(odds_ratio > 1.0 && odds_ratio.is_finite()) {
        return refuse("the odds ratio to detect", odds_ratio, "above 1");
    }
    if !(limit > 0.0 && limit.is_finite()) {
        return refuse("the limit", limit, "above 0");
    }
    let ratio = |event: bool, odds_ratio: f64| {
        let changed = odds_ratio * target / (1.0 - target + odds_ratio * target);
        if event { (changed / target).ln() } else { ((1.0 - changed) / (1.0 - target)).ln() }
    };
    let (mut up, mut down) = (0.0_f64, 0.0_f64);
    let mut steps = Vec::with_capacity(events.len());
    for event in events {
        up = (up + ratio(*event, odds_ratio)).max(0.0);
        down = (down - ratio(*event, 1.0 / odds_ratio)).min(0.0);
        let (signal_up, signal_down) = (up >= limit, down <= -limit);
        up = if signal_up { 0.0 } else { up };
        down = if signal_down { 0.0 } else { down };
        steps.push(Step { up, signal_up, down, signal_down });
    }
    Ok(steps)
}
