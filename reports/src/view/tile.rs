//! A tile: one measure's latest final value, with its interval and what its run chart says.

use serde::Serialize;

use super::measure::MeasureRows;
use crate::format;
use crate::model::{Run, State};
use crate::reading::Verdict;
use crate::words;

/// A measure in short.
#[derive(Debug, Serialize)]
pub struct Tile {
    anchor: String,
    title: String,
    family: String,
    /// The value, or why there is none.
    value: String,
    /// Whether `value` is a number.
    shown: bool,
    /// Rest of the unit, in words.
    unit: String,
    period: String,
    interval: String,
    fraction: String,
    better: &'static str,
    badge: String,
    signal: bool,
    sentence: String,
    note: String,
}

impl Tile {
    /// The tile of a measure: its latest final month, or quarter or year where it has no months.
    pub fn new(rows: &MeasureRows, run: &Run) -> Self {
        let measure = rows.measure;
        let mut tile = Self {
            anchor: rows.anchor(),
            title: measure.title.clone(),
            family: words::family(&measure.family),
            value: String::new(),
            shown: false,
            unit: rows.format.unit.clone(),
            period: String::new(),
            interval: String::new(),
            fraction: String::new(),
            better: words::better(&measure.better),
            badge: rows.reading.badge.clone(),
            signal: rows.reading.verdict == Verdict::Signal,
            sentence: rows.reading.short.clone(),
            note: String::new(),
        };
        let Some(rate) = rows.latest_final() else {
            "not final yet".clone_into(&mut tile.value);
            tile.note = format!(
                "No period is final: each unit is followed for {}, and the data need {} more to be complete.",
                days(measure.window_days),
                days(measure.runout_days)
            );
            return tile;
        };
        tile.period = format::period(&rate.period_kind, rate.period);
        match (rate.state, rate.shown()) {
            (State::Shown, Some(value)) => {
                tile.value = rows.format.value(value);
                tile.shown = true;
                tile.interval = rate.interval().map_or_else(
                    || "no interval is given".to_owned(),
                    |(lower, upper)| {
                        format!(
                            "95% interval {} ({})",
                            rows.format.interval(lower, upper),
                            words::method(&rate.interval_method)
                        )
                    },
                );
                if let (Some(numerator), Some(denominator)) = (rate.numerator, rate.denominator) {
                    tile.fraction = words::fraction(measure, rows.format.prefix, numerator, denominator);
                }
            }
            (State::Undefined | State::Shown, _) => "—, no denominator".clone_into(&mut tile.value),
            (State::Suppressed, _) => tile.value = words::state(rate, run.suppress_below),
        }
        if rows.months.last().is_some_and(|last| last.period > rate.period && !last.is_final) {
            "Later months are not final yet.".clone_into(&mut tile.note);
        }
        tile
    }
}

fn days(number: i64) -> String {
    if number == 1 { "1 day".to_owned() } else { format!("{} days", format::count(number)) }
}
