//! One measure's section: its chart, its months, its organizations and its groups of patients.

use serde::Serialize;

use super::survey;
use super::table::{self, ValueRow};
use crate::chart::{self, Drawing, RunChart};
use crate::format::{self, ValueFormat};
use crate::model::{Measure, Rate, Results, Run};
use crate::publish::stem;
use crate::reading::{Reading, Verdict};
use crate::words;

/// Months in the table under a chart: a year, and the month a year before.
const MONTHS_LISTED: usize = 13;

/// A measure with its rows of the results.
#[derive(Debug)]
pub struct MeasureRows<'a> {
    /// The measure.
    pub measure: &'a Measure,
    /// How its values are written.
    pub format: ValueFormat,
    /// Its run chart's signal in words.
    pub reading: Reading,
    /// Monthly values at level all, by month.
    pub months: Vec<&'a Rate>,
    /// All its values.
    pub rates: Vec<&'a Rate>,
}

impl<'a> MeasureRows<'a> {
    /// Gathers a measure's rows.
    pub fn new(measure: &'a Measure, results: &'a Results) -> Self {
        let rates: Vec<&Rate> = results.rates.iter().filter(|rate| rate.measure_id == measure.measure_id).collect();
        let mut months: Vec<&Rate> =
            rates.iter().copied().filter(|rate| rate.is_overall() && rate.period_kind == "month").collect();
        months.sort_by_key(|rate| rate.period);
        let mut signals: Vec<_> = results.signals.iter().filter(|row| row.measure_id == measure.measure_id).collect();
        signals.sort_by_key(|row| row.period);
        let reading = Reading::of(measure, &signals, &months);
        Self { measure, format: ValueFormat::of(measure), reading, months, rates }
    }

    /// Where the measure's section is, within the page.
    pub fn anchor(&self) -> String {
        format!("measure-{}", stem(&self.measure.measure_id))
    }

    /// The latest final month at level all; the latest final quarter or year where there are no months.
    pub fn latest_final(&self) -> Option<&'a Rate> {
        ["month", "quarter", "year"]
            .into_iter()
            .map(|kind| self.rates.iter().filter(move |rate| rate.is_overall() && rate.period_kind == kind))
            .find_map(|rates| {
                let rates: Vec<_> = rates.collect();
                (!rates.is_empty())
                    .then(|| rates.into_iter().filter(|rate| rate.is_final).max_by_key(|rate| rate.period).copied())
            })
            .flatten()
    }

    /// Unit, interval's method, size and number of months, in one line.
    pub fn subtitle(&self) -> String {
        let mut parts = vec![match self.format.in_words() {
            unit if unit.is_empty() => "By month".to_owned(),
            unit if unit.starts_with("per ") => format!("By month, {unit}"),
            unit => format!("By month, in {unit}"),
        }];
        parts.push(words::better(&self.measure.better).to_lowercase());
        if let Some(method) = self.months.iter().rev().find(|rate| rate.interval().is_some()) {
            parts.push(format!("95% interval: {}", words::method(&method.interval_method)));
        }
        let finals = self.months.iter().filter(|rate| rate.is_final).count();
        parts.push(match self.months.len() - finals {
            0 => format!("{finals} months, all final"),
            open => format!("{finals} final months, {open} provisional"),
        });
        let shown = || self.months.iter().filter(|rate| rate.is_final && rate.shown().is_some());
        let sizes = || shown().filter_map(|rate| rate.n_units);
        if let (Some(least), Some(most)) = (sizes().min(), sizes().max()) {
            let (least, most) = (format::count(least), format::count(most));
            parts.push(format!("{least}–{most} {} a month", words::plural(&self.measure.unit_name)));
        }
        parts.join(" · ")
    }
}

/// Draws a measure's run chart; nothing where it has no months.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn chart_of(rows: &MeasureRows, run: &Run) -> Result<Option<Drawing>, String> {
    let never_negative = rows.rates.iter().filter_map(|rate| rate.lower.or(rate.value)).all(|value| value >= 0.0);
    chart::draw(&RunChart {
        title: &rows.measure.title,
        subtitle: &rows.subtitle(),
        reading: &rows.reading,
        months: &rows.months,
        format: &rows.format,
        floor: never_negative.then_some(0.0),
        ceiling: (rows.measure.kind == "proportion" && rows.format.suffix == "%").then_some(100.0),
        suppress_below: run.suppress_below,
    })
}

/// How long units of the latest final month waited, with those who still wait.
fn wait(rows: &MeasureRows, results: &Results) -> Option<String> {
    let month = rows.months.iter().filter(|rate| rate.is_final).map(|rate| rate.period).max()?;
    let of_month = |wait: &&crate::model::Wait| wait.measure_id == rows.measure.measure_id && wait.period == month;
    let wait = results.waits.iter().find(of_month)?;
    let units = words::plural(&rows.measure.unit_name);
    let days = |days: f64| format!("{} {}", format::amount(days), rows.measure.value_unit);
    let n = wait.n_units?;
    let share = wait.share.map(|share| format!("; {}% had it by the end of the watch", format::number(share, 0)));
    let half = match wait.median {
        Some(median) => format!("half had it within {}", days(median)),
        None => "fewer than half have had it".to_owned(),
    };
    let most = wait.p90.map(|p90| format!(", nine in ten within {}", days(p90)));
    let naive = wait.completed_median.map(|median| {
        format!(" Among those who had it alone the median is {}, which leaves out who waits longest.", days(median))
    });
    Some(format!(
        "Of {} {units} of {}, {half}{}{}.{}",
        format::count(n),
        format::month(month),
        most.unwrap_or_default(),
        share.unwrap_or_default(),
        naive.unwrap_or_default()
    ))
}

/// One measure's section.
#[derive(Debug, Serialize)]
pub struct Section {
    anchor: String,
    title: String,
    why: String,
    subtitle: String,
    signal: bool,
    badge: String,
    sentence: String,
    caveat: String,
    value_head: String,
    chart: String,
    months: Vec<ValueRow>,
    organizations: Vec<table::PeriodTable>,
    strata: Vec<table::StratumTable>,
    /// How long units waited, in a sentence; empty for other measures.
    wait: String,
    survey: Option<survey::Comparison>,
}

impl Section {
    /// The section of a measure, with its drawing.
    pub fn new(rows: &MeasureRows, results: &Results, drawing: Option<&Drawing>) -> Self {
        let (measure, run) = (rows.measure, &results.run);
        let name = stem(&measure.measure_id);
        Self {
            anchor: rows.anchor(),
            title: measure.title.clone(),
            why: measure.why.clone(),
            subtitle: rows.subtitle(),
            signal: rows.reading.verdict == Verdict::Signal,
            badge: rows.reading.badge.clone(),
            sentence: format!("{} {}", rows.reading.short, rows.reading.detail).trim_end().to_owned(),
            caveat: measure.caveat.clone(),
            value_head: table::value_head(rows),
            chart: drawing.map(|drawing| drawing.inline(&format!("chart-{name}"))).unwrap_or_default(),
            months: rows
                .months
                .iter()
                .rev()
                .take(MONTHS_LISTED)
                .map(|rate| ValueRow::new(&format::month(rate.period), rate, rows, run))
                .collect(),
            organizations: table::organizations(rows, run),
            strata: table::strata(rows, run),
            wait: wait(rows, results).unwrap_or_default(),
            survey: survey::Comparison::new(rows, results),
        }
    }
}
