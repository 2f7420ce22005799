//! `carecoord report`.

use std::path::PathBuf;
use std::process::ExitCode;

use carecoord_lake::snapshot::Store;
use carecoord_lake::{files, parquet_file};
use carecoord_measures::span::date_of;

use crate::arguments::{Release, ReportOptions};
use crate::config::Config;
use crate::failure::Failure;
use crate::output;

/// Renders the report of the newest results and prints its path.
pub fn run(options: &ReportOptions) -> Result<ExitCode, Failure> {
    let html = render(options)?;
    output::line(&html.display().to_string());
    Ok(ExitCode::SUCCESS)
}

/// Renders the report and returns the page's path.
pub fn render(options: &ReportOptions) -> Result<PathBuf, Failure> {
    let project = &options.project.project;
    let config = Config::read(project)?;
    let results = Store::results(project).current()?;
    let month = report_month(&results.path)?;
    if let Some(wanted) = options.month.filter(|wanted| *wanted != month) {
        return Err(Failure::Usage(format!(
            "the newest results are of {}; run `carecoord compute --month {}` first",
            month.strftime("%Y-%m"),
            wanted.strftime("%Y-%m")
        )));
    }
    let release = options.release.into();
    let out = match &options.out {
        Some(out) => out.clone(),
        None => {
            let reports = project.join("reports");
            files::create_folder(&reports)?;
            reports.join(folder(month, release))
        }
    };
    let locale = match &config.locale {
        Some(file) => carecoord_reports::Locale::read(&project.join(file))?,
        None => carecoord_reports::Locale::default(),
    };
    let subject_lists = options.subject_lists;
    let wanted = carecoord_reports::ReportOptions { title: config.report_title, release, subject_lists, locale };
    Ok(carecoord_reports::render(&results.path, &out, &wanted)?.html)
}

/// A release lies beside the internal report and never in its place.
fn folder(month: jiff::civil::Date, release: carecoord_reports::Release) -> String {
    let month = month.strftime("%Y-%m");
    match release {
        carecoord_reports::Release::Internal => month.to_string(),
        release => format!("{month}-{}", release.code()),
    }
}

impl From<Release> for carecoord_reports::Release {
    fn from(release: Release) -> Self {
        match release {
            Release::Internal => Self::Internal,
            Release::Limited => Self::Limited,
            Release::SafeHarbor => Self::SafeHarbor,
            Release::Public => Self::Public,
        }
    }
}

fn report_month(results: &std::path::Path) -> Result<jiff::civil::Date, Failure> {
    use arrow::array::AsArray;
    use arrow::datatypes::Date32Type;
    let batches = parquet_file::read(&results.join("run.parquet"))?;
    batches
        .first()
        .and_then(|batch| batch.column_by_name("report_month"))
        .and_then(|column| column.as_primitive_opt::<Date32Type>())
        .filter(|months| !arrow::array::Array::is_empty(*months))
        .map(|months| date_of(months.value(0)))
        .ok_or_else(|| Failure::Machine("the results hold no run".to_owned()))
}
