//! `carecoord ingest` and `carecoord check`.

use std::path::PathBuf;
use std::process::ExitCode;

use carecoord_pipeline::ingest::{FileOutcome, Options, Outcome, ingest};
use carecoord_pipeline::mapping::Mapping;
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
        checks: config.checks,
        buckets: config.buckets,
        extract_date: options.extract_date,
        again: options.again,
        dry_run,
        progress: &|text| progress.say(text),
    })?;
    drop(progress);
    let code = say(&outcome, options.format, dry_run);
    Ok((outcome, code))
}

/// Prints what became of each file, and says whether the data passed.
pub fn say(outcome: &Outcome, format: TextFormat, dry_run: bool) -> ExitCode {
    match format {
        TextFormat::Table => print_table(outcome, dry_run),
        TextFormat::Json => output::line(&json(outcome).to_string()),
    }
    for failure in &outcome.failures {
        output::message(&format!("error: {} ({}): {}", failure.file, failure.table, failure.reason));
    }
    if outcome.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        output::message("the data did not pass the checks; nothing was published");
        ExitCode::from(DATA)
    }
}

fn print_table(outcome: &Outcome, wordy: bool) {
    let row = |file: &FileOutcome| {
        let counts = &file.accounting;
        let numbers =
            [counts.read, counts.filtered, counts.accepted, counts.quarantined, counts.duplicate, counts.superseded];
        let mut row = vec![file.file.clone(), counts.table.clone()];
        row.extend(numbers.map(|number| number.to_string()));
        row.push(if file.known { "already loaded".to_owned() } else { String::new() });
        row
    };
    let rows: Vec<Vec<String>> = outcome.files.iter().map(row).collect();
    output::table(
        &["file", "table", "read", "left out", "accepted", "quarantined", "duplicate", "superseded", ""],
        &rows,
    );
    let wordy = wordy || !outcome.failures.is_empty();
    for file in outcome.files.iter().filter(|file| !file.known) {
        print_findings(file, wordy);
    }
    if !outcome.unused_files.is_empty() {
        output::message(&format!("files not used: {}", outcome.unused_files.join(", ")));
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
        output::message(&format!(
            "  {} line {}, column {}: {:?} ({})",
            file.file, example.line, example.column, example.value, example.check
        ));
    }
    if !file.accounting.extra_columns.is_empty() {
        output::message(&format!("{}: columns not used: {}", file.file, file.accounting.extra_columns.join(", ")));
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
            json!({ "file": file.file, "already_loaded": file.known, "accounting": file.accounting, "examples": examples })
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
