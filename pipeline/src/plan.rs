//! From a file's text to a table's columns: one Polars plan for each file, every cell read as text, trimmed, cast by
//! the contract, and checked.
//!
//! Names within the plan: `f3` is the file's fourth field as text, `s:x` column x trimmed, `r:x` the same without the
//! texts that mean "no value", `x` the cast value, `c5` whether the sixth check found something, `reject` whether one
//! of the rejecting checks did, `leave_out` whether the mapping leaves the row out on purpose.

use std::collections::BTreeMap;

use carecoord_lake::contract::{CheckKind, Column as ContractColumn, ColumnType, Contract, Severity};
use polars::prelude::*;

use crate::checks::CheckSettings;
use crate::mapping::{FileMapping, Mapping, Rule};
use crate::patterns::{Holds, Pattern};
use crate::survey::Survey;

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
    trimmed: Vec<Expr>,
    raw: Vec<Expr>,
    cast: Vec<Expr>,
    rows: Vec<Expr>,
    found: Vec<Expr>,
    leave_out: Expr,
}

/// Name of the plan's column that says whether a row is rejected.
pub const REJECT: &str = "reject";
/// Name of the plan's column that says whether the mapping leaves a row out.
pub const LEAVE_OUT: &str = "leave_out";
/// Name of the plan's column with the record number.
pub const RECORD: &str = "record";

/// Name of the plan's column with a trimmed value, for messages.
#[must_use]
pub fn trimmed_name(column: &str) -> String {
    format!("s:{column}")
}

/// Name of the plan's column for a check.
#[must_use]
pub fn check_name(index: usize) -> String {
    format!("c{index}")
}

fn raw_name(column: &str) -> String {
    format!("r:{column}")
}

/// Name of the plan's column for a field of the file.
#[must_use]
pub fn field_name(index: usize) -> String {
    format!("f{index}")
}

impl Plan {
    /// Plans a file: which of its columns feed which of the table's, by which pattern, under which checks.
    #[must_use]
    pub fn new(
        contract: &Contract,
        mapping: &Mapping,
        file: &FileMapping,
        survey: &Survey,
        settings: &CheckSettings,
        filled: bool,
    ) -> Self {
        let mut builder = Builder { contract, mapping, survey, settings, plan: Self::empty(), used: Vec::new() };
        for column in &contract.columns {
            let rule = file.columns.get(&column.name).map(crate::mapping::Source::rule);
            builder.text(column, rule.as_ref());
        }
        for column in &contract.columns {
            builder.value(column, file.columns.get(&column.name).map(crate::mapping::Source::rule).as_ref(), filled);
        }
        builder.row_checks();
        builder.leave_out(file);
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
            trimmed: Vec::new(),
            raw: Vec::new(),
            cast: Vec::new(),
            rows: Vec::new(),
            found: Vec::new(),
            leave_out: lit(false),
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
        let frame = scan.with_columns(&self.trimmed).with_columns(&self.raw);
        let frame = fill(frame).with_columns(&self.cast).with_columns(&self.rows);
        let rejecting = self.checks.iter().enumerate().filter(|(_, check)| check.severity != Severity::Warn);
        let reject = rejecting.fold(lit(false), |any, (index, _)| any.or(col(check_name(index))));
        frame
            .with_columns(&self.found)
            .with_columns([reject.alias(REJECT), self.leave_out.clone().fill_null(lit(false)).alias(LEAVE_OUT)])
    }
}

struct Builder<'a> {
    contract: &'a Contract,
    mapping: &'a Mapping,
    survey: &'a Survey,
    settings: &'a CheckSettings,
    plan: Plan,
    used: Vec<usize>,
}

impl Builder<'_> {
    fn field(&mut self, name: &str) -> Option<usize> {
        let index = self.survey.column(name)?;
        self.used.push(index);
        Some(index)
    }

    /// The trimmed text of a column and the same without texts that mean "no value".
    fn text(&mut self, column: &ContractColumn, rule: Option<&Rule>) {
        let source = rule.and_then(|rule| self.source(rule));
        let name = &column.name;
        let Some(text) = source else {
            self.plan.trimmed.push(lit(NULL).cast(DataType::String).alias(trimmed_name(name)));
            self.plan.raw.push(lit(NULL).cast(DataType::String).alias(raw_name(name)));
            return;
        };
        self.plan.offered.push(name.clone());
        self.plan.trimmed.push(text.alias(trimmed_name(name)));
        let nulls = self.mapping.null_values.clone();
        let without_nulls = col(trimmed_name(name)).map(
            move |text| {
                let text = text.str()?;
                let is_value = |value: &&str| !value.is_empty() && !nulls.iter().any(|null| null == value);
                let kept: StringChunked = text.iter().map(|value| value.filter(is_value)).collect();
                Ok(kept.with_name(text.name().clone()).into_column())
            },
            |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
        );
        let rule = rule.cloned().unwrap_or_default();
        // Codes in the contracts are lower case; extracts write them as they like.
        let fold = !column.allowed.is_empty() || !rule.map.is_empty();
        let lower = col(trimmed_name(name)).str().to_lowercase();
        let mut value = if fold && rule.map.is_empty() {
            without_nulls.clone().str().to_lowercase()
        } else {
            without_nulls.clone()
        };
        if let Some(otherwise) = &rule.otherwise {
            value = when(without_nulls.is_not_null()).then(lit(otherwise.clone())).otherwise(lit(NULL));
        }
        for (from, to) in &rule.map {
            value = when(lower.clone().eq(lit(from.to_lowercase()))).then(lit(to.clone())).otherwise(value);
        }
        let value = value.cast(DataType::String);
        // A map may yield the empty text, which is no value either.
        let value = when(value.clone().neq(lit(""))).then(value).otherwise(lit(NULL).cast(DataType::String));
        self.plan.raw.push(value.alias(raw_name(name)));
    }

    fn source(&mut self, rule: &Rule) -> Option<Expr> {
        let trim = |index: usize| col(field_name(index)).str().strip_chars(lit(NULL));
        if let Some(constant) = &rule.constant {
            return Some(lit(constant.clone()));
        }
        if let Some(index) = rule.column.iter().find_map(|name| self.survey.column(name)) {
            self.used.push(index);
            return Some(trim(index));
        }
        let parts: Vec<Expr> = rule.join.iter().filter_map(|name| self.field(name)).map(trim).collect();
        if parts.is_empty() {
            return None;
        }
        // Empty parts keep their place, or (7, "") and ("", 7) would be one key; all parts empty is no value.
        let any = parts.iter().fold(lit(false), |any, part| any.or(part.clone().fill_null(lit("")).neq(lit(""))));
        let parts: Vec<Expr> = parts.into_iter().map(|part| part.fill_null(lit(""))).collect();
        Some(when(any).then(concat_str(parts, "|", false)).otherwise(lit(NULL).cast(DataType::String)))
    }

    fn pattern(&mut self, column: &ContractColumn, rule: Option<&Rule>) -> Pattern {
        let rule = rule.cloned().unwrap_or_default();
        let pattern = match &rule.format {
            Some(format) => Pattern::stated(format),
            None => {
                let index = rule.column.iter().find_map(|name| self.survey.column(name));
                let samples = index.map_or(&[][..], |index| &self.survey.samples[index]);
                Pattern::find(samples, self.mapping.date_order)
            }
        };
        self.plan.patterns.insert(column.name.clone(), pattern.format.clone());
        pattern
    }

    /// The cast value of a column and its checks.
    fn value(&mut self, column: &ContractColumn, rule: Option<&Rule>, filled: bool) {
        let name = column.name.as_str();
        let raw = col(raw_name(name));
        let offered = self.plan.offers(name);
        let cast = match column.kind {
            ColumnType::Text => raw.clone(),
            ColumnType::Integer => raw.clone().cast(DataType::Int64),
            ColumnType::Decimal => raw.clone().cast(DataType::Decimal(18, 2)),
            ColumnType::Number => {
                let number = raw.clone().cast(DataType::Float64);
                when(number.clone().is_finite()).then(number).otherwise(lit(NULL))
            }
            ColumnType::Boolean => boolean(&raw),
            ColumnType::Date => self.date(column, rule, offered),
            ColumnType::Timestamp if offered => {
                let pattern = self.pattern(column, rule);
                if pattern.holds == Holds::Date {
                    let invalid =
                        raw.clone().is_not_null().and(pattern.date(raw.clone(), &self.mapping.time_zone).is_null());
                    self.check("invalid_date", name, Severity::Reject, invalid);
                }
                pattern.instant(raw.clone(), &self.mapping.time_zone)
            }
            ColumnType::Timestamp => Pattern::stated("%Y-%m-%d").instant(raw.clone(), "UTC"),
        };
        self.plan.cast.push(cast.alias(name));
        let instant = column.local_date_of.as_deref();
        let from_instant = instant.is_some_and(|instant| self.plan.offers(instant));
        if from_instant && !offered {
            self.plan.offered.push(name.to_owned());
        }
        if column.filled_from.is_some() {
            // Without its patient a row has no place; a looked-up value that is missing means a dangling reference.
            let missing = if filled { "dangling_reference" } else { "required" };
            self.check(missing, name, Severity::Reject, raw.clone().is_null());
            if filled {
                self.plan.offered.push(name.to_owned());
            }
        } else if column.required && (offered || from_instant) {
            // A row whose required date comes from an instant that yields none has no date either.
            let derived = |other: &str| col(name).is_null().and(col(other).is_not_null());
            let nowhere = instant.filter(|_| from_instant).map_or(lit(false), derived);
            let other = instant.filter(|_| from_instant).map(raw_name);
            let absent =
                other.map_or_else(|| raw.clone().is_null(), |other| raw.clone().is_null().and(col(other).is_null()));
            self.check("required", name, Severity::Reject, absent.or(nowhere));
        }
        if !offered {
            return;
        }
        let marked =
            raw.clone().is_null().and(col(trimmed_name(name)).neq(lit(""))).and(col(trimmed_name(name)).is_not_null());
        self.check("null_marker", name, Severity::Warn, marked);
        let invalid = match column.kind {
            ColumnType::Text => None,
            ColumnType::Integer | ColumnType::Decimal | ColumnType::Number => Some("invalid_number"),
            ColumnType::Boolean => Some("invalid_boolean"),
            ColumnType::Date => Some("invalid_date"),
            ColumnType::Timestamp if self.is_date_only(name) => None,
            ColumnType::Timestamp => Some("invalid_timestamp"),
        };
        if let Some(check) = invalid {
            let value =
                if column.kind == ColumnType::Date && from_instant { self.own_date(column, rule) } else { col(name) };
            self.check(check, name, Severity::Reject, raw.clone().is_not_null().and(value.is_null()));
        }
        if !column.allowed.is_empty() {
            let known = column.allowed.iter().fold(lit(false), |any, value| any.or(raw.clone().eq(lit(value.clone()))));
            let severity = column.allowed_severity.unwrap_or(Severity::Reject);
            self.check("unknown_code", name, severity, raw.clone().is_not_null().and(known.not()));
        }
        self.bounds(column);
    }

    fn is_date_only(&self, name: &str) -> bool {
        self.plan.patterns.get(name).is_some_and(|format| Pattern::stated(format).holds == Holds::Date)
    }

    fn own_date(&mut self, column: &ContractColumn, rule: Option<&Rule>) -> Expr {
        let pattern = self.pattern(column, rule);
        pattern.date(col(raw_name(&column.name)), &self.mapping.time_zone)
    }

    fn date(&mut self, column: &ContractColumn, rule: Option<&Rule>, offered: bool) -> Expr {
        let own = offered.then(|| self.own_date(column, rule));
        let instant = column.local_date_of.as_deref().filter(|instant| self.plan.offers(instant));
        let local = instant.and_then(|instant| {
            let format = self.plan.patterns.get(instant)?;
            Some(Pattern::stated(format).date(col(raw_name(instant)), &self.mapping.time_zone))
        });
        match (own, local) {
            (Some(own), Some(local)) => coalesce(&[own, local]),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => lit(NULL).cast(DataType::Date),
        }
    }

    fn bounds(&mut self, column: &ContractColumn) {
        let limit = |text: &str| match column.kind {
            ColumnType::Date => match text.parse::<jiff::civil::Date>() {
                Ok(date) => lit(days(date)).cast(DataType::Date),
                Err(_) => lit(NULL).cast(DataType::Date),
            },
            ColumnType::Decimal => lit(text.to_owned()).cast(DataType::Decimal(18, 2)),
            ColumnType::Integer => lit(text.to_owned()).cast(DataType::Int64),
            _ => lit(text.to_owned()).cast(DataType::Float64),
        };
        let value = col(column.name.as_str());
        if let Some(minimum) = &column.min {
            let check = if minimum == "0" { "negative_value" } else { "below_minimum" };
            let severity = column.min_severity.unwrap_or(Severity::Reject);
            self.check(check, &column.name, severity, value.clone().lt(limit(minimum)));
        }
        if let Some(maximum) = &column.max {
            let severity = column.max_severity.unwrap_or(Severity::Reject);
            self.check("above_maximum", &column.name, severity, value.gt(limit(maximum)));
        }
    }

    /// Checks over several columns of one row.
    fn row_checks(&mut self) {
        for check in &self.contract.checks {
            if check.kind == CheckKind::NotBefore && self.plan.offers(&check.column) && self.plan.offers(&check.other) {
                let before = col(check.column.as_str()).lt(col(check.other.as_str()));
                self.check(&check.name, &check.column, check.severity, before);
            }
        }
    }

    fn leave_out(&mut self, file: &FileMapping) {
        let Some(condition) = &file.only_where else { return };
        let Some(index) = self.field(&condition.column) else { return };
        let value = col(field_name(index)).str().strip_chars(lit(NULL));
        let kept =
            condition.equals.iter().fold(lit(false), |any, wanted| any.or(value.clone().eq(lit(wanted.clone()))));
        self.plan.leave_out = kept.not();
    }

    fn check(&mut self, name: &str, column: &str, severity: Severity, found: Expr) {
        let severity = self.settings.severity(&self.contract.name, column, name).unwrap_or(severity);
        let flag = check_name(self.plan.checks.len());
        self.plan.checks.push(PlannedCheck { name: name.to_owned(), column: column.to_owned(), severity });
        self.plan.found.push(found.fill_null(lit(false)).alias(flag));
    }
}

/// Days since 1970-01-01, as dates are stored.
fn days(date: jiff::civil::Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until((jiff::Unit::Day, date)).map_or(0, |span| span.get_days())
}

fn boolean(raw: &Expr) -> Expr {
    let lower = raw.clone().str().to_lowercase();
    let is_one_of = |words: [&str; 5]| words.iter().fold(lit(false), |any, word| any.or(lower.clone().eq(lit(*word))));
    when(is_one_of(["true", "t", "yes", "y", "1"]))
        .then(lit(true))
        .when(is_one_of(["false", "f", "no", "n", "0"]))
        .then(lit(false))
        .otherwise(lit(NULL))
}
