//! Row accounting: what became of every row read, and what the checks found.

use serde::Serialize;

use crate::format::count;
use crate::model::{CheckResult, Quality, Results};
use crate::words;

/// Digits of a file's hash that the page shows: enough to tell files apart, and to find the whole in the workbook.
const HASH_DIGITS: usize = 12;

/// Row accounting and checks.
#[derive(Debug, Serialize)]
pub struct Accounting {
    files: Vec<FileRow>,
    total: Option<FileRow>,
    all_add_up: bool,
    /// Whether files are told by their hash.
    hashed: bool,
    checks: Vec<CheckRow>,
    preparations: Vec<PreparationRow>,
}

/// What a rule made of the lake's rows before any measure.
#[derive(Debug, Serialize)]
struct PreparationRow {
    view: String,
    rule: String,
    rows: String,
}

#[derive(Debug, Serialize)]
struct FileRow {
    file: String,
    /// The first digits of its hash; empty for several files.
    hash: String,
    table: String,
    numbers: [String; 8],
    adds_up: bool,
    verdict: String,
}

#[derive(Debug, Serialize)]
struct CheckRow {
    severity: String,
    consequence: &'static str,
    urgent: bool,
    check: String,
    table: String,
    column: String,
    file: String,
    rows: String,
}

impl Accounting {
    /// Files in the order of the lake; checks by severity.
    pub fn new(results: &Results) -> Self {
        let mut quality: Vec<&Quality> = results.quality.iter().collect();
        quality.sort_by(|one, other| (one.extract_id, &one.table_name).cmp(&(other.extract_id, &other.table_name)));
        let files: Vec<FileRow> =
            quality.iter().map(|row| FileRow::new(&row.file, &row.file_hash, &row.table_name, numbers(row))).collect();
        let sums = quality.iter().map(|row| numbers(row)).fold([0; 8], |mut sums, row| {
            for (sum, number) in sums.iter_mut().zip(row) {
                *sum += number;
            }
            sums
        });
        let mut checks: Vec<&CheckResult> = results.checks.iter().collect();
        checks.sort_by_key(|check| {
            (
                severity_rank(&check.severity),
                check.extract_id,
                check.table_name.clone(),
                check.column_name.clone(),
                check.check_name.clone(),
            )
        });
        Self {
            hashed: files.iter().any(|row| !row.hash.is_empty()),
            all_add_up: files.iter().all(|row| row.adds_up),
            total: (files.len() > 1).then(|| FileRow::new("All files", "", "", sums)),
            files,
            checks: checks.into_iter().map(CheckRow::new).collect(),
            preparations: results
                .preparations
                .iter()
                .map(|row| PreparationRow {
                    view: words::capitalised(&row.view.replace('_', " ")),
                    rule: row.rule.clone(),
                    rows: count(row.rows),
                })
                .collect(),
        }
    }
}

fn numbers(row: &Quality) -> [i64; 8] {
    [row.read, row.filtered, row.accepted, row.quarantined, row.duplicate, row.superseded, row.combined, row.withdrawn]
}

fn severity_rank(severity: &str) -> u8 {
    match severity {
        "fail" => 0,
        "reject" => 1,
        "warn" => 2,
        _ => 3,
    }
}

impl FileRow {
    fn new(file: &str, hash: &str, table: &str, numbers: [i64; 8]) -> Self {
        let [read, parts @ ..] = numbers;
        let missing = read - parts.iter().sum::<i64>();
        Self {
            file: file.to_owned(),
            hash: hash.chars().take(HASH_DIGITS).collect(),
            table: table.to_owned(),
            numbers: numbers.map(count),
            adds_up: missing == 0,
            verdict: match missing {
                0 => "yes".to_owned(),
                1.. => format!("no: {} unaccounted for", count(missing)),
                _ => format!("no: {} too many", count(-missing)),
            },
        }
    }
}

impl CheckRow {
    fn new(check: &CheckResult) -> Self {
        Self {
            severity: check.severity.clone(),
            consequence: words::severity(&check.severity),
            urgent: check.severity == "fail",
            check: words::capitalised(&check.check_name.replace('_', " ")),
            table: check.table_name.clone(),
            column: if check.column_name.is_empty() { "whole row".to_owned() } else { check.column_name.clone() },
            file: check.file.clone(),
            rows: count(check.rows),
        }
    }
}
