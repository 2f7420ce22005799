//! A page for the board: what changed, and each family's headline measure, on one sheet of paper.

use serde::Serialize;

use super::measure::MeasureRows;
use super::summary::SummaryRow;
use crate::model::Run;
use crate::reading::{Change, Verdict};

/// Measures with a signal that fit on the sheet.
const CHANGED: usize = 6;
/// Rows that fit on the sheet.
const ROWS: usize = 10;

/// What stands on the sheet.
#[derive(Debug, Serialize)]
pub struct Board {
    /// Measures with a signal: concerns first, then improvements.
    changed: Vec<SummaryRow>,
    /// How many have one beside these, in words; empty for none.
    more: String,
    /// What stands there when no measure has one.
    quiet: &'static str,
    /// Whether changes were looked for at all.
    assessed: bool,
    /// The headline of each family that has no signal.
    headlines: Vec<SummaryRow>,
}

impl Board {
    /// Chooses the rows: of measures with a signal those of concern first, within them the headlines of families.
    pub fn new(rows: &[MeasureRows], run: &Run) -> Self {
        let mut signals: Vec<&MeasureRows> =
            rows.iter().filter(|rows| rows.reading.verdict == Verdict::Signal).collect();
        let rank = |change: Change| match change {
            Change::Worsening => 0,
            Change::Improvement => 1,
            Change::Undirected => 2,
        };
        signals.sort_by_key(|rows| (rank(rows.reading.change), rows.measure.position));
        let more = signals.len().saturating_sub(CHANGED);
        let changed: Vec<SummaryRow> =
            signals.iter().take(CHANGED).enumerate().map(|(place, rows)| SummaryRow::new(rows, place, run)).collect();
        let mut families: Vec<&str> = Vec::new();
        let headlines = rows
            .iter()
            .filter(|rows| {
                let first = !families.contains(&rows.measure.family.as_str());
                families.push(&rows.measure.family);
                first && rows.reading.verdict != Verdict::Signal && rows.latest_final().is_some()
            })
            .take(ROWS - changed.len())
            .enumerate()
            .map(|(place, rows)| SummaryRow::new(rows, place, run))
            .collect();
        let more = match more {
            0 => String::new(),
            1 => "One more measure shows a signal: see the report.".to_owned(),
            more => format!("{more} more measures show a signal: see the report."),
        };
        let quiet = if run.release.is_yearly() {
            "This release has whole years alone, so no signal was looked for."
        } else {
            "No measure shows more than ordinary month-to-month variation."
        };
        Self { changed, more, quiet, assessed: !run.release.is_yearly(), headlines }
    }
}
