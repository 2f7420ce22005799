//! The workbook beside the page: the same numbers as cells that can be sorted, filtered and charted.
//!
//! All text is written as text, so nothing from the data can become a formula. What the page does not show is a word here
//! too, never 0 and never an empty cell. The same results give the same bytes: nothing in the file asks the clock.

mod context;
mod definitions;
mod family;
mod how;
mod left_out;
mod names;
mod quality;
mod sheet;
mod styles;
mod summary;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use crate::model::Results;
use crate::release::context::lines as context_lines;
use crate::view::MeasureRows;
use crate::workbook::family::Part;
use crate::workbook::names::Names;
use crate::workbook::styles::Styles;

/// Sheets that every workbook has; those of the families stand after the first one.
const SUMMARY: &str = "Summary";
const DEFINITIONS: &str = "Definitions";
const LEFT_OUT: &str = "Left out";
const QUALITY: &str = "Data quality";
const HOW: &str = "How this was made";
/// The sheet that goes with a public release.
const CONTEXT: &str = "Context";

/// Rows of values above which organizations have years alone: a spreadsheet with more opens slowly or not at all.
const MOST_VALUES: usize = 500_000;

/// Writes the workbook of a run. Rows of values wait in nameless files in `scratch` until the workbook is put together, so
/// that large results do not have to fit into memory as cells.
///
/// # Errors
/// When `scratch` or `file` cannot be written to.
pub fn write(
    title: &str,
    results: &Results,
    rows: &[MeasureRows],
    scratch: &Path,
    file: &File,
) -> Result<(), XlsxError> {
    let values: usize = rows.iter().map(|rows| rows.rates.len()).sum();
    let part = if values > MOST_VALUES { Part::WithoutMonthsOfOrganizations } else { Part::Whole };
    let mut workbook = Workbook::new();
    workbook.set_tempdir(scratch)?;
    workbook.set_properties(
        &DocProperties::new()
            .set_title(sheet::clean(title))
            .set_author("carecoord")
            .set_subject(format!("Run {}", sheet::clean(&results.run.run_id)))
            // The day of the data stands in for the clock.
            .set_creation_datetime(&results.run.extract_date),
    );
    let styles = Styles::new();
    let lines = context_lines(results, rows);
    let reserved = (!lines.is_empty()).then_some(CONTEXT);
    let mut names = Names::with([SUMMARY, LEFT_OUT, DEFINITIONS, QUALITY, HOW].into_iter().chain(reserved));

    summary::write(workbook.add_worksheet().set_name(SUMMARY)?, &styles, results, rows)?;
    for of_family in rows.chunk_by(|one, other| one.measure.family == other.measure.family) {
        family::write(&mut workbook, &mut names, &styles, of_family, part, results.run.suppress_below)?;
    }
    left_out::write(workbook.add_worksheet().set_name(LEFT_OUT)?, &styles, &results.exclusions, rows)?;
    definitions::write(workbook.add_worksheet().set_name(DEFINITIONS)?, &styles, results)?;
    quality::write(workbook.add_worksheet().set_name(QUALITY)?, &styles, results)?;
    how::write(workbook.add_worksheet().set_name(HOW)?, &styles, title, &results.run, part)?;
    if !lines.is_empty() {
        context::write(workbook.add_worksheet().set_name(CONTEXT)?, &styles, &lines)?;
    }
    let mut out = BufWriter::new(file);
    workbook.save_to_writer(&mut out)?;
    // Dropped instead, it would not tell of a full disk.
    Ok(out.flush()?)
}
