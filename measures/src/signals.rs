//! Run charts: the median of the final months, and whether runs and crossings say that something changed (Anhoej).

use carecoord_statistics::spc::run::{RunChart, run_chart};

use crate::rates::{ALL, Rate, State};
use crate::rows::Cell;

/// Rows of the results table `signal` for one measure at level all: one for each month.
#[must_use]
pub fn rows(measure_id: &str, rates: &[Rate]) -> Vec<Vec<Cell>> {
    let months: Vec<&Rate> = rates.iter().filter(|rate| rate.is_overall() && rate.key.period_kind == "month").collect();
    let final_values: Vec<Option<f64>> =
        months.iter().map(|rate| rate.value.filter(|_| rate.is_final && rate.state == State::Shown)).collect();
    // No final month, or all of them on the median: there is a chart and nothing to say of it.
    let chart = run_chart(&final_values, None).ok();
    months
        .iter()
        .map(|rate| {
            let count = |count: fn(&RunChart) -> usize| chart.as_ref().map(|chart| count(chart) as u64).into();
            vec![
                measure_id.into(),
                ALL.into(),
                ALL.into(),
                Cell::Date(rate.key.period),
                rate.value.filter(|_| rate.state == State::Shown).into(),
                chart.as_ref().map(|chart| chart.centre).into(),
                "run".into(),
                count(|chart| chart.useful),
                count(|chart| chart.longest_run),
                count(|chart| chart.longest_run_limit),
                count(|chart| chart.crossings),
                count(|chart| chart.crossings_limit),
                chart.as_ref().and_then(signal).into(),
            ]
        })
        .collect()
}

fn signal(chart: &RunChart) -> Option<&'static str> {
    match (chart.is_short(), chart.shift, chart.clustering) {
        // Fewer than ten useful months are too few to tell a signal from chance.
        (true, _, _) | (_, false, false) => None,
        (_, true, false) => Some("shift"),
        (_, false, true) => Some("clustering"),
        (_, true, true) => Some("shift+clustering"),
    }
}
