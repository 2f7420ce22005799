//! Waits: how long units of the latest final month waited, and each year's curve.

use jiff::civil::Date;

use super::measure::MeasureRows;
use crate::chart::{self, Drawing, WaitChart, WaitYear};
use crate::format;
use crate::model::{Results, WaitPoint};
use crate::words;

/// Years that are drawn beside each other.
const YEARS: usize = 2;

/// How long units of the latest final month waited, with those who still wait.
pub fn sentence(rows: &MeasureRows, results: &Results) -> Option<String> {
    let month = rows.months.iter().filter(|rate| rate.is_final).map(|rate| rate.period).max()?;
    let of_month = |wait: &&crate::model::Wait| wait.measure_id == rows.measure.measure_id && wait.period == month;
    let wait = results.waits.iter().find(of_month)?;
    let units = words::plural(&rows.measure.unit_name);
    let days = |days: f64| days_of(rows, days);
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

/// Days in words: a median of whole days may lie between two.
fn days_of(rows: &MeasureRows, days: f64) -> String {
    let decimals = usize::from((days - days.round()).abs() > 1e-9);
    format!("{} {}", format::number(days, decimals), rows.measure.value_unit)
}

/// What the curves show, in a sentence for each year; empty without any.
pub fn curve_sentence(rows: &MeasureRows) -> String {
    let sentence = |(year, points): &(Date, Vec<&WaitPoint>)| {
        let at = |share: i64| {
            let days = points.iter().find(|point| point.share == share).and_then(|point| point.days);
            days.map(|days| days_of(rows, days))
        };
        let half =
            at(50).map_or_else(|| "fewer than half had it".to_owned(), |days| format!("half had it within {days}"));
        let most = match (at(50), at(90)) {
            (None, _) => String::new(),
            (_, Some(days)) => format!(", nine in ten within {days}"),
            (_, None) => ", fewer than nine in ten had it".to_owned(),
        };
        format!("{}: {half}{most}.", label(*year, points))
    };
    years(rows).iter().rev().map(sentence).collect::<Vec<_>>().join(" ")
}

/// Draws the years' curves; nothing for measures without them.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn curve_of(rows: &MeasureRows) -> Result<Option<Drawing>, String> {
    let years: Vec<WaitYear> = years(rows)
        .into_iter()
        .map(|(year, points)| WaitYear {
            label: label(year, &points),
            is_final: points.iter().all(|point| point.is_final),
            points: points.iter().filter_map(|point| Some((point.days?, point.share as f64))).collect(),
        })
        .collect();
    chart::draw_waits(&WaitChart {
        title: &rows.measure.title,
        subtitle: "Each point is a tenth of all, those who still wait among them (Aalen–Johansen): the day by which so many \
                   had it. Hollow: not everyone has been followed to the end.",
        sentence: &curve_sentence(rows),
        years: &years,
        unit: &rows.measure.value_unit,
    })
}

fn label(year: Date, points: &[&WaitPoint]) -> String {
    let so_far = if points.iter().all(|point| point.is_final) { "" } else { " so far" };
    format!("{}{so_far}", format::period("year", year))
}

/// The latest years of which something may be shown, in order.
fn years<'a>(rows: &MeasureRows<'a>) -> Vec<(Date, Vec<&'a WaitPoint>)> {
    let mut years: Vec<(Date, Vec<&WaitPoint>)> = Vec::new();
    for point in &rows.wait_curve {
        match years.last_mut() {
            Some((year, points)) if *year == point.period => points.push(point),
            _ => years.push((point.period, vec![point])),
        }
    }
    years.retain(|(_, points)| points.iter().any(|point| point.days.is_some()));
    years.split_off(years.len().saturating_sub(YEARS))
}
