//! One measure's section: its chart, its months, its organizations and its groups of patients.

use std::collections::HashMap;

use serde::Serialize;

use super::table::{self, ValueRow};
use super::{Drawings, definition, summary, survey, waits};
use crate::chart::{self, Drawing, FunnelChart, Month, RunChart};
use crate::format::{self, ValueFormat};
use crate::model::{
    Annotation, FunnelCurve, FunnelSite, Measure, Rate, Results, Signal, Target, WaitPoint, latest_final,
};
use crate::publish::stem;
use crate::reading::{Reading, Verdict};
use crate::words;

/// Months in the table under a chart: a year, and the month a year before.
const MONTHS_LISTED: usize = 13;

/// The rows of every computed measure, in the report's order. Values are told apart once: there may be millions.
pub fn all_rows(results: &Results) -> Vec<MeasureRows<'_>> {
    let mut rates: HashMap<&str, Vec<&Rate>> = HashMap::new();
    for rate in &results.rates {
        rates.entry(&rate.measure_id).or_default().push(rate);
    }
    super::sorted(results, true)
        .into_iter()
        .map(|measure| {
            MeasureRows::new(measure, rates.remove(measure.measure_id.as_str()).unwrap_or_default(), results)
        })
        .collect()
}

/// Where a computed measure's section is, within the page.
pub fn anchor(measure: &Measure) -> String {
    format!("measure-{}", stem(&measure.measure_id))
}

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
    /// What the chart says of months, by month.
    pub signals: Vec<&'a Signal>,
    /// What happened when.
    pub annotations: Vec<&'a Annotation>,
    /// Organizations in the funnel, by name.
    pub funnel: Vec<(String, &'a FunnelSite)>,
    /// The limits of the funnel, by size.
    pub curve: Vec<&'a FunnelCurve>,
    /// Each year's curve of waits, by year and share.
    pub wait_curve: Vec<&'a WaitPoint>,
    /// Targets of years.
    pub targets: Vec<&'a Target>,
    /// All its values.
    pub rates: Vec<&'a Rate>,
}

impl<'a> MeasureRows<'a> {
    /// Gathers a measure's rows beside its values.
    pub fn new(measure: &'a Measure, rates: Vec<&'a Rate>, results: &'a Results) -> Self {
        let mut months: Vec<&Rate> =
            rates.iter().copied().filter(|rate| rate.is_overall() && rate.period_kind == "month").collect();
        months.sort_by_key(|rate| rate.period);
        let mut signals: Vec<_> = results.signals.iter().filter(|row| row.measure_id == measure.measure_id).collect();
        signals.sort_by_key(|row| row.period);
        let format = ValueFormat::of(measure);
        let chart = results.charts.iter().find(|row| row.measure_id == measure.measure_id);
        let value = |month| months.iter().find(|rate| rate.period == month).and_then(|rate| rate.shown());
        let reading = if measure.nothing_found {
            Reading::of_nothing_found()
        } else if results.run.release.is_yearly() {
            Reading::of_years_alone()
        } else {
            Reading::of(measure, &format, chart, &signals, &value)
        };
        let of_measure = |id: &str| id == measure.measure_id;
        let mut funnel: Vec<(String, &FunnelSite)> = results
            .funnel_sites
            .iter()
            .filter(|site| of_measure(&site.measure_id))
            .map(|site| (table::name_of(&site.level_name, &site.level_id), site))
            .collect();
        let mut wait_curve: Vec<&WaitPoint> =
            results.wait_curves.iter().filter(|point| of_measure(&point.measure_id)).collect();
        wait_curve.sort_by_key(|point| (point.period, point.share));
        funnel.sort_by_cached_key(|(name, site)| (words::sort_key(name), site.level_id.clone()));
        Self {
            measure,
            format,
            reading,
            months,
            signals,
            annotations: results.annotations.iter().filter(|one| of_measure(&one.measure_id)).collect(),
            funnel,
            curve: results.funnel_curves.iter().filter(|point| of_measure(&point.measure_id)).collect(),
            wait_curve,
            targets: results.targets.iter().filter(|one| of_measure(&one.measure_id)).collect(),
            rates,
        }
    }

    /// Where the measure's section is, within the page.
    pub fn anchor(&self) -> String {
        anchor(self.measure)
    }

    /// The latest final month at level all; the latest final quarter or year where there are no months.
    pub fn latest_final(&self) -> Option<&'a Rate> {
        latest_final(&self.rates)
    }

    /// Unit, interval's method, size and number of months, in one line.
    pub fn subtitle(&self) -> String {
        let by = if self.months.is_empty() { "By year" } else { "By month" };
        let mut parts = vec![match self.format.in_words() {
            unit if unit.is_empty() => by.to_owned(),
            unit if unit.starts_with("per ") => format!("{by}, {unit}"),
            unit => format!("{by}, in {unit}"),
        }];
        parts.push(words::better(&self.measure.better).to_lowercase());
        if let Some(chart) = &self.reading.chart {
            let limits = chart.lower.zip(chart.upper);
            let limits = limits.map(|(lower, upper)| format!(", limits now {}", self.format.interval(lower, upper)));
            parts.push(format!("{}{}", words::chart(&chart.chart), limits.unwrap_or_default()));
        }
        if let Some(method) = self.months.iter().rev().find(|rate| rate.interval().is_some()) {
            parts.push(format!("95% interval: {}", words::method(&method.interval_method)));
        }
        let finals = self.months.iter().filter(|rate| rate.is_final).count();
        let open = self.months.len() - finals;
        parts.extend((!self.months.is_empty()).then(|| match open {
            0 => format!("{finals} months, all final"),
            open => format!("{finals} final months, {open} provisional"),
        }));
        let missing = self.months.iter().filter(|rate| rate.is_missing()).count();
        parts.extend((missing > 0).then(|| format!("data missing in {missing}")));
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
pub fn chart_of(rows: &MeasureRows) -> Result<Option<Drawing>, String> {
    let signal = |rate: &&Rate| rows.signals.iter().copied().find(|signal| signal.period == rate.period);
    let months: Vec<Month> = rows.months.iter().map(|rate| Month { rate, signal: signal(rate) }).collect();
    chart::draw(&RunChart {
        title: &rows.measure.title,
        subtitle: &rows.subtitle(),
        reading: &rows.reading,
        months: &months,
        annotations: &rows.annotations,
        format: &rows.format,
        floor: floor(rows),
        ceiling: ceiling(rows),
    })
}

fn floor(rows: &MeasureRows) -> Option<f64> {
    let never_negative = rows.rates.iter().filter_map(|rate| rate.lower.or(rate.value)).all(|value| value >= 0.0);
    never_negative.then_some(0.0)
}

fn ceiling(rows: &MeasureRows) -> Option<f64> {
    (rows.measure.kind == "proportion" && rows.format.suffix == "%").then_some(100.0)
}

/// Who lies outside the limits of the funnel, in a sentence; empty without a funnel.
fn funnel_sentence(rows: &MeasureRows) -> String {
    if rows.funnel.is_empty() {
        return String::new();
    }
    let named = |meaning: &str, words: &str| {
        let names: Vec<String> = rows
            .funnel
            .iter()
            .filter(|(_, site)| site.position == "alarm" && site.meaning == meaning)
            .map(|(name, site)| format!("{name} ({})", rows.format.value(site.value)))
            .collect();
        (!names.is_empty()).then(|| format!("{words}: {}.", names.join(", ")))
    };
    let found: Vec<String> = [
        named("worse", "Worse than chance explains"),
        named("better", "Better than chance explains"),
        named("high", "Higher than chance explains"),
        named("low", "Lower than chance explains"),
    ]
    .into_iter()
    .flatten()
    .collect();
    // The table beside it may be of the running year.
    let year = rows.funnel.first().map(|(_, site)| format::period("year", site.period)).unwrap_or_default();
    if found.is_empty() {
        format!("{year}: no organization lies outside the 99.8% limits.")
    } else {
        format!("{year}. {}", found.join(" "))
    }
}

/// Draws a measure's funnel; nothing where it has none.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn funnel_of(rows: &MeasureRows) -> Result<Option<Drawing>, String> {
    let Some((_, site)) = rows.funnel.first() else { return Ok(None) };
    let units = words::plural(&rows.measure.unit_name);
    let limits = if site.widened { "chance and the usual difference between organizations" } else { "chance alone" };
    let state = if site.is_final { "" } else { " so far (provisional)" };
    chart::draw_funnel(&FunnelChart {
        title: &rows.measure.title,
        subtitle: &format!(
            "{} organizations, {}{state}, beside the value of all; limits for {limits} at each number of {units}",
            rows.funnel.len(),
            format::period("year", site.period),
        ),
        sentence: &funnel_sentence(rows),
        sites: &rows.funnel,
        curve: &rows.curve,
        units: &units,
        format: &rows.format,
        floor: floor(rows),
        ceiling: ceiling(rows),
    })
}

/// Who is not in the latest year's value, in a sentence for each kind.
fn left_out(rows: &MeasureRows, results: &Results) -> String {
    let own = || results.exclusions.iter().filter(|row| row.measure_id == rows.measure.measure_id);
    let Some(year) = own().map(|row| row.year).max() else { return String::new() };
    let listed = |kind: &str, words: &str| {
        let parts: Vec<String> = own()
            .filter(|row| row.year == year && row.kind == kind)
            .map(|row| {
                let units = row.units.map_or_else(|| "suppressed".to_owned(), format::count);
                format!("{} {units}", words::reason(&row.reason))
            })
            .collect();
        (!parts.is_empty()).then(|| format!("{words} in {}: {}.", format::period("year", year), parts.join(", ")))
    };
    [listed("excluded", "Left out"), listed("exception", "Excepted"), listed("immature", "Not counted yet")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

/// What happened within the months of the chart, with the letter that the chart gives it.
fn events(rows: &MeasureRows) -> Vec<(String, String)> {
    chart::events_within(
        &rows.annotations,
        rows.months.first().map(|rate| rate.period),
        rows.months.last().map(|rate| rate.period),
    )
    .into_iter()
    .map(|(letter, one)| (format!("{letter} {}", format::day(one.date)), one.text.clone()))
    .collect()
}

/// One measure's section.
#[derive(Debug, Serialize)]
pub struct Section {
    /// Place on the page, from 0: texts have it in their ids.
    number: usize,
    anchor: String,
    /// Link to the whole definition.
    definition: String,
    title: String,
    why: String,
    subtitle: String,
    signal: bool,
    /// What a signal means, as a class.
    tone: &'static str,
    /// Whether there is something to say of its months.
    assessed: bool,
    /// Whether the release has no months.
    yearly: bool,
    badge: String,
    sentence: String,
    caveat: String,
    value_head: String,
    counts_head: String,
    target: String,
    chart_why: String,
    chart: String,
    funnel: String,
    funnel_sentence: String,
    annotations: Vec<(String, String)>,
    months: Vec<ValueRow>,
    organizations: Vec<table::PeriodTable>,
    strata: Option<table::Strata>,
    /// Who is not in the year's value, and why; empty where everyone is.
    left_out: String,
    /// How long units waited, in a sentence; empty for other measures.
    wait: String,
    /// Each year's curve of waits; empty for other measures.
    wait_curve: String,
    wait_curve_sentence: String,
    survey: Option<survey::Comparison>,
}

impl Section {
    /// The section of a measure, with its drawing and so many organizations at the most.
    pub fn new(
        number: usize,
        rows: &MeasureRows,
        results: &Results,
        drawn: &Drawings,
        axis: Option<(&str, &str)>,
        most_organizations: usize,
    ) -> Self {
        let (measure, run) = (rows.measure, &results.run);
        Self {
            number,
            anchor: rows.anchor(),
            definition: definition::link(measure),
            title: measure.title.clone(),
            why: measure.why.clone(),
            subtitle: rows.subtitle(),
            signal: rows.reading.verdict == Verdict::Signal,
            tone: summary::tone(rows.reading.change),
            assessed: !run.release.is_yearly() || measure.nothing_found,
            yearly: run.release.is_yearly(),
            badge: rows.reading.badge.clone(),
            sentence: format!("{} {}", rows.reading.short, rows.reading.detail).trim_end().to_owned(),
            caveat: measure.caveat.clone(),
            value_head: table::value_head(rows),
            counts_head: table::counts_head(rows),
            target: rows.reading.target_sentence(&rows.format),
            chart_why: rows.reading.chart.as_ref().map(|chart| chart.why.clone()).unwrap_or_default(),
            funnel: drawn
                .funnel
                .as_ref()
                .map(|drawing| drawing.inline(&format!("f{number}"), None))
                .unwrap_or_default(),
            funnel_sentence: funnel_sentence(rows),
            annotations: events(rows),
            // A chart without a value would be an empty frame: the table says why each month has none.
            chart: drawn
                .chart
                .as_ref()
                .filter(|_| rows.months.iter().any(|rate| rate.shown().is_some()))
                .map(|drawing| drawing.inline(&format!("r{number}"), axis))
                .unwrap_or_default(),
            months: rows
                .months
                .iter()
                .rev()
                .take(MONTHS_LISTED)
                .map(|rate| ValueRow::new(&format::month(rate.period), rate, rows, run))
                .collect(),
            organizations: table::organizations(rows, run, most_organizations),
            strata: table::strata(rows, run),
            left_out: left_out(rows, results),
            wait: waits::sentence(rows, results).unwrap_or_default(),
            wait_curve: drawn
                .waits
                .as_ref()
                .map(|drawing| drawing.inline(&format!("w{number}"), None))
                .unwrap_or_default(),
            wait_curve_sentence: waits::curve_sentence(rows),
            survey: survey::Comparison::new(rows, results),
        }
    }
}
