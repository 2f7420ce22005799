//! `carecoord generate`.

use std::process::ExitCode;

use carecoord_sample_data::{Options, generate};

use crate::arguments::GenerateOptions;
use crate::failure::Failure;
use crate::output;

/// Writes invented extracts and prints what was written.
pub fn run(options: &GenerateOptions) -> Result<ExitCode, Failure> {
    let summary = generate(
        &options.out,
        &Options {
            patients: options.patients,
            seed: options.seed,
            months: options.months,
            dirty: options.dirty,
            gzip: options.gzip,
            ..Options::default()
        },
    )?;
    let rows: Vec<Vec<String>> =
        summary.files.iter().map(|(file, rows)| vec![file.clone(), rows.to_string()]).collect();
    output::table(&["file", "rows"], &rows)?;
    let dirt: Vec<String> = summary.dirty.iter().map(|(kind, rows)| format!("{kind} {rows}")).collect();
    output::message(&format!("everything in {} is invented; dirty rows: {}", options.out.display(), dirt.join(", ")));
    Ok(ExitCode::SUCCESS)
}
