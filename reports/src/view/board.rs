//! A page for the board: what changed, and each family's headline measure, on one sheet of paper.

use serde::Serialize;

use super::measure::MeasureRows;
use super::summary::SummaryRow;
use crate::model::{Rate, Run};
use crate::reading::{Change, Verdict};
use crate::words;

/// Measures with a signal that fit on the sheet.
const CHANGED: usize = 6;
/// Rows that fit on the sheet.
const ROWS: usize = 9;

/// What stands on the sheet.
#[derive(Debug, Serialize)]
pub struct Board {
    /// Measures with a signal: concerns first, then improvements.
    changed: Vec<SummaryRow>,
    /// How many have one beside these, in words; empty for none.
    more: String,
    /// What stands there when no measure has one.
    quiet: &'static str,
    /// Which measures have no data in the latest final month, in a sentence; empty for none.
    missing: String,
    /// Whether changes were looked for at all.
    assessed: bool,
    /// The first measure without a signal that has a value, of each family that is not among them.
    headlines: Vec<SummaryRow>,
}

/// Families that a board asks for first; others follow in the order of the report.
const FIRST: [&str; 6] = ["readmission", "cost", "utilization", "referral", "transition", "patient_reported"];

fn urgency(family: &str) -> usize {
    FIRST.iter().position(|first| *first == family).unwrap_or(FIRST.len())
}

/// Measures named in the sentence about missing data.
const NAMED: usize = 3;

/// The sentence about measures whose data did not come in the latest final month.
fn missing(rows: &[MeasureRows]) -> String {
    let titles: Vec<&str> = rows
        .iter()
        .filter(|rows| rows.latest_final().is_some_and(Rate::is_missing))
        .map(|rows| rows.measure.title.as_str())
        .collect();
    let others = match titles.len().saturating_sub(NAMED) {
        0 => String::new(),
        others => format!("; and {others} more"),
    };
    if titles.is_empty() {
        return String::new();
    }
    format!(
        "Rows that these measures rest on did not come in the latest final month, so they have no value: {}{others}.",
        titles.iter().take(NAMED).copied().collect::<Vec<_>>().join("; ")
    )
}

impl Board {
    /// Chooses the rows: of measures with a signal those of concern first, within them the headlines of families.
    pub fn new(rows: &[MeasureRows], run: &Run) -> Self {
        let mut signals: Vec<&MeasureRows> =
            rows.iter().filter(|rows| rows.reading.verdict == Verdict::Signal).collect();
        let has_value = |rows: &MeasureRows| rows.latest_final().and_then(Rate::shown).is_some();
        let rank = |change: Change| match change {
            Change::Worsening => 0,
            Change::Improvement => 1,
            Change::Undirected => 2,
        };
        // Where the latest value may not be shown there is nothing to put before a board.
        signals.sort_by_key(|rows| (!has_value(rows), rank(rows.reading.change), rows.measure.position));
        let more = signals.len().saturating_sub(CHANGED);
        let changed: Vec<SummaryRow> =
            signals.iter().take(CHANGED).enumerate().map(|(place, rows)| SummaryRow::new(rows, place, run)).collect();
        let shown = &signals[..signals.len().min(CHANGED)];
        let is_changed = |family: &str| shown.iter().any(|rows| rows.measure.family == family);
        let mut headlines: Vec<&MeasureRows> = rows
            .chunk_by(|one, other| one.measure.family == other.measure.family)
            .filter(|family| family.first().is_some_and(|rows| !is_changed(&rows.measure.family)))
            // The first that has something to say.
            .filter_map(|family| {
                let quiet = |rows: &&MeasureRows| rows.reading.verdict != Verdict::Signal;
                family.iter().filter(quiet).find(|rows| has_value(rows))
            })
            .collect();
        headlines.sort_by_key(|rows| urgency(&rows.measure.family));
        headlines.truncate(ROWS - changed.len());
        headlines.sort_by_key(|rows| words::family_rank(&rows.measure.family));
        let headlines =
            headlines.into_iter().enumerate().map(|(place, rows)| SummaryRow::new(rows, place, run)).collect();
        let more = match more {
            0 => String::new(),
            1 => "One more measure shows a signal: see the report.".to_owned(),
            more => format!("{more} more measures show a signal: see the report."),
        };
        let missing = missing(rows);
        let quiet = if run.release.is_yearly() {
            "This release has whole years alone, so no signal was looked for."
        } else if missing.is_empty() {
            "No measure shows more than ordinary month-to-month variation."
        } else {
            "No other measure shows more than ordinary month-to-month variation."
        };
        Self { changed, more, quiet, missing, assessed: !run.release.is_yearly(), headlines }
    }
}
