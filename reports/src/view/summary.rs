//! The summary: a row for each measure, signals first.

use std::fmt::Write as _;

use serde::Serialize;

use super::measure::MeasureRows;
use crate::format;
use crate::model::{Run, State};
use crate::reading::{Change, Icon, Verdict};
use crate::{values, words};

/// Size of a sparkline in its own units.
const SPARK: (f64, f64) = (120.0, 28.0);

/// A measure in a row.
#[derive(Debug, Serialize)]
pub struct SummaryRow {
    anchor: String,
    title: String,
    family: String,
    /// The value, or why there is none.
    value: String,
    /// Whether `value` is a number.
    shown: bool,
    /// Rest of the unit, in words.
    unit: String,
    interval: String,
    /// Which period the value is of, and what it was made from.
    basis: String,
    spark: String,
    icons: Vec<IconText>,
    target: String,
    better: &'static str,
    badge: String,
    sentence: String,
    /// Whether a signal asks for attention.
    signal: bool,
    /// What it means: empty for concern, good, or neutral, each after a blank.
    tone: &'static str,
    /// Place in the order of urgency.
    order: usize,
}

/// An icon: a letter in a shape, and the words for those who cannot see it.
#[derive(Debug, Serialize)]
struct IconText {
    class: &'static str,
    letter: &'static str,
    words: &'static str,
}

/// All rows, what a reader must look at first.
pub fn rows(measures: &[MeasureRows], run: &Run) -> Vec<SummaryRow> {
    let mut order: Vec<&MeasureRows> = measures.iter().collect();
    // The sort is stable: within one verdict the report's order stays.
    order.sort_by_key(|rows| (rows.reading.verdict, rows.reading.change));
    order.into_iter().enumerate().map(|(place, rows)| SummaryRow::new(rows, place, run)).collect()
}

/// Families that have a measure, in the order of the report: name and heading.
pub fn families(measures: &[MeasureRows]) -> Vec<String> {
    let mut families: Vec<String> = Vec::new();
    for rows in measures {
        let family = words::family(&rows.measure.family);
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families
}

impl SummaryRow {
    /// The row of a measure, in this place of the order.
    pub fn new(rows: &MeasureRows, order: usize, run: &Run) -> Self {
        let measure = rows.measure;
        let mut row = Self {
            anchor: rows.anchor(),
            title: measure.title.clone(),
            family: words::family(&measure.family),
            value: "not final yet".to_owned(),
            shown: false,
            unit: rows.format.unit.clone(),
            interval: String::new(),
            basis: String::new(),
            spark: spark(rows),
            icons: rows.reading.variation.into_iter().chain(rows.reading.assurance).map(icon).collect(),
            target: rows
                .reading
                .chart
                .as_ref()
                .and_then(|chart| chart.target)
                .map(|target| rows.format.value(target))
                .unwrap_or_default(),
            better: words::better(&measure.better),
            badge: rows.reading.badge.clone(),
            sentence: rows.reading.short.clone(),
            signal: rows.reading.verdict == Verdict::Signal,
            tone: tone(rows.reading.change),
            order,
        };
        let Some(rate) = rows.latest_final() else {
            row.basis = match measure.window_days {
                // Followed without end.
                0 => "no period is final: someone still waits in each".to_owned(),
                window => format!(
                    "no period is final: followed for {}, data complete {} later",
                    days(window),
                    days(measure.runout_days)
                ),
            };
            return row;
        };
        row.basis = format::period(&rate.period_kind, rate.period);
        match (rate.state, rate.shown()) {
            (State::Shown, Some(value)) => {
                row.value = rows.format.value(value);
                row.shown = true;
                row.interval =
                    rate.interval().map(|(lower, upper)| rows.format.interval(lower, upper)).unwrap_or_default();
                if let (Some(numerator), Some(denominator)) = (rate.numerator, rate.denominator) {
                    let fraction = words::fraction(measure, &rows.format.prefix, numerator, denominator);
                    let _ = write!(row.basis, ": {fraction}");
                }
            }
            (State::Undefined | State::Shown, _) => values::absent(rate).clone_into(&mut row.value),
            (State::Suppressed, _) => row.value = words::state(rate, run.suppress_below),
        }
        row
    }
}

/// Final months as a line; gaps where nothing may be shown. The last month has a point.
fn spark(rows: &MeasureRows) -> String {
    let values: Vec<Option<f64>> = rows.months.iter().filter(|rate| rate.is_final).map(|rate| rate.shown()).collect();
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    if values.len() < 2 || !low.is_finite() {
        return String::new();
    }
    let spread = if high > low { high - low } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, reason = "within the size of a sparkline")]
    let at = |place: usize, value: f64| {
        let x = 3.0 + (SPARK.0 - 6.0) * place as f64 / (values.len() - 1) as f64;
        let y = if high > low { SPARK.1 - 3.0 - (SPARK.1 - 6.0) * (value - low) / spread } else { SPARK.1 / 2.0 };
        (x.round() as i64, y.round() as i64)
    };
    let mut path = String::new();
    let mut pen: Option<(i64, i64)> = None;
    let mut last = None;
    for (place, value) in values.iter().enumerate() {
        let point = value.map(|value| at(place, value));
        // Writing to a text cannot fail.
        let _ = match (pen, point) {
            (_, None) => Ok(()),
            (None, Some((x, y))) => write!(path, "M{x} {y}"),
            (Some(pen), Some((x, y))) => write!(path, "l{} {}", x - pen.0, y - pen.1),
        };
        (pen, last) = (point, point.or(last));
    }
    let point = last.map(|(x, y)| format!("M{x} {y}h0")).unwrap_or_default();
    format!(
        "<svg class=spark viewBox=\"0 0 {} {}\" aria-hidden=true><path d=\"{path}\"/><path class=p d=\"{point}\"/></svg>",
        SPARK.0, SPARK.1
    )
}

/// The class of what a signal means, which the page's style colours.
pub fn tone(change: Change) -> &'static str {
    match change {
        Change::Worsening => "",
        Change::Improvement => " good",
        Change::Undirected => " neutral",
    }
}

fn icon(icon: Icon) -> IconText {
    let (class, letter, words) = match icon {
        Icon::Improvement(true) => ("good", "H", "Improvement, high values"),
        Icon::Improvement(false) => ("good", "L", "Improvement, low values"),
        Icon::Concern(true) => ("bad", "H", "Concern, high values"),
        Icon::Concern(false) => ("bad", "L", "Concern, low values"),
        Icon::Change(true) => ("change", "↑", "Change upwards"),
        Icon::Change(false) => ("change", "↓", "Change downwards"),
        Icon::CommonCause => ("common", "∿", "Common cause"),
        Icon::Pass => ("good square", "P", "Target will be met"),
        Icon::Fail => ("bad square", "F", "Target will not be met"),
        Icon::HitOrMiss => ("common square", "?", "Target met or missed by chance"),
    };
    IconText { class, letter, words }
}

fn days(number: i64) -> String {
    if number == 1 { "1 day".to_owned() } else { format!("{} days", format::count(number)) }
}
