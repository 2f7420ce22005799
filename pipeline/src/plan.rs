//! From a file's text to a table's columns: one Polars plan for each file, every cell read as text, trimmed, cast by
//! the contract, and checked.
//!
//! Names within the plan: `f3` is the file's fourth field as text, `s:x` column x trimmed, `r:x` its value as text (no
//! value where the cell says so, codes in the lake's words), `n:x` the same with a plain number, `o:x` a date by its own
//! cell, `x` the cast value, `k:x` why a cell could not be cast, `c5` whether the sixth check found something, `reject`
//! whether one of the rejecting checks did, `leave_out` and `deleted` what the mapping says of the row.
//!
//! A cell that cannot be read rejects its row only where the row cannot be without it; else the cell is emptied and
//! counted, because the rows with the odd cells (the dearest stays, the oldest patients) are not a chance selection.

mod builder;
mod cells;
mod dates;

use std::collections::BTreeMap;

use carecoord_lake::contract::{Contract, Severity};
use polars::prelude::*;

use self::builder::Builder;
use crate::checks::CheckSettings;
use crate::conventions::Conventions;
use crate::mapping::{FileMapping, Mapping, Source};
use crate::survey::Survey;
use crate::words::Words;

/// One check of a plan.
#[derive(Debug, Clone)]
pub struct PlannedCheck {
    /// Name, for example `invalid_date`.
    pub name: String,
    /// Column; empty for the whole row.
    pub column: String,
    /// What follows.
    pub severity: Severity,
}

/// Something that concerns a whole column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnNote {
    /// Check.
    pub check: &'static str,
    /// Column of the table.
    pub column: String,
    /// What follows.
    pub severity: Severity,
    /// Cells concerned.
    pub cells: u64,
    /// What to know and what to do.
    pub reason: String,
}

/// The plan for one file and table.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Columns of the table that the file offers.
    pub offered: Vec<String>,
    /// Columns of the file that the mapping does not use.
    pub extra_columns: Vec<String>,
    /// Date and time patterns in use, by column.
    pub patterns: BTreeMap<String, String>,
    /// Checks; the index is the number in the name of the plan's column.
    pub checks: Vec<PlannedCheck>,
    /// What concerns whole columns.
    pub notes: Vec<ColumnNote>,
    /// Fields of the file that columns of the table come from, for messages: column → header name.
    pub headers: BTreeMap<String, String>,
    trimmed: Vec<Expr>,
    raw: Vec<Expr>,
    own: Vec<Expr>,
    cast: Vec<Expr>,
    codes: Vec<Expr>,
    found: Vec<Expr>,
    emptied: Vec<Expr>,
    found_in_rows: Vec<Expr>,
    leave_out: Expr,
    deleted: Expr,
    /// Checks that also hold for a row that only takes back another: those of the key.
    key_checks: Vec<usize>,
}

/// Name of the plan's column that says whether a row is rejected.
pub const REJECT: &str = "reject";
/// Name of the plan's column that says whether the mapping leaves a row out.
pub const LEAVE_OUT: &str = "leave_out";
/// Name of the plan's column that says whether the row takes back the row of its key.
pub const DELETED: &str = "deleted";
/// Name of the plan's column with the record number.
pub const RECORD: &str = "record";

/// Name of the plan's column with a trimmed value, for messages.
#[must_use]
pub fn trimmed_name(column: &str) -> String {
    format!("s:{column}")
}

/// Name of the plan's column with a check's outcome.
#[must_use]
pub fn check_name(index: usize) -> String {
    format!("c{index}")
}

/// Name of a field of the file within the plan.
#[must_use]
pub fn field_name(index: usize) -> String {
    format!("f{index}")
}

fn raw_name(column: &str) -> String {
    format!("r:{column}")
}

fn number_name(column: &str) -> String {
    format!("n:{column}")
}

fn own_name(column: &str) -> String {
    format!("o:{column}")
}

fn code_name(column: &str) -> String {
    format!("k:{column}")
}

/// Why a cell could not be cast.
mod code {
    pub const FINE: u32 = 0;
    pub const INVALID: u32 = 1;
    pub const DUMMY: u32 = 2;
    pub const IMPLAUSIBLE: u32 = 3;
    pub const OPEN_ENDED: u32 = 4;
    pub const AMBIGUOUS: u32 = 5;
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// Table.
    pub contract: &'a Contract,
    /// Mapping.
    pub mapping: &'a Mapping,
    /// The block that feeds the table.
    pub file: &'a FileMapping,
    /// The file.
    pub survey: &'a Survey,
    /// What was decided for the file.
    pub conventions: &'a Conventions,
    /// Words for codes.
    pub words: &'a Words,
    /// Settings of the checks.
    pub settings: &'a CheckSettings,
    /// The day after which nothing can have happened, days since 1970-01-01.
    pub extract_day: i32,
    /// Whether a column is filled from another table.
    pub filled: bool,
}

impl Plan {
    /// Plans how each column of the file becomes one of the table's, by which pattern, under which checks.
    #[must_use]
    pub fn new(making: Making<'_>) -> Self {
        let Making { contract, file, survey, .. } = making;
        let mut builder = Builder { making, plan: Self::empty(), used: Vec::new() };
        for column in &contract.columns {
            builder.text(column, file.columns.get(&column.name).map(Source::rule).as_ref());
        }
        for column in &contract.columns {
            builder.value(column, file.columns.get(&column.name).map(Source::rule).as_ref());
        }
        builder.row_checks();
        builder.plan.leave_out = match builder.conditions(&file.only_where) {
            Some(kept) => kept.not(),
            None => lit(false),
        };
        if let Some(marked) = builder.conditions(&file.deleted_where) {
            builder.plan.deleted = builder.plan.deleted.clone().or(marked);
        }
        let extra = survey.header.iter().enumerate().filter(|(index, _)| !builder.used.contains(index));
        builder.plan.extra_columns = extra.map(|(_, name)| name.clone()).collect();
        builder.plan
    }

    fn empty() -> Self {
        Self {
            offered: Vec::new(),
            extra_columns: Vec::new(),
            patterns: BTreeMap::new(),
            checks: Vec::new(),
            notes: Vec::new(),
            headers: BTreeMap::new(),
            trimmed: Vec::new(),
            raw: Vec::new(),
            own: Vec::new(),
            cast: Vec::new(),
            codes: Vec::new(),
            found: Vec::new(),
            emptied: Vec::new(),
            found_in_rows: Vec::new(),
            leave_out: lit(false),
            deleted: lit(false),
            key_checks: Vec::new(),
        }
    }

    /// Whether the file offers a column.
    #[must_use]
    pub fn offers(&self, column: &str) -> bool {
        self.offered.iter().any(|name| name == column)
    }

    /// Puts the plan on a scan whose columns are `f0 … fn` and `record`. `fill` adds values looked up elsewhere,
    /// between the trimming and the casting.
    pub fn on(&self, scan: LazyFrame, fill: impl FnOnce(LazyFrame) -> LazyFrame) -> LazyFrame {
        let mut frame = fill(scan.with_columns(&self.trimmed).with_columns(&self.raw));
        for stage in [&self.own, &self.cast, &self.codes, &self.found, &self.emptied, &self.found_in_rows] {
            if !stage.is_empty() {
                frame = frame.with_columns(stage);
            }
        }
        let any = |checks: &mut dyn Iterator<Item = usize>| {
            checks.fold(lit(false), |any, index| any.or(col(check_name(index))))
        };
        let mut rejecting = self
            .checks
            .iter()
            .enumerate()
            .filter(|(_, check)| check.severity != Severity::Warn)
            .map(|(index, _)| index);
        let reject = any(&mut rejecting);
        let reject_deleted = any(&mut self.key_checks.iter().copied());
        frame
            .with_columns([
                self.leave_out.clone().fill_null(lit(false)).alias(LEAVE_OUT),
                self.deleted.clone().fill_null(lit(false)).alias(DELETED),
            ])
            .with_columns([when(col(DELETED)).then(reject_deleted).otherwise(reject).alias(REJECT)])
    }
}
