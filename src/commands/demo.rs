//! `carecoord demo`: the bundled sample from start to finish.

use std::process::ExitCode;

use carecoord_lake::files;

use crate::arguments::{
    ComputeOptions, DemoOptions, IngestOptions, MeasuringOptions, ProjectOptions, Release, ReportOptions, TextFormat,
};
use crate::commands::{compute, ingest, report};
use crate::failure::Failure;
use crate::output;

/// Targets and an annotation, so that the demo's charts show what a project's can.
const SETTINGS: &str = include_str!("../demo.toml");

/// Unpacks the sample, runs the month's work on it, and says where to look.
pub fn run(options: &DemoOptions) -> Result<ExitCode, Failure> {
    let project = || ProjectOptions { project: options.project.clone() };
    let extracts = options.project.join("extracts");
    files::create_folder(&extracts)?;
    carecoord_sample_data::bundled::unpack(&extracts)?;
    let settings = options.project.join("carecoord.toml");
    if !settings.exists() {
        files::replace(&settings, SETTINGS.as_bytes())?;
    }
    let code = ingest::run(&IngestOptions {
        project: project(),
        source: Some(carecoord_pipeline::mapping::OWN.to_owned()),
        extracts: Some(extracts),
        extract_date: None,
        again: false,
        format: TextFormat::Table,
    })?;
    if code != ExitCode::SUCCESS {
        return Ok(code);
    }
    compute::run(&ComputeOptions { project: project(), measuring: MeasuringOptions::default() })?;
    let html = report::render(&ReportOptions {
        project: project(),
        month: None,
        out: None,
        release: Release::Internal,
        subject_lists: false,
    })?;
    let at = options.project.display();
    output::message(&format!(
        "\nEverything above is invented. Next:\n  \
         carecoord worklist referral.open --project {at}\n  \
         carecoord sql --project {at} \"select period, value, lower, upper from results.rate \
         where measure_id = 'readmission.unplanned_30' and level = 'all' and stratum_kind = 'all' and period_kind = 'quarter'\"\n\n\
         Open this report in a browser:"
    ));
    output::line(&html.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}
