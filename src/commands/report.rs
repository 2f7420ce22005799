//! `carecoord report`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Date32Type;
use carecoord_lake::manifest::ResultsManifest;
use carecoord_lake::snapshot::Store;
use carecoord_lake::{files, parquet_file};
use carecoord_measures::span::date_of;
use carecoord_measures::suppression::Disclosure;
use carecoord_measures::workbench::text_at;
use jiff::civil::Date;

use crate::arguments::{Release, ReportOptions};
use crate::config::Config;
use crate::damage;
use crate::failure::Failure;
use crate::output;

/// Renders the report of the newest results and prints its path.
pub fn run(options: &ReportOptions) -> Result<ExitCode, Failure> {
    let html = render(options)?;
    output::line(&html.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Renders the report and returns the page's path.
pub fn render(options: &ReportOptions) -> Result<PathBuf, Failure> {
    let project = &options.project.project;
    let config = Config::read(project)?;
    let results = Store::results(project).current()?;
    ResultsManifest::read(&results)?;
    let MadeBy { month, disclosure } = made_by(&results.path)?;
    if let Some(wanted) = options.month.filter(|wanted| *wanted != month) {
        return Err(Failure::Usage(format!(
            "the newest results are of {}; run `carecoord compute --month {}` first",
            month.strftime("%Y-%m"),
            wanted.strftime("%Y-%m")
        )));
    }
    // Subject lists go with no release at all, which `render` says.
    let is_release = options.release != Release::Internal && !options.subject_lists;
    if is_release && disclosure != Disclosure::Linear.word() {
        return Err(Failure::Usage(format!(
            "a release needs results of which several sums together give no small count away: run \
                 `carecoord compute --month {} --disclosure linear` first, then the report again",
            month.strftime("%Y-%m")
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
    damage::named(project, || Ok(carecoord_reports::render(&results.path, &out, &wanted)?.html))
}

/// A release lies beside the internal report and never in its place.
fn folder(month: Date, release: carecoord_reports::Release) -> String {
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

/// What the results say of the run that made them.
struct MadeBy {
    month: Date,
    disclosure: String,
}

fn made_by(results: &Path) -> Result<MadeBy, Failure> {
    let batches = parquet_file::read(&results.join("run.parquet"))?;
    let column = |name: &str| batches.first().and_then(|batch| batch.column_by_name(name));
    let months = column("report_month").and_then(|column| column.as_primitive_opt::<Date32Type>());
    let month = months.filter(|months| !months.is_empty()).map(|months| date_of(months.value(0)));
    let options = column("options").and_then(|options| text_at(options, 0)).unwrap_or_default();
    let options: serde_json::Value = serde_json::from_str(&options).unwrap_or_default();
    let disclosure = options["disclosure"].as_str().unwrap_or_default().to_owned();
    let month = month.ok_or_else(|| Failure::Machine("the results hold no run".to_owned()))?;
    Ok(MadeBy { month, disclosure })
}
