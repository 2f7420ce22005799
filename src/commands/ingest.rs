//! `carecoord ingest` and `carecoord check`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use carecoord_lake::contract::Severity;
use carecoord_lake::manifest::Finding;
use carecoord_pipeline::advice::advice;
use carecoord_pipeline::ingest::{FileOutcome, Options, Outcome, ingest};
use carecoord_pipeline::mapping::Mapping;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::json;

use crate::arguments::{IngestOptions, TextFormat};
use crate::config::Config;
use crate::failure::{DATA, Failure};
use crate::output::{self, Progress};

/// Brings extracts into the lake.
pub fn run(options: &IngestOptions) -> Result<ExitCode, Failure> {
    let (outcome, code) = go(options, false)?;
    if code == ExitCode::SUCCESS {
        say_published(&outcome);
    }
    Ok(code)
}

/// Says whether a snapshot of the lake was published.
pub fn say_published(outcome: &Outcome) {
    output::message(&match &outcome.snapshot {
        Some(snapshot) => format!("published lake snapshot {}", snapshot.id),
        None => "nothing new: the lake is as it was".to_owned(),
    });
}

/// Says what ingest would do; writes nothing.
pub fn check(options: &IngestOptions) -> Result<ExitCode, Failure> {
    let (_, code) = go(options, true)?;
    if code == ExitCode::SUCCESS {
        output::message("the extracts pass; nothing was written");
    }
    Ok(code)
}

fn go(options: &IngestOptions, dry_run: bool) -> Result<(Outcome, ExitCode), Failure> {
    let project = &options.project.project;
    let config = Config::read(project)?;
    // A mapping named in the project's settings lies in the project; one named on the command line, wherever it says.
    let own = |source: &String| {
        let inside = project.join(source);
        if inside.is_file() { inside.to_string_lossy().into_owned() } else { source.clone() }
    };
    let source = options.source.clone().or_else(|| config.source.as_ref().map(own));
    let Some(source) = source else {
        return Err(Failure::Usage(format!(
            "which source? Give --source with one of {}, or the path of your own mapping",
            Mapping::built_in_names().join(", ")
        )));
    };
    let extracts: Option<PathBuf> =
        options.extracts.clone().or_else(|| config.extracts.as_ref().map(|path| project.join(path)));
    let Some(extracts) = extracts else {
        return Err(Failure::Usage("where are the extracts? Give --extracts DIR".to_owned()));
    };
    let progress = Progress::new();
    let outcome = ingest(&Options {
        mapping: Mapping::load(&source)?,
        extracts: &extracts,
        project,
        words: config.words(project)?,
        unpacking: config.limits,
        today: today(),
        checks: config.checks,
        buckets: config.buckets,
        extract_date: options.extract_date,
        again: options.again,
        dry_run,
        progress: &|text| progress.say(text),
    })?;
    drop(progress);
    let code = say(&outcome, options.format, dry_run)?;
    Ok((outcome, code))
}

/// Prints what became of each file, and says whether the data passed.
pub fn say(outcome: &Outcome, format: TextFormat, dry_run: bool) -> Result<ExitCode, Failure> {
    match format {
        TextFormat::Table => {
            if dry_run || !outcome.failures.is_empty() {
                print_worst(outcome)?;
            }
            print_table(outcome, dry_run)?;
        }
        TextFormat::Json => output::line(&json(outcome).to_string())?,
    }
    for failure in &outcome.failures {
        output::message(&format!("error: {} ({}): {}", failure.file, failure.table, failure.reason));
    }
    Ok(if outcome.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        output::message("the data did not pass the checks; nothing was published");
        ExitCode::from(DATA)
    })
}

/// Findings that only say how something was read: they are told below, but there is nothing to do about them.
const HARMLESS: [&str; 3] = ["null_marker", "open_ended", "repeated_header"];

/// The worst findings in a sentence each, with place, value and what mends them.
fn print_worst(outcome: &Outcome) -> Result<(), Failure> {
    let mut worst: Vec<(&FileOutcome, &Finding)> = outcome
        .files
        .iter()
        .filter(|file| !file.known)
        .flat_map(|file| file.accounting.findings.iter().map(move |finding| (file, finding)))
        .filter(|(_, finding)| !HARMLESS.contains(&finding.check.as_str()))
        .collect();
    let share = |file: &FileOutcome, finding: &Finding| {
        finding.rows as f64 / finding.of.unwrap_or(file.accounting.read).max(1) as f64
    };
    // What fails the run comes first, then what loses rows, then what loses or doubts most cells.
    worst.sort_by(|(one, first), (other, second)| {
        let failing = |file: &FileOutcome, finding: &Finding| {
            let fails = |failure: &carecoord_pipeline::checks::Failure| {
                failure.file == file.file
                    && failure.table == file.accounting.table
                    && failure.reason.starts_with(&finding.check)
            };
            finding.severity == Severity::Fail || outcome.failures.iter().any(fails)
        };
        (failing(other, second), second.severity)
            .cmp(&(failing(one, first), first.severity))
            .then(share(other, second).total_cmp(&share(one, first)))
    });
    if worst.is_empty() {
        return Ok(());
    }
    output::line("What to do first:")?;
    for (number, (file, finding)) in (1..=3).zip(worst) {
        output::line(&format!("{number}. {}", sentence(file, finding)))?;
    }
    output::line("")
}

/// A finding in a sentence: place, value, what is wrong, how often, and what mends it.
fn sentence(file: &FileOutcome, finding: &Finding) -> String {
    let advice = advice(&finding.check);
    let example =
        file.examples.iter().find(|example| example.check == finding.check && example.column == finding.column);
    let place = match example {
        Some(example) if example.line > 0 => format!("{}, line {}", file.file, example.line),
        _ => file.file.clone(),
    };
    let column = match file.headers.get(&finding.column) {
        Some(header) => format!("column {header} ({}.{})", file.accounting.table, finding.column),
        None if finding.column.is_empty() => "the row".to_owned(),
        None => format!("{}.{}", file.accounting.table, finding.column),
    };
    let value = example.map(|example| example.value.as_str()).filter(|value| !value.is_empty());
    let value = value.map_or_else(String::new, |value| format!(" {value:?}"));
    let of = finding.of.unwrap_or(file.accounting.read);
    let severity = match finding.severity {
        Severity::Fail => "; the run fails",
        Severity::Reject => "; the row is put aside",
        Severity::Warn => "",
    };
    if finding.reason.is_empty() {
        format!(
            "{place}: {column}{value} {} ({}, {} of {of}{severity}). To mend it, {}.",
            advice.what, finding.check, finding.rows, advice.remedy
        )
    } else {
        format!("{place}: {column} ({}, {} of {of}{severity}): {}.", finding.check, finding.rows, finding.reason)
    }
}

fn print_table(outcome: &Outcome, wordy: bool) -> Result<(), Failure> {
    let numbers = |file: &FileOutcome| {
        let counts = &file.accounting;
        [
            counts.read,
            counts.filtered,
            counts.accepted,
            counts.quarantined,
            counts.duplicate,
            counts.superseded,
            counts.combined,
            counts.withdrawn,
        ]
    };
    // What few extracts have is shown where some file has it.
    let shown: Vec<bool> =
        (0..8).map(|column| column < 6 || outcome.files.iter().any(|file| numbers(file)[column] > 0)).collect();
    let row = |file: &FileOutcome| {
        let mut row = vec![file.file.clone(), file.accounting.table.clone()];
        row.extend(numbers(file).iter().zip(&shown).filter(|(_, shown)| **shown).map(|(number, _)| number.to_string()));
        row.push(if file.known { "already loaded".to_owned() } else { String::new() });
        row
    };
    let rows: Vec<Vec<String>> = outcome.files.iter().map(row).collect();
    let names = ["read", "left out", "accepted", "quarantined", "duplicate", "superseded", "combined", "withdrawn"];
    let names = names.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(name, _)| *name);
    let header: Vec<&str> = ["file", "table"].into_iter().chain(names).chain([""]).collect();
    output::table(&header, &rows)?;
    let wordy = wordy || !outcome.failures.is_empty();
    let mut told = BTreeSet::new();
    for file in outcome.files.iter().filter(|file| !file.known) {
        if wordy && told.insert(&file.file) {
            print_reading(outcome, file);
        }
        print_findings(file, wordy);
    }
    if !outcome.unused_files.is_empty() {
        output::message(&format!("files not used: {}", outcome.unused_files.join(", ")));
    }
    Ok(())
}

/// How a file was read, and which of its columns no table uses.
fn print_reading(outcome: &Outcome, file: &FileOutcome) {
    let counts = &file.accounting;
    for found in &counts.layout {
        output::message(&format!("{}: {found}", file.file));
    }
    let blocks: Vec<&FileOutcome> =
        outcome.files.iter().filter(|other| other.file == file.file && !other.known).collect();
    let patterns: BTreeSet<String> = blocks
        .iter()
        .flat_map(|block| &block.accounting.patterns)
        .filter(|(_, pattern)| *pattern != "%Y-%m-%d")
        .map(|(column, pattern)| format!("{column} as {pattern}"))
        .collect();
    if !patterns.is_empty() {
        let patterns: Vec<String> = patterns.into_iter().collect();
        output::message(&format!("{}: read {}", file.file, patterns.join(", ")));
    }
    // One file may feed several tables: a column is unused only where no part of the mapping reads it.
    let unused: Vec<&str> = counts
        .extra_columns
        .iter()
        .filter(|column| blocks.iter().all(|block| block.accounting.extra_columns.contains(column)))
        .map(String::as_str)
        .collect();
    if !unused.is_empty() {
        output::message(&format!("{}: columns not used: {}", file.file, unused.join(", ")));
    }
}

/// What the checks found in a file: in a line, or one by one with examples.
fn print_findings(file: &FileOutcome, wordy: bool) {
    let findings = &file.accounting.findings;
    if !wordy {
        let found: Vec<String> = findings
            .iter()
            .map(|finding| {
                let column = if finding.column.is_empty() { "row" } else { &finding.column };
                format!("{column} {} {}", finding.check, finding.rows)
            })
            .collect();
        if !found.is_empty() {
            output::message(&format!("{}: {}", file.file, found.join(", ")));
        }
        return;
    }
    for finding in findings {
        let column = if finding.column.is_empty() { "row" } else { &finding.column };
        output::message(&format!(
            "{}: {} ({}) in {} rows: {}.{column}",
            file.file,
            finding.check,
            finding.severity.word(),
            finding.rows,
            file.accounting.table
        ));
    }
    for example in &file.examples {
        let column =
            if example.column.is_empty() { "the row".to_owned() } else { format!("column {}", example.column) };
        output::message(&format!(
            "  {} line {}, {column}: {:?} ({})",
            file.file, example.line, example.value, example.check
        ));
    }
}

/// Today, or the day that `SOURCE_DATE_EPOCH` says, so that a run can be repeated as on another day.
pub fn today() -> Date {
    let stated = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.trim().parse::<i64>().ok());
    match stated.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
        Some(instant) => TimeZone::UTC.to_datetime(instant).date(),
        None => Zoned::now().date(),
    }
}

fn json(outcome: &Outcome) -> serde_json::Value {
    let files: Vec<serde_json::Value> = outcome
        .files
        .iter()
        .map(|file| {
            let examples: Vec<serde_json::Value> = file
                .examples
                .iter()
                .map(|example| json!({ "line": example.line, "column": example.column, "check": example.check, "value": example.value }))
                .collect();
            json!({ "file": file.file, "extract": file.extract, "already_loaded": file.known, "accounting": file.accounting, "examples": examples })
        })
        .collect();
    let failures: Vec<serde_json::Value> = outcome
        .failures
        .iter()
        .map(|failure| json!({ "file": failure.file, "table": failure.table, "reason": failure.reason }))
        .collect();
    json!({
        "snapshot": outcome.snapshot.as_ref().map(|snapshot| &snapshot.id),
        "files": files,
        "unused_files": outcome.unused_files,
        "failures": failures,
    })
}
