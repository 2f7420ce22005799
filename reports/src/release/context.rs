//! What goes with a public release: the counts behind every figure, how they were rounded, what was left out and why.

use std::fmt::Write as _;

use super::{ROUNDED_TO, Release};
use crate::format;
use crate::model::{Rate, Results};
use crate::values::{self, Numbers};
use crate::view::MeasureRows;

/// A line of the context sheet. `part` says what it is about: rule, `left_out`, states or figure.
#[derive(Debug, Default)]
pub struct Line {
    pub part: &'static str,
    pub measure_id: String,
    pub title: String,
    pub year: String,
    pub level: String,
    pub name: String,
    pub split: String,
    pub group: String,
    /// The value as the page writes it.
    pub value: String,
    pub numerator: Option<f64>,
    pub denominator: Option<f64>,
    pub n_units: Option<i64>,
    /// Cells that a line about states counts.
    pub cells: Option<i64>,
    pub what: String,
    pub why: String,
}

/// The lines of a release: rules, what was left out, cells by state, then every figure with what it was made from; none
/// but for a public one.
pub fn lines(results: &Results, rows: &[MeasureRows]) -> Vec<Line> {
    if results.run.release != Release::Public {
        return Vec::new();
    }
    let mut lines = rules(results.run.suppress_below);
    lines.extend(results.left_out.iter().map(|out| Line {
        part: "left_out",
        what: out.what.to_owned(),
        why: out.why.to_owned(),
        ..Line::default()
    }));
    for rows in rows {
        lines.extend(states(rows));
    }
    for rows in rows {
        let rates = values::in_order(rows);
        lines.extend(rates.into_iter().filter_map(|rate| figure(rows, rate)));
    }
    lines
}

fn rules(threshold: i64) -> Vec<Line> {
    let line = |what: String, why: &str| Line { part: "rule", what, why: why.to_owned(), ..Line::default() };
    vec![
        line(
            format!(
                "A numerator, denominator, their difference or a number of units from 1 to {} is suppressed.",
                threshold - 1
            ),
            "Few people could be told apart.",
        ),
        line(
            format!(
                "With it, the smallest other organizations or groups of the same year are suppressed until in each count one \
                 of the hidden ones has {threshold} or more, or all of them have none."
            ),
            "Else the hidden count could be computed from the total.",
        ),
        line(
            format!(
                "Every other count is rounded to the nearest {ROUNDED_TO}; 0 is exactly 0, and a numerator equal to its \
                 denominator is exactly that."
            ),
            "So that differences between releases and between measures do not show single people.",
        ),
        line(
            format!("In row accounting, {ROUNDED_TO} stands for any count from 1 to {}.", super::PUBLIC_THRESHOLD - 1),
            "Rows of data, not people; what was read is the sum of its rounded parts.",
        ),
    ]
}

/// How many cells of a measure are a value, zero, suppressed or not computed.
fn states(rows: &MeasureRows) -> impl Iterator<Item = Line> {
    values::CELLS.into_iter().map(|state| Line {
        part: "states",
        measure_id: rows.measure.measure_id.clone(),
        title: rows.measure.title.clone(),
        cells: i64::try_from(rows.rates.iter().filter(|rate| values::cell(rate) == state).count()).ok(),
        what: state.to_owned(),
        ..Line::default()
    })
}

fn figure(rows: &MeasureRows, rate: &Rate) -> Option<Line> {
    let numbers = Numbers::of(rate)?;
    let what = match rows.measure.kind.as_str() {
        "proportion" | "rate" => "rounded numerator over rounded denominator",
        "time" => "median, to the decimals shown; counts rounded",
        _ => "mean, rounded so that it does not give its count away; the numerator is value times denominator",
    };
    Some(Line {
        part: "figure",
        measure_id: rows.measure.measure_id.clone(),
        title: rows.measure.title.clone(),
        year: format::period(&rate.period_kind, rate.period),
        level: rate.level.to_string(),
        name: values::level_name(rate),
        split: values::split_name(rows.measure, &rate.stratum_kind),
        group: values::group_name(&rate.stratum),
        value: rows.format.value(numbers.value),
        numerator: numbers.numerator,
        denominator: numbers.denominator,
        n_units: numbers.n_units,
        cells: None,
        what: what.to_owned(),
        why: String::new(),
    })
}

/// What stands in `release.txt`: the profile, its promise, and what it leaves out; nothing for an internal report.
pub fn note(results: &Results) -> Option<String> {
    let release = results.run.release;
    if release == Release::Internal {
        return None;
    }
    let mut text = format!("Release: {}\n{}\n", release.code(), release.promise());
    if !results.left_out.is_empty() {
        text.push_str("\nLeft out:\n");
        for out in &results.left_out {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "- {}: {}", out.what, out.why);
        }
    }
    Some(text)
}
