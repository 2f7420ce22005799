//! Steps that follow each other, side by side: where patients get lost.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Serialize;

use super::measure::MeasureRows;
use crate::format;
use crate::model::{Rate, Run};
use crate::words;

/// A sequence of steps in one month.
#[derive(Debug, Serialize)]
pub struct Cascade {
    title: String,
    month: String,
    steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Serialize)]
struct Step {
    title: String,
    anchor: String,
    value: String,
    interval: String,
    counts: String,
    /// Length of the bar in per cent; nothing where the value may not be shown.
    bar: Option<i64>,
}

/// The cascades of the report, each in the latest month that is final for all of its steps.
pub fn cascades(rows: &[MeasureRows], run: &Run) -> Vec<Cascade> {
    let mut titles: Vec<&str> = Vec::new();
    for rows in rows.iter().filter(|rows| !rows.measure.cascade.is_empty()) {
        if !titles.contains(&rows.measure.cascade.as_str()) {
            titles.push(&rows.measure.cascade);
        }
    }
    titles.into_iter().filter_map(|title| cascade(title, rows, run)).collect()
}

fn cascade(title: &str, rows: &[MeasureRows], run: &Run) -> Option<Cascade> {
    let mut steps: Vec<&MeasureRows> = rows.iter().filter(|rows| rows.measure.cascade == title).collect();
    steps.sort_by_key(|rows| rows.measure.position);
    let finals = |rows: &MeasureRows| -> BTreeSet<Date> {
        rows.months.iter().filter(|rate| rate.is_final).map(|rate| rate.period).collect()
    };
    let (first, others) = steps.split_first()?;
    let common =
        others.iter().fold(finals(first), |common, rows| common.intersection(&finals(rows)).copied().collect());
    let month = common.last().copied().filter(|_| !others.is_empty())?;
    let step = |rows: &MeasureRows| -> Option<Step> {
        let rate: &Rate = rows.months.iter().find(|rate| rate.period == month)?;
        let counts = rate.numerator.zip(rate.denominator).filter(|_| rate.shown().is_some());
        #[expect(clippy::cast_possible_truncation, reason = "a share of a hundred")]
        let bar = rate.shown().map(|value| value.clamp(0.0, 100.0).round() as i64);
        Some(Step {
            title: rows.measure.title.clone(),
            anchor: rows.anchor(),
            value: rate
                .shown()
                .map_or_else(|| words::state(rate, run.suppress_below), |value| rows.format.value(value)),
            interval: rate
                .interval()
                .map(|(lower, upper)| rows.format.short_interval(lower, upper))
                .unwrap_or_default(),
            counts: counts
                .map(|(over, under)| words::fraction(rows.measure, &rows.format.prefix, over, under))
                .unwrap_or_default(),
            bar: bar.filter(|_| rows.format.suffix == "%"),
        })
    };
    let steps = steps.into_iter().filter_map(step).collect();
    Some(Cascade { title: title.to_owned(), month: format::month_long(month), steps })
}
