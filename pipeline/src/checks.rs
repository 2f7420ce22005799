//! Settings of the checks: what follows from a finding, and how much is too much.

use std::collections::BTreeMap;

use carecoord_lake::contract::Severity;
use carecoord_lake::manifest::Accounting;
use serde::Deserialize;

use crate::advice::advice;

/// What the user set, from `[checks]` in `carecoord.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckSettings {
    /// A file in which a larger share of rows is quarantined fails the run. 0.5 unless stated.
    pub max_quarantined_share: f64,
    /// `check`, `table.check` or `table.column.check` → what follows.
    pub severity: BTreeMap<String, Severity>,
    /// `check`, `table.check` or `table.column.check` → the share of a file's rows above which the run fails; half of the
    /// filled cells for `unknown_code` and `dangling_reference` unless stated.
    pub max_share: BTreeMap<String, f64>,
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self { max_quarantined_share: 0.5, severity: BTreeMap::new(), max_share: BTreeMap::new() }
    }
}

/// A threshold that the data did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// File name within the extracts folder.
    pub file: String,
    /// Table.
    pub table: String,
    /// What happened, with the figures.
    pub reason: String,
}

fn lookup<'a, T>(settings: &'a BTreeMap<String, T>, table: &str, column: &str, check: &str) -> Option<&'a T> {
    settings
        .get(&format!("{table}.{column}.{check}"))
        .or_else(|| settings.get(&format!("{table}.{check}")))
        .or_else(|| settings.get(check))
}

/// The share of a column's cells above which a check fails the run although each row only warns: where most codes are
/// unknown or most references lead nowhere, the column was not understood.
fn usual_limit(check: &str) -> Option<f64> {
    matches!(check, "unknown_code" | "dangling_reference").then_some(0.5)
}

fn rows_of(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

impl CheckSettings {
    /// The severity that the user set for a check, the most specific first.
    #[must_use]
    pub fn severity(&self, table: &str, column: &str, check: &str) -> Option<Severity> {
        lookup(&self.severity, table, column, check).copied()
    }

    /// The thresholds that a file's accounting does not pass.
    #[must_use]
    pub fn failures(&self, file: &str, accounting: &Accounting) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut fail = |reason: String| {
            failures.push(Failure { file: file.to_owned(), table: accounting.table.clone(), reason });
        };
        let share = |rows: u64| if accounting.read == 0 { 0.0 } else { rows as f64 / accounting.read as f64 };
        if share(accounting.quarantined) > self.max_quarantined_share {
            fail(format!(
                "{} of {} rows are quarantined, more than max_quarantined_share = {}",
                accounting.quarantined, accounting.read, self.max_quarantined_share
            ));
        }
        for finding in &accounting.findings {
            let column = if finding.column.is_empty() { "the whole row" } else { &finding.column };
            if finding.severity == Severity::Fail {
                let reason = if finding.reason.is_empty() { advice(&finding.check).remedy } else { &finding.reason };
                fail(format!("{} in {} of {column}: {reason}", finding.check, rows_of(finding.rows)));
                continue;
            }
            let table = &accounting.table;
            let limit = lookup(&self.max_share, table, &finding.column, &finding.check).copied();
            // Rows that are put aside have a limit of their own.
            let warns = finding.severity == Severity::Warn;
            let limit = limit.or_else(|| usual_limit(&finding.check).filter(|_| warns));
            let of = finding.of.unwrap_or(accounting.read);
            if let Some(limit) = limit.filter(|limit| of > 0 && finding.rows as f64 / of as f64 > *limit) {
                fail(format!(
                    "{} in {} of {of} cells of {column}, more than max_share = {limit}: {}",
                    finding.check,
                    finding.rows,
                    advice(&finding.check).remedy
                ));
            }
        }
        failures
    }
}
