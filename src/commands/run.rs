//! `carecoord run`: ingest, compute, report.

use std::process::ExitCode;

use crate::arguments::{ComputeOptions, ProjectOptions, Release, ReportOptions, RunOptions};
use crate::commands::{compute, ingest, report};
use crate::failure::Failure;

/// The month's work in one go; prints the report's path.
pub fn run(options: &RunOptions) -> Result<ExitCode, Failure> {
    let code = ingest::run(&options.ingest)?;
    if code != ExitCode::SUCCESS {
        return Ok(code);
    }
    let project = || ProjectOptions { project: options.ingest.project.project.clone() };
    compute::run(&ComputeOptions { project: project(), measuring: options.measuring.clone() })?;
    report::run(&ReportOptions {
        project: project(),
        month: options.measuring.month,
        out: None,
        release: Release::Internal,
        subject_lists: false,
    })
}
