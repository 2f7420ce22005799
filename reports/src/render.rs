//! The whole way: read, draw, lay out, write, publish.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::beside;
use crate::chart::Rasteriser;
use crate::error::{ReportError, Result};
use crate::fhir;
use crate::locale::Locale;
use crate::model::Results;
use crate::model::units::Units;
use crate::page;
use crate::publish::{BOARD, CHARTS, DATA, DEFINITIONS, PAGE, Staging, WORKBOOK, stem};
use crate::release::{self, Release};
use crate::view::{self, Definitions, Drawings, MeasureRows, Page};

/// What a report is to look like.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Title of the page.
    pub title: String,
    /// For whom: decides columns, dates, cells and names.
    pub release: Release,
    /// Whether to write `fhir/subject-lists.json`, which names the patients in each measure's latest final value. Goes with
    /// [`Release::Internal`] alone.
    pub subject_lists: bool,
    /// How numbers and dates are written.
    pub locale: Locale,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            title: "Care coordination report".to_owned(),
            release: Release::Internal,
            subject_lists: false,
            locale: Locale::default(),
        }
    }
}

/// Where a report was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFiles {
    /// The page.
    pub html: PathBuf,
    /// The charts as PNG, in the page's order; each has an SVG of the same name beside it.
    pub charts: Vec<PathBuf>,
    /// The workbook.
    pub workbook: PathBuf,
    /// Tables for programs: values as CSV and as Parquet, measures as CSV; beside a release, what it is and its context.
    pub data: Vec<PathBuf>,
}

/// Renders the results in a folder into the folder `out`, which is made, or replaced in one step: a render that fails
/// leaves the old report as it was and nothing beside it.
///
/// # Errors
/// When a results table is missing or broken, when subject lists are asked for with a release, when `out` holds anything that is no part of a report, or when the system
/// refuses.
pub fn render(results: &Path, out: &Path, options: &ReportOptions) -> Result<ReportFiles> {
    options.locale.scope(|| made(results, out, options))
}

fn made(results: &Path, out: &Path, options: &ReportOptions) -> Result<ReportFiles> {
    if options.subject_lists && options.release != Release::Internal {
        return Err(ReportError::SubjectLists { release: options.release.code() });
    }
    let units = options.subject_lists.then(|| Units::open(results)).transpose()?;
    let results = release::apply(Results::read(results)?, options.release);
    let rows = view::all_rows(&results);
    let rasteriser = Rasteriser::new();
    let staging = Staging::begin(out)?;
    let drawn: Vec<(Drawings, Vec<String>)> =
        rows.par_iter().map(|rows| draw(rows, &rasteriser, &staging)).collect::<Result<_>>()?;
    let (drawings, pictures): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
    let pages = page::lay_out(
        &Page::new(&options.title, &results, &rows, &drawings),
        &Definitions::new(&options.title, &results),
    )?;

    for (name, html) in [(PAGE, pages.report), (BOARD, pages.board), (DEFINITIONS, pages.definitions)] {
        staging.write(Path::new(name), html.as_bytes())?;
    }
    fhir::write(&results, &staging)?;
    if let Some(units) = units {
        fhir::write_subject_lists(&results, &units, &staging)?;
    }
    let tables = beside::write(&staging, &options.title, &results, &rows)?;
    staging.publish()?;
    let charts = pictures.into_iter().flatten().map(|name| out.join(CHARTS).join(format!("{name}.png"))).collect();
    let data = tables.into_iter().map(|name| out.join(DATA).join(name)).collect();
    Ok(ReportFiles { html: out.join(PAGE), charts, workbook: out.join(WORKBOOK), data })
}

/// Draws a measure's charts for the page, writes each as SVG and PNG, and names these.
fn draw(rows: &MeasureRows, rasteriser: &Rasteriser, staging: &Staging) -> Result<(Drawings, Vec<String>)> {
    let failed = |reason| ReportError::Chart { measure: rows.measure.measure_id.clone(), reason };
    let drawings = Drawings {
        chart: view::chart_of(rows).map_err(failed)?,
        funnel: view::funnel_of(rows).map_err(failed)?,
        waits: view::curve_of(rows).map_err(failed)?,
    };
    let name = stem(&rows.measure.measure_id);
    let named = [
        (drawings.chart.as_ref(), name.clone()),
        (drawings.funnel.as_ref(), format!("{name}.funnel")),
        (drawings.waits.as_ref(), format!("{name}.waits")),
    ];
    let mut written = Vec::new();
    for (drawing, name) in named {
        let Some(drawing) = drawing else { continue };
        let svg = drawing.file();
        let with = |ending: &str| Path::new(CHARTS).join(format!("{name}.{ending}"));
        staging.write(&with("svg"), svg.as_bytes())?;
        staging.write(&with("png"), &rasteriser.png(&svg).map_err(failed)?)?;
        written.push(name);
    }
    Ok((drawings, written))
}
