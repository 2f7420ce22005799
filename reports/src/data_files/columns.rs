//! The columns of the data files: name, type, and where each comes from.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::model::{Exclusion, FeedMonth, Measure, Rate, WaitPoint};
use crate::reading::Reading;
use crate::release::context::Line;
use crate::values::{self, Numbers};

/// What stands in a cell; nothing where a number may not be shown or does not exist.
#[derive(Debug)]
pub enum Cell<'a> {
    /// Text; empty where there is none.
    Text(Cow<'a, str>),
    /// A number.
    Number(Option<f64>),
    /// A whole number.
    Integer(Option<i64>),
    /// A day.
    Date(Date),
}

/// A column: its type, its name, and its cell in a row.
pub enum Column<R> {
    /// Text.
    Text(&'static str, for<'r> fn(&'r R) -> Cow<'r, str>),
    /// Numbers.
    Number(&'static str, fn(&R) -> Option<f64>),
    /// Whole numbers.
    Integer(&'static str, fn(&R) -> Option<i64>),
    /// Days.
    Date(&'static str, fn(&R) -> Date),
}

impl<R> Column<R> {
    /// The column's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(name, _) | Self::Number(name, _) | Self::Integer(name, _) | Self::Date(name, _) => name,
        }
    }

    /// The column's cell in a row.
    pub fn cell<'r>(&self, row: &'r R) -> Cell<'r> {
        match self {
            Self::Text(_, cell) => Cell::Text(cell(row)),
            Self::Number(_, cell) => Cell::Number(cell(row)),
            Self::Integer(_, cell) => Cell::Integer(cell(row)),
            Self::Date(_, cell) => Cell::Date(cell(row)),
        }
    }
}

/// One value of one measure.
pub struct OneValue<'a> {
    /// The measure.
    pub measure: &'a Measure,
    /// The value.
    pub rate: &'a Rate,
}

/// One measure, with its run chart's reading where it was computed.
pub struct OneMeasure<'a> {
    /// The measure.
    pub measure: &'a Measure,
    /// What its run chart says.
    pub reading: Option<&'a Reading>,
}

/// Columns of `values`: names and codes of the results contract `rate` where it has them.
pub fn of_values<'a>() -> [Column<OneValue<'a>>; 24] {
    [
        Column::Text("measure_id", |row| (&row.measure.measure_id).into()),
        Column::Text("title", |row| (&row.measure.title).into()),
        Column::Text("family", |row| (&row.measure.family).into()),
        Column::Text("unit", |row| (&row.measure.value_unit).into()),
        Column::Text("better", |row| (&row.measure.better).into()),
        Column::Text("period_kind", |row| (&row.rate.period_kind).into()),
        Column::Date("period", |row| row.rate.period),
        Column::Text("level", |row| (&row.rate.level).into()),
        Column::Text("level_id", |row| (&row.rate.level_id).into()),
        Column::Text("level_name", |row| values::level_name(row.rate).into()),
        Column::Text("stratum_kind", |row| (&row.rate.stratum_kind).into()),
        Column::Text("stratum_kind_name", |row| values::split_name(row.measure, &row.rate.stratum_kind).into()),
        Column::Text("stratum", |row| (&row.rate.stratum).into()),
        Column::Number("value", |row| Numbers::of(row.rate).map(|numbers| numbers.value)),
        Column::Number("lower", |row| Numbers::of(row.rate)?.interval.map(|(lower, _)| lower)),
        Column::Number("upper", |row| Numbers::of(row.rate)?.interval.map(|(_, upper)| upper)),
        Column::Text("interval_method", |row| match Numbers::of(row.rate).and_then(|numbers| numbers.interval) {
            Some(_) => (&row.rate.interval_method).into(),
            None => "".into(),
        }),
        Column::Number("numerator", |row| Numbers::of(row.rate)?.numerator),
        Column::Number("denominator", |row| Numbers::of(row.rate)?.denominator),
        Column::Integer("n_units", |row| Numbers::of(row.rate)?.n_units),
        Column::Text("maturity", |row| values::maturity(row.rate).into()),
        Column::Text("state", |row| values::state_code(row.rate).into()),
        Column::Text("state_reason", |row| (&row.rate.state_reason).into()),
        Column::Text("cell", |row| values::cell(row.rate).into()),
    ]
}

/// Columns of `measures`: names of the results contract `measure`, with what the run chart says.
pub fn of_measures<'a>() -> [Column<OneMeasure<'a>>; 25] {
    [
        Column::Text("measure_id", |row| (&row.measure.measure_id).into()),
        Column::Text("code", |row| (&row.measure.code).into()),
        Column::Text("title", |row| (&row.measure.title).into()),
        Column::Text("family", |row| (&row.measure.family).into()),
        Column::Text("status", |row| if row.measure.computed { "computed" } else { "refused" }.into()),
        Column::Text("refusal", |row| (&row.measure.refusal).into()),
        Column::Text("caveat", |row| (&row.measure.caveat).into()),
        Column::Text("signal", |row| row.reading.map_or("", |reading| &reading.badge).into()),
        Column::Text("signal_sentence", |row| {
            row.reading
                .map_or_else(String::new, |said| format!("{} {}", said.short, said.detail).trim_end().into())
                .into()
        }),
        Column::Text("kind", |row| (&row.measure.kind).into()),
        Column::Text("unit_name", |row| (&row.measure.unit_name).into()),
        Column::Text("unit", |row| (&row.measure.value_unit).into()),
        Column::Text("better", |row| (&row.measure.better).into()),
        Column::Integer("decimals", |row| Some(row.measure.decimals)),
        Column::Integer("window_days", |row| Some(row.measure.window_days)),
        Column::Integer("runout_days", |row| Some(row.measure.runout_days)),
        Column::Text("steward", |row| (&row.measure.steward).into()),
        Column::Text("version", |row| (&row.measure.version).into()),
        Column::Text("why", |row| (&row.measure.why).into()),
        Column::Text("rule", |row| (&row.measure.rule).into()),
        Column::Text("sources", |row| (&row.measure.sources).into()),
        Column::Text("atlas", |row| (&row.measure.atlas).into()),
        Column::Text("subgroup", |row| (&row.measure.subgroup).into()),
        Column::Integer("position", |row| Some(row.measure.position)),
        Column::Text("definition_hash", |row| (&row.measure.definition_hash).into()),
    ]
}

/// Columns of `left_out`: names of the results contract `exclusion`.
pub fn of_left_out() -> [Column<Exclusion>; 6] {
    [
        Column::Text("measure_id", |row| (&row.measure_id).into()),
        Column::Date("year", |row| row.year),
        Column::Text("kind", |row| (&row.kind).into()),
        Column::Text("reason", |row| (&row.reason).into()),
        Column::Integer("units", |row| row.units),
        Column::Text("state", |row| if row.units.is_some() { "shown" } else { "suppressed" }.into()),
    ]
}

/// Columns of `waits`: names of the results contract `wait_curve`.
pub fn of_waits() -> [Column<WaitPoint>; 6] {
    [
        Column::Text("measure_id", |row| (&row.measure_id).into()),
        Column::Date("period", |row| row.period),
        Column::Text("maturity", |row| if row.is_final { "final" } else { "provisional" }.into()),
        Column::Integer("share", |row| Some(row.share)),
        Column::Number("days", |row| row.days),
        Column::Text("state", |row| (&row.state).into()),
    ]
}

/// Columns of `feeds`: names of the results contract `feed_month`.
pub fn of_feeds() -> [Column<FeedMonth>; 6] {
    [
        Column::Text("table_name", |row| (&row.table_name).into()),
        Column::Text("part", |row| (&row.part).into()),
        Column::Date("month", |row| row.month),
        Column::Integer("rows", |row| row.rows),
        Column::Text("note", |row| (&row.note).into()),
        Column::Text("state", |row| if row.rows.is_some() { "shown" } else { "suppressed" }.into()),
    ]
}

/// Columns of `context`.
pub fn of_context() -> [Column<Line>; 15] {
    [
        Column::Text("part", |line| line.part.into()),
        Column::Text("measure_id", |line| (&line.measure_id).into()),
        Column::Text("title", |line| (&line.title).into()),
        Column::Text("year", |line| (&line.year).into()),
        Column::Text("level", |line| (&line.level).into()),
        Column::Text("name", |line| (&line.name).into()),
        Column::Text("split", |line| (&line.split).into()),
        Column::Text("group", |line| (&line.group).into()),
        Column::Text("value", |line| (&line.value).into()),
        Column::Number("numerator", |line| line.numerator),
        Column::Number("denominator", |line| line.denominator),
        Column::Integer("n_units", |line| line.n_units),
        Column::Integer("cells", |line| line.cells),
        Column::Text("what", |line| (&line.what).into()),
        Column::Text("why", |line| (&line.why).into()),
    ]
}
