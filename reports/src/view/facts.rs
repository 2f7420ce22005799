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
        ("Small counts", small_counts(run)),
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
        "{} to {} · {} patients · data taken {}{}{} · {}.",
        run.month_words(run.first_month),
        run.month_words(run.report_month),
        format::count(run.patients),
        if run.release.is_yearly() { "in " } else { "on " },
        run.day_words(run.extract_date),
        if run.extract_date_assumed { " (assumed)" } else { "" },
        if run.suppress_below < 2 {
            "no count suppressed".to_owned()
        } else {
            format!("counts of {}", small_counts(run))
        },
    );
    if promise.is_empty() { basis } else { format!("{promise} {basis}") }
}

/// Which counts are suppressed.
fn small_counts(run: &Run) -> String {
    match run.suppress_below {
        ..2 => "none suppressed".to_owned(),
        below => format!("1 to {} suppressed", format::count(below - 1)),
    }
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
        let yearly = results.run.release.is_yearly();
        let [open, suppressed, missing, empty] = without(rows);
        let listed = |parts: &[(usize, &str)]| {
            let said: Vec<String> = parts
                .iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, words)| format!("{} {words}", format::count(i64::try_from(*number).unwrap_or(i64::MAX))))
                .collect();
            said.join(", ")
        };
        let all = rows.len() + refused;
        let mut summary = vec![format!(
            "{}: {}.",
            measures(all),
            listed(&[
                (rows.len() - open - suppressed - missing - empty, "with a value"),
                (suppressed, "suppressed"),
                (missing, "whose data are missing"),
                (empty, "without anything to measure"),
                (open, "not final yet"),
                (refused, "refused because the data cannot support them"),
            ])
        )];
        let of = |change: Change| with_signal.iter().filter(|rows| rows.reading.change == change).count();
        let unassessed = rows.iter().filter(|rows| rows.reading.verdict == Verdict::NotAssessed).count();
        if yearly {
            summary.push("Whole years alone, so no signal was looked for.".to_owned());
        } else if !rows.is_empty() {
            let concern = of(Change::Worsening);
            let first = if concern == 0 { "none of concern".to_owned() } else { format!("{concern} of concern") };
            let rest =
                listed(&[(of(Change::Improvement), "for the better"), (of(Change::Undirected), "without direction")]);
            let quiet = listed(&[
                (rows.len() - with_signal.len() - unassessed, "charts without one now"),
                (unassessed, "not assessed"),
            ]);
            let parts: Vec<String> = [first, rest, quiet].into_iter().filter(|part| !part.is_empty()).collect();
            summary.push(format!("Signals: {}.", parts.join(", ")));
        }
        let doubted = rows.iter().filter(|rows| rows.measure.nothing_found).count();
        if doubted > 0 {
            summary.push(format!("In {} nothing was found: check the data.", measures(doubted)));
        }
        let summary = summary.join(" ");
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

/// Computed measures without a value: no period is final yet, the latest is suppressed, its data did not come, or it has nothing
/// to measure.
fn without(rows: &[MeasureRows]) -> [usize; 4] {
    let mut found = [0; 4];
    for rows in rows {
        match rows.latest_final() {
            None => found[0] += 1,
            Some(rate) if rate.state == State::Suppressed => found[1] += 1,
            Some(rate) if rate.is_missing() => found[2] += 1,
            Some(rate) if rate.shown().is_none() => found[3] += 1,
            Some(_) => {}
        }
    }
    found
}

fn measures(number: usize) -> String {
    if number == 1 { "1 measure".to_owned() } else { format!("{number} measures") }
}
