//! A plan, column by column: where its text comes from, how it is cast, and its checks.

use std::sync::Arc;

use carecoord_lake::contract::{CheckKind, Column as ContractColumn, ColumnType, Severity};
use polars::prelude::*;

use super::cells::{boolean, codes_of, each, each_identifier, each_part, holds, utc};
use super::dates::{Dates, How};
use super::{
    ColumnNote, Making, Plan, PlannedCheck, check_name, code, code_name, field_name, number_name, own_name, raw_name,
    trimmed_name,
};
use crate::conditions::{Condition, Test};
use crate::conventions::{DATE_ORDER, MIDNIGHT_UTC, TWO_DIGIT_YEAR};
use crate::dates::{self, Reader, Repeated};
use crate::identifiers;
use crate::limits::Limits;
use crate::mapping::{Rule, Source};
use crate::numbers::{self, Number, Sign};
use crate::patterns::{Holds, Pattern};
use crate::survey::NOT_UTF8;
use crate::text;
use crate::words::Vocabulary;

/// A plan while it is put together, column by column.
pub struct Builder<'a> {
    /// What it is made from.
    pub making: Making<'a>,
    /// The plan so far.
    pub plan: Plan,
    /// Fields of the file that it reads.
    pub used: Vec<usize>,
}

/// Where the text of a column comes from.
struct Text {
    expression: Expr,
    /// Whether some of its bytes may not be UTF-8.
    undecodable: bool,
}

impl Builder<'_> {
    fn field(&mut self, name: &str) -> Option<usize> {
        let index = self.making.survey.column(name)?;
        self.used.push(index);
        Some(index)
    }

    /// The column of the file that a rule reads first.
    fn index(&self, rule: Option<&Rule>) -> Option<usize> {
        let rule = rule?;
        rule.column.iter().chain(&rule.join).find_map(|name| self.making.survey.column(name))
    }

    /// Whether a row cannot be without a readable value in this column.
    fn is_vital(&self, column: &ContractColumn) -> bool {
        let contract = self.making.contract;
        let key = contract.key.contains(&column.name) || contract.bucket_by.as_ref() == Some(&column.name);
        // An instant is vital where a required date comes from it alone.
        let date = contract.columns.iter().any(|other| {
            other.required && other.local_date_of.as_deref() == Some(&column.name) && !self.plan.offers(&other.name)
        });
        // An empty end means that the span goes on, which an unreadable one does not say.
        let vital = column.required || date || column.open_end || (key && column.kind == ColumnType::Text);
        vital
            && column
                .local_date_of
                .as_ref()
                .is_none_or(|instant| !self.plan.offers(instant) || self.plan.offers(&column.name))
    }

    /// The trimmed text of a column and its value as text.
    pub fn text(&mut self, column: &ContractColumn, rule: Option<&Rule>) {
        let source = rule.and_then(|rule| self.source(rule));
        let name = &column.name;
        let Some(Text { expression, undecodable }) = source else {
            self.plan.trimmed.push(lit(NULL).cast(DataType::String).alias(trimmed_name(name)));
            self.plan.raw.push(lit(NULL).cast(DataType::String).alias(raw_name(name)));
            return;
        };
        if let Some(index) = self.index(rule) {
            self.plan.headers.insert(name.clone(), self.making.survey.header[index].clone());
        }
        self.plan.offered.push(name.clone());
        self.plan.trimmed.push(expression.alias(trimmed_name(name)));
        let nulls = self.making.mapping.null_values.as_deref();
        let vocabulary = Arc::new(Vocabulary::new(self.making.contract, column, rule, self.making.words, nulls));
        let trimmed = col(trimmed_name(name));
        let mut value = if vocabulary.is_plain() {
            each_part(trimmed.clone(), move |cell| vocabulary.is_value(cell).then_some(cell))
        } else {
            // The empty cell may have a value of its own.
            each(trimmed.clone().fill_null(lit("")), move |cell| vocabulary.value(cell))
        };
        if identifiers::is_identifier(self.making.contract, column) {
            value = each_identifier(value);
        }
        if undecodable && !(column.required || self.making.contract.key.contains(name)) {
            value = each_part(value, |cell| (!cell.contains(char::REPLACEMENT_CHARACTER)).then_some(cell));
        }
        self.plan.raw.push(value.alias(raw_name(name)));
        if undecodable {
            let vital = column.required || self.making.contract.key.contains(name);
            let severity = if vital { Severity::Reject } else { Severity::Warn };
            let bad = holds(trimmed, |cell| cell.contains(char::REPLACEMENT_CHARACTER));
            self.check(NOT_UTF8, name, severity, bad);
        }
    }

    fn source(&mut self, rule: &Rule) -> Option<Text> {
        let trim = |index: usize| each_part(col(field_name(index)), |cell| Some(text::trim(cell)));
        if let Some(constant) = &rule.constant {
            return Some(Text { expression: lit(constant.clone()), undecodable: false });
        }
        let undecodable = |index: &usize| self.making.survey.undecodable.contains(index);
        if let Some(index) = rule.column.iter().find_map(|name| self.making.survey.column(name)) {
            let undecodable = undecodable(&index);
            self.used.push(index);
            return Some(Text { expression: trim(index), undecodable });
        }
        let indexes: Vec<usize> = rule.join.iter().filter_map(|name| self.field(name)).collect();
        let undecodable = indexes.iter().any(|index| self.making.survey.undecodable.contains(index));
        let parts: Vec<Expr> = indexes.into_iter().map(trim).collect();
        if parts.is_empty() {
            return None;
        }
        // Empty parts keep their place, or (7, "") and ("", 7) would be one key; all parts empty is no value.
        let any = parts.iter().fold(lit(false), |any, part| any.or(part.clone().fill_null(lit("")).neq(lit(""))));
        let parts: Vec<Expr> = parts.into_iter().map(|part| part.fill_null(lit(""))).collect();
        let expression = when(any).then(concat_str(parts, "|", false)).otherwise(lit(NULL).cast(DataType::String));
        Some(Text { expression, undecodable })
    }

    /// How the dates of a column are read: stated patterns, or every usual form.
    fn dates(&mut self, column: &ContractColumn, rule: Option<&Rule>) -> Dates {
        let limits = Limits::new(self.making.contract, column, self.making.extract_day);
        let time_zone = self.making.mapping.time_zone.clone();
        let formats = rule.map(|rule| rule.format.clone()).unwrap_or_default();
        if !formats.is_empty() {
            let patterns: Vec<Pattern> = formats.iter().map(|format| Pattern::stated(format)).collect();
            self.plan.patterns.insert(column.name.clone(), formats.join(" or "));
            return Dates { how: How::Stated(patterns, time_zone), limits };
        }
        let index = self.index(rule);
        let tally = index.and_then(|index| self.making.survey.dates.get(&index));
        let conventions = self.making.conventions;
        let reader = Reader {
            order: conventions.order,
            dots: conventions.dots,
            midnight_is_date: conventions.midnight_is_date(tally),
            latest: limits.last(),
            zone: conventions.zone.clone(),
        };
        let found: Vec<String> = tally
            .into_iter()
            .flat_map(|tally| tally.forms.iter().map(|form| form.pattern(conventions.order)))
            .collect();
        let found = if found.is_empty() { "%Y-%m-%d".to_owned() } else { found.join(" or ") };
        self.plan.patterns.insert(column.name.clone(), found);
        self.column_notes(column, index);
        Dates { how: How::Found(Arc::new(reader)), limits }
    }

    /// What the tallies of a column are worth saying.
    fn column_notes(&mut self, column: &ContractColumn, index: Option<usize>) {
        let Some(index) = index else { return };
        let conventions = self.making.conventions;
        let mut notes = Vec::new();
        if let Some(doubt) = conventions.doubts.get(&index) {
            notes.push((DATE_ORDER, doubt.severity, doubt.cells, doubt.reason.clone()));
        }
        if let Some(tally) = self.making.survey.dates.get(&index) {
            if tally.is_midnight_utc() && conventions.zone.is_some() {
                let reason =
                    "every cell is midnight in UTC, so the column was read as dates and not moved to the time zone";
                notes.push((MIDNIGHT_UTC, Severity::Warn, tally.midnight_utc, reason.to_owned()));
            }
            if tally.short_years > 0 {
                let reason =
                    "years of two digits were read as the latest that do not lie after the column's last possible day";
                notes.push((TWO_DIGIT_YEAR, Severity::Warn, tally.short_years, reason.to_owned()));
            }
        }
        for (check, severity, cells, reason) in notes {
            let settings = self.making.settings;
            let severity = settings.severity(&self.making.contract.name, &column.name, check).unwrap_or(severity);
            let note = ColumnNote { check, column: column.name.clone(), severity, cells, reason };
            if !self.plan.notes.contains(&note) {
                self.plan.notes.push(note);
            }
        }
    }

    /// The cast value of a column and its checks.
    pub fn value(&mut self, column: &ContractColumn, rule: Option<&Rule>) {
        let name = column.name.as_str();
        let raw = col(raw_name(name));
        let offered = self.plan.offers(name);
        let vital = self.is_vital(column);
        let on_failure = if vital { Severity::Reject } else { Severity::Warn };
        let mut invalid = None;
        let cast = match column.kind {
            ColumnType::Text => raw.clone(),
            ColumnType::Integer | ColumnType::Decimal | ColumnType::Number => {
                invalid = Some("invalid_number");
                self.number(column, rule)
            }
            ColumnType::Boolean => {
                invalid = Some("invalid_boolean");
                boolean(&raw)
            }
            ColumnType::Date => self.date(column, rule, offered, on_failure),
            ColumnType::Timestamp if offered => self.timestamp(column, rule, on_failure),
            ColumnType::Timestamp => lit(NULL).cast(utc()),
        };
        self.plan.cast.push(cast.alias(name));
        self.presence(column, offered);
        if !self.plan.offers(name) {
            return;
        }
        let trimmed = col(trimmed_name(name));
        let marked = raw.clone().is_null().and(trimmed.clone().is_not_null()).and(trimmed.neq(lit("")));
        self.check("null_marker", name, Severity::Warn, marked);
        if let Some(check) = invalid.filter(|_| offered) {
            let unread = raw.clone().is_not_null().and(col(name).is_null());
            if column.kind == ColumnType::Boolean {
                self.check(check, name, on_failure, unread);
            } else {
                let ambiguous = col(code_name(name)).eq(lit(code::AMBIGUOUS));
                self.check(check, name, on_failure, unread.and(ambiguous.clone().not()));
                self.check("ambiguous_number", name, on_failure, ambiguous);
            }
        }
        if !column.allowed.is_empty() {
            let allowed = column.allowed.clone();
            let unknown = holds(raw.clone(), move |cell| !allowed.iter().any(|code| code == cell));
            let keep = column.allowed_severity == Some(Severity::Warn);
            let severity = column.allowed_severity.unwrap_or(on_failure);
            self.check("unknown_code", name, severity, unknown.clone());
            if !keep && severity == Severity::Warn {
                self.plan.emptied.push(when(unknown.not()).then(col(name)).otherwise(lit(NULL)).alias(name));
            }
        }
        if identifiers::is_identifier(self.making.contract, column) {
            let strange = holds(raw, identifiers::is_scientific);
            self.check("scientific_notation", name, Severity::Fail, strange);
        }
        self.bounds(column, on_failure);
    }

    /// Whether the row can be without the value.
    fn presence(&mut self, column: &ContractColumn, offered: bool) {
        let name = column.name.as_str();
        let raw = col(raw_name(name));
        let instant = column.local_date_of.as_deref();
        let from_instant = instant.is_some_and(|instant| self.plan.offers(instant));
        if from_instant && !offered {
            self.plan.offered.push(name.to_owned());
        }
        let filled = self.making.filled;
        if column.filled_from.is_some() && (column.required || self.making.contract.bucket_by.as_deref() == Some(name))
        {
            // Without its patient a row has no place; a looked-up value that is missing means a dangling reference.
            let missing = if filled { "dangling_reference" } else { "required" };
            self.check(missing, name, Severity::Reject, raw.is_null());
            if filled {
                self.plan.offered.push(name.to_owned());
            }
        } else if column.required && (offered || from_instant) {
            // A date that comes from an instant is missing where the instant yields none, which is told of the instant.
            let absent = match instant.filter(|_| from_instant) {
                Some(instant) if !offered => col(raw_name(instant)).is_null(),
                Some(instant) => raw.is_null().and(col(raw_name(instant)).is_null()),
                None => raw.is_null(),
            };
            self.check("required", name, Severity::Reject, absent);
            if let Some(instant) = instant.filter(|_| from_instant && offered) {
                // Neither of the two yields a date although one of them holds text.
                let nowhere =
                    col(name).is_null().and(col(raw_name(instant)).is_not_null()).and(col(raw_name(name)).is_null());
                self.check("required", name, Severity::Reject, nowhere);
            }
        }
    }

    fn number(&mut self, column: &ContractColumn, rule: Option<&Rule>) -> Expr {
        let name = column.name.as_str();
        let raw = col(raw_name(name));
        let money = column.kind == ColumnType::Decimal;
        let whole = column.kind == ColumnType::Integer;
        let sign = self.making.conventions.sign(self.making.survey, self.index(rule), money || whole);
        if sign == Sign::Comma {
            self.plan.patterns.insert(name.to_owned(), "numbers with a decimal comma".to_owned());
        }
        let plain = each(raw.clone(), move |cell| match numbers::plain(cell, sign) {
            Number::Plain(text) if whole => Some(numbers::whole(&text).to_owned()),
            Number::Plain(text) => Some(text),
            Number::Ambiguous | Number::None => None,
        });
        self.plan.own.push(plain.alias(number_name(name)));
        let plain = col(number_name(name));
        let value = match column.kind {
            ColumnType::Integer => plain.cast(DataType::Int64),
            ColumnType::Decimal => plain.cast(DataType::Decimal(18, 2)),
            _ => {
                let number = plain.cast(DataType::Float64);
                when(number.clone().is_finite()).then(number).otherwise(lit(NULL))
            }
        };
        let why = move |cell: &str| match numbers::plain(cell, sign) {
            Number::Ambiguous if sign == Sign::Untold => code::AMBIGUOUS,
            _ => code::INVALID,
        };
        self.plan.codes.push(codes_of(raw, col(name), why).alias(code_name(name)));
        value
    }

    fn timestamp(&mut self, column: &ContractColumn, rule: Option<&Rule>, on_failure: Severity) -> Expr {
        let name = column.name.as_str();
        let raw = col(raw_name(name));
        let dates = self.dates(column, rule);
        // A cell that holds a date alone has no instant, which is nothing amiss: it is judged by its date.
        self.plan.own.push(dates.date(raw.clone()).alias(own_name(name)));
        self.plan.codes.push(codes_of(raw.clone(), col(own_name(name)), dates.why()).alias(code_name(name)));
        let skipped = match &dates.how {
            How::Found(reader) => {
                let reader = Arc::clone(reader);
                let skipped = move |cell: &str| {
                    dates::read(cell).is_some_and(|written| written.time.is_some() && written.zone.is_none())
                        && reader.instant(cell, Repeated::First).is_none()
                        && reader.date(cell).is_some()
                };
                col(name).is_null().and(holds(raw.clone(), skipped))
            }
            How::Stated(patterns, zone) => {
                // A cell that a pattern without a time reads has no instant, which is nothing amiss.
                let without_time = patterns
                    .iter()
                    .filter(|pattern| pattern.holds == Holds::Date)
                    .fold(lit(false), |any, pattern| any.or(pattern.date(raw.clone(), zone).is_not_null()));
                col(own_name(name)).is_not_null().and(col(name).is_null()).and(without_time.not())
            }
        };
        let invalid = col(code_name(name)).eq(lit(code::INVALID)).or(skipped);
        self.check("invalid_timestamp", name, on_failure, invalid);
        self.outside(name, &dates.limits, on_failure, &col(own_name(name)));
        when(col(own_name(name)).is_not_null()).then(dates.instant(raw)).otherwise(lit(NULL).cast(utc()))
    }

    fn date(&mut self, column: &ContractColumn, rule: Option<&Rule>, offered: bool, on_failure: Severity) -> Expr {
        let name = column.name.as_str();
        let instant = column.local_date_of.as_deref().filter(|instant| self.plan.offers(instant)).map(str::to_owned);
        // Timestamps stand before their dates in a contract, so their dates are at hand.
        let local = instant.map(|instant| col(own_name(&instant)));
        if !offered {
            return local.unwrap_or_else(|| lit(NULL).cast(DataType::Date));
        }
        let raw = col(raw_name(name));
        let dates = self.dates(column, rule);
        self.plan.own.push(dates.date(raw.clone()).alias(own_name(name)));
        let own = col(own_name(name));
        self.plan.codes.push(codes_of(raw, own.clone(), dates.why()).alias(code_name(name)));
        self.check("invalid_date", name, on_failure, col(code_name(name)).eq(lit(code::INVALID)));
        self.outside(name, &dates.limits, on_failure, &own);
        match local {
            Some(local) => coalesce(&[own, local]),
            None => own,
        }
    }

    /// The checks of a date's limits.
    fn outside(&mut self, name: &str, limits: &Limits, on_failure: Severity, day: &Expr) {
        for (check, number) in
            [("dummy_date", code::DUMMY), ("implausible_date", code::IMPLAUSIBLE), ("open_ended", code::OPEN_ENDED)]
        {
            let severity = if number == code::OPEN_ENDED { Severity::Warn } else { on_failure };
            self.check(check, name, severity, col(code_name(name)).eq(lit(number)));
        }
        if let Some(extract_day) = limits.extract_day {
            let after = lit(extract_day + 1).cast(DataType::Date);
            self.check("future_date", name, Severity::Warn, day.clone().gt(after));
        }
    }

    fn bounds(&mut self, column: &ContractColumn, on_failure: Severity) {
        let limit = |text: &str| match column.kind {
            ColumnType::Decimal => lit(text.to_owned()).cast(DataType::Decimal(18, 2)),
            ColumnType::Integer => lit(text.to_owned()).cast(DataType::Int64),
            _ => lit(text.to_owned()).cast(DataType::Float64),
        };
        let name = column.name.as_str();
        let value = col(name);
        let bounds = [
            (
                &column.min,
                column.min_severity,
                if column.min.as_deref() == Some("0") { "negative_value" } else { "below_minimum" },
            ),
            (&column.max, column.max_severity, "above_maximum"),
        ];
        let mut impossible: Option<Expr> = None;
        for (index, (bound, severity, check)) in bounds.into_iter().enumerate() {
            let Some(bound) = bound else { continue };
            let outside = if index == 0 { value.clone().lt(limit(bound)) } else { value.clone().gt(limit(bound)) };
            // A value that may stay only warns; one that cannot be is emptied.
            self.check(check, name, severity.unwrap_or(on_failure), outside.clone());
            if severity.is_none() && on_failure == Severity::Warn {
                let outside = outside.fill_null(lit(false));
                impossible = Some(match impossible {
                    Some(other) => other.or(outside),
                    None => outside,
                });
            }
        }
        if let Some(impossible) = impossible {
            self.plan.emptied.push(when(impossible.not()).then(value).otherwise(lit(NULL)).alias(name));
        }
    }

    /// Checks over several columns of one row.
    pub fn row_checks(&mut self) {
        let contract = self.making.contract;
        for check in &contract.checks {
            if check.kind != CheckKind::NotBefore || !self.plan.offers(&check.column) || !self.plan.offers(&check.other)
            {
                continue;
            }
            self.second_reading(&check.column, &check.other);
            let before = col(check.column.as_str()).lt(col(check.other.as_str()));
            let severity =
                self.making.settings.severity(&contract.name, &check.column, &check.name).unwrap_or(check.severity);
            let flag = check_name(self.plan.checks.len());
            self.plan.checks.push(PlannedCheck { name: check.name.clone(), column: check.column.clone(), severity });
            if check.voids {
                self.plan.deleted = self.plan.deleted.clone().or(before.clone().fill_null(lit(false)));
            }
            self.plan.found_in_rows.push(before.fill_null(lit(false)).alias(flag));
        }
    }

    /// In autumn the clock shows one hour twice. An end in that hour which would lie before its start is the second one.
    fn second_reading(&mut self, end: &str, start: &str) {
        let Some(column) = self.making.contract.column(end).filter(|column| column.kind == ColumnType::Timestamp)
        else {
            return;
        };
        let rule = self.making.file.columns.get(end).map(Source::rule);
        if self.making.conventions.zone.is_none() || rule.as_ref().is_some_and(|rule| !rule.format.is_empty()) {
            return;
        }
        let Dates { how: How::Found(reader), .. } = self.dates(column, rule.as_ref()) else { return };
        let later = col(end).map_many(
            move |columns| {
                let (ends, starts) = (columns[0].datetime()?.clone(), columns[1].datetime()?.clone());
                let name = columns[0].name().clone();
                let texts = columns[2].str()?;
                let pairs = ends.physical().iter().zip(starts.physical().iter());
                let read: Int64Chunked = pairs
                    .zip(texts.iter())
                    .map(|((end, start), text)| match (end, start, text) {
                        (Some(end), Some(start), Some(text)) if end < start => {
                            reader.instant(text, Repeated::Second).filter(|second| *second >= start).or(Some(end))
                        }
                        (end, ..) => end,
                    })
                    .collect();
                Ok(read.with_name(name).into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)).into_column())
            },
            &[col(start), col(raw_name(end))],
            |_, fields| Ok(fields[0].clone()),
        );
        self.plan.emptied.push(later.alias(end));
    }

    /// Whether a row meets all of these conditions; nothing for no conditions.
    pub fn conditions(&mut self, conditions: &[Condition]) -> Option<Expr> {
        let mut all: Option<Expr> = None;
        for condition in conditions {
            let index = self.field(&condition.column)?;
            let conventions = self.making.conventions;
            let reader = Reader {
                order: conventions.order,
                dots: conventions.dots,
                midnight_is_date: conventions.midnight_is_date(self.making.survey.dates.get(&index)),
                latest: self.making.extract_day + 3660,
                zone: conventions.zone.clone(),
            };
            let test: Test = condition.test(self.making.mapping.null_values.as_deref(), &reader);
            let passes = holds(col(field_name(index)).fill_null(lit("")), move |cell| test.passes(Some(cell)));
            all = Some(match all {
                Some(all) => all.and(passes),
                None => passes,
            });
        }
        all
    }

    fn check(&mut self, name: &str, column: &str, severity: Severity, found: Expr) {
        let contract = self.making.contract;
        let severity = self.making.settings.severity(&contract.name, column, name).unwrap_or(severity);
        let index = self.plan.checks.len();
        let key = contract.key.iter().chain(&contract.bucket_by).any(|key| key == column);
        if key && severity != Severity::Warn {
            self.plan.key_checks.push(index);
        }
        self.plan.checks.push(PlannedCheck { name: name.to_owned(), column: column.to_owned(), severity });
        self.plan.found.push(found.fill_null(lit(false)).alias(check_name(index)));
    }
}
