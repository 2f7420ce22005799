//! The head of the page: which data, which run, and what stands out.

use std::collections::BTreeSet;

use serde::Serialize;

use super::measure::MeasureRows;
use crate::format;
use crate::model::{Results, Run, State};
use crate::reading::{Change, Verdict};

/// One fact about the run.
#[derive(Debug, Serialize)]
pub struct Fact {
    name: &'static str,
    value: String,
}

/// What this report was made from.
pub fn facts(results: &Results) -> Vec<Fact> {
    let run = &results.run;
    let or_unknown = |text: &str| if text.is_empty() { "not recorded".to_owned() } else { text.to_owned() };
    let assumed = if run.extract_date_assumed { " (assumed)" } else { "" };
    let release = (!run.release.promise().is_empty()).then(|| ("Release", run.release.promise().to_owned()));
    let yearly = run.release.is_yearly();
    let facts = [
        (
            if yearly { "Years measured" } else { "Months measured" },
            format!("{} to {}", run.month_words(run.first_month), run.month_words(run.report_month)),
        ),
        ("Patients in the data", format::count(run.patients)),
        ("Data taken on", format!("{}{assumed}", run.day_words(run.extract_date))),
        ("Data source", or_unknown(&run.source)),
        ("Lake snapshot", run.lake_snapshot.clone()),
        ("Files loaded", files(results)),
        ("Small counts", format!("1 to {} suppressed", format::count(run.suppress_below - 1))),
        ("Signals by", rules(results).to_owned()),
        ("Run", run.run_id.clone()),
        ("Made by", format!("carecoord {}", run.carecoord_version)),
    ];
    release
        .into_iter()
        .chain(facts)
        // No chart, no rules.
        .filter(|(name, _)| !(yearly && *name == "Signals by"))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| Fact { name, value })
        .collect()
}

/// How many files the data came from; nothing where they are not told apart.
fn files(results: &Results) -> String {
    let hashed = results.quality.iter().filter(|row| !row.file_hash.is_empty());
    let files: BTreeSet<i64> = hashed.map(|row| row.extract_id).collect();
    match files.len() {
        0 => String::new(),
        1 => "1, with its hash under Row accounting".to_owned(),
        many => format!("{many}, with their hashes under Row accounting"),
    }
}

/// The same in a line: which months, whom, as of when.
pub fn basis(run: &Run) -> String {
    let promise = run.release.promise();
    let basis = format!(
        "{} to {} · {} patients · data taken {}{}{} · counts of 1 to {} suppressed.",
        run.month_words(run.first_month),
        run.month_words(run.report_month),
        format::count(run.patients),
        if run.release.is_yearly() { "in " } else { "on " },
        run.day_words(run.extract_date),
        if run.extract_date_assumed { " (assumed)" } else { "" },
        format::count(run.suppress_below - 1),
    );
    if promise.is_empty() { basis } else { format!("{promise} {basis}") }
}

/// Which rules the charts were judged by.
fn rules(results: &Results) -> &'static str {
    if results.charts.iter().any(|chart| chart.rules == "mdc") {
        "control limits and patterns (NHS England, Making Data Count)"
    } else {
        "control limits, runs and crossings (Shewhart, Anhøj)"
    }
}

/// What a reader must know before any number.
pub fn warnings(run: &Run) -> Vec<String> {
    if run.extract_date_assumed {
        vec![format!(
            "No one stated the day on which the data were taken. The last date in the data, {}, was assumed. If the \
             extracts are older than that, {} shown as final may still change.",
            run.day_words(run.extract_date),
            if run.release.is_yearly() { "years" } else { "months" }
        )]
    } else {
        Vec::new()
    }
}

/// What stands out, in a sentence.
#[derive(Debug, Serialize)]
pub struct Glance {
    summary: String,
    notes: Vec<String>,
}

impl Glance {
    /// Counts what the sections below show.
    pub fn new(rows: &[MeasureRows], refused: usize, results: &Results) -> Self {
        let with_signal: Vec<&MeasureRows> =
            rows.iter().filter(|rows| rows.reading.verdict == Verdict::Signal).collect();
        let mut summary = vec![format!("{} with a value", measures(rows.len() - without(rows).iter().sum::<usize>()))];
        let yearly = results.run.release.is_yearly();
        summary.push(match with_signal.len() {
            0 if yearly => "whole years alone, so no signal was looked for".to_owned(),
            0 => "none shows a signal".to_owned(),
            1 => format!("1 shows a signal ({})", changes(&with_signal)),
            many => format!("{many} show a signal ({})", changes(&with_signal)),
        });
        let unassessed = rows.iter().filter(|rows| rows.reading.verdict == Verdict::NotAssessed).count();
        if unassessed > 0 && !yearly {
            summary.push(format!("{unassessed} not assessed"));
        }
        let [open, suppressed, empty] = without(rows);
        let parts = [(open, "not final yet"), (suppressed, "suppressed"), (empty, "without anything to measure")];
        summary.extend(
            parts.into_iter().filter(|(number, _)| *number > 0).map(|(number, words)| format!("{number} {words}")),
        );
        let doubted = rows.iter().filter(|rows| rows.measure.nothing_found).count();
        if doubted > 0 {
            summary.push(format!("{doubted} where nothing was found: check the data"));
        }
        if refused > 0 {
            summary.push(format!(
                "{refused} refused because the data cannot support {}",
                if refused == 1 { "it" } else { "them" }
            ));
        }
        let summary = format!("{}.", summary.join("; "));
        let mut notes = Vec::new();
        let failed = results.checks.iter().filter(|check| check.severity == "fail").count();
        if failed > 0 {
            notes.push(format!("{failed} data checks failed: do not use this report before they are resolved."));
        }
        let aside: i64 = results.quality.iter().map(|row| row.quarantined).sum();
        if aside > 0 {
            let read: i64 = results.quality.iter().map(|row| row.read).sum();
            notes.push(format!(
                "{} of {} rows read were put aside because a check rejected them.",
                format::count(aside),
                format::count(read)
            ));
        }
        Self { summary, notes }
    }
}

/// Computed measures without a value: no period is final yet, the latest is suppressed, or it has nothing to measure.
fn without(rows: &[MeasureRows]) -> [usize; 3] {
    let mut found = [0; 3];
    for rows in rows {
        match rows.latest_final().map(|rate| (rate.state, rate.shown())) {
            None => found[0] += 1,
            Some((State::Suppressed, _)) => found[1] += 1,
            Some((_, None)) => found[2] += 1,
            Some(_) => {}
        }
    }
    found
}

fn changes(with_signal: &[&MeasureRows]) -> String {
    [(Change::Worsening, "of concern"), (Change::Undirected, "without direction"), (Change::Improvement, "improvement")]
        .into_iter()
        .map(|(change, word)| (with_signal.iter().filter(|rows| rows.reading.change == change).count(), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn measures(number: usize) -> String {
    if number == 1 { "1 measure".to_owned() } else { format!("{number} measures") }
}
