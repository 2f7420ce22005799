//! `carecoord compute`.

use std::process::ExitCode;

use carecoord_measures::compute::{Options, compute};
use carecoord_measures::suppression;

use crate::arguments::{ComputeOptions, Disclosure};
use crate::config::Config;
use crate::damage;
use crate::failure::Failure;
use crate::output::{self, Progress};

/// Computes all measures and publishes results.
pub fn run(options: &ComputeOptions) -> Result<ExitCode, Failure> {
    let project = &options.project.project;
    let config = Config::read(project)?;
    let progress = Progress::new();
    let only = &options.measuring.only;
    let mut measures = config.measures(project)?;
    let charts = config.chart_settings(&measures)?;
    if let Some(unknown) = only.iter().find(|id| !measures.iter().any(|measure| measure.id.starts_with(id.as_str()))) {
        return Err(Failure::Usage(format!(
            "no measure's id begins with {unknown}; `carecoord measures list` shows them"
        )));
    }
    measures.retain(|measure| only.is_empty() || only.iter().any(|id| measure.id.starts_with(id.as_str())));
    let outcome = damage::named(project, || {
        Ok(compute(&Options {
            project,
            measures: measures.clone(),
            instruments: config.instruments(project)?,
            report_month: options.measuring.month,
            months: options.measuring.months.unwrap_or(config.months),
            suppress_below: config.suppress_below,
            disclosure: options.measuring.disclosure.map_or(config.disclosure, Into::into),
            charts: charts.clone(),
            buckets_at_once: options.measuring.buckets_at_once,
            progress: &|text| progress.say(text),
        })?)
    })?;
    drop(progress);
    if options.measuring.timings {
        for timing in &outcome.timings {
            let cpu = timing.cpu.map_or("?".to_owned(), |cpu| format!("{:.2}", cpu.as_secs_f64()));
            let count =
                |number: Option<u64>, what: &str| number.map_or(String::new(), |number| format!(", {number} {what}"));
            output::message(&format!(
                "{:8.2} s {cpu:>8} CPU s  {} {}{}{}",
                timing.wall.as_secs_f64(),
                timing.step,
                timing.what,
                count(timing.written.rows, "rows"),
                count(timing.written.bytes, "bytes")
            ));
        }
    }
    let span = &outcome.span;
    output::message(&format!(
        "computed {} measures for {} to {}; extracts of {}{}; results snapshot {}",
        outcome.computed.len(),
        span.first_month.strftime("%Y-%m"),
        span.report_month.strftime("%Y-%m"),
        span.extract_date,
        if span.extract_date_assumed { " (assumed: the last date in the data)" } else { "" },
        outcome.snapshot.id
    ));
    for (id, reason) in &outcome.refused {
        output::message(&format!("refused {id}: {reason}"));
    }
    Ok(ExitCode::SUCCESS)
}

impl From<Disclosure> for suppression::Disclosure {
    fn from(disclosure: Disclosure) -> Self {
        match disclosure {
            Disclosure::Sums => Self::Sums,
            Disclosure::Linear => Self::Linear,
        }
    }
}
