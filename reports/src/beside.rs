//! The files beside the page: a workbook for people, tables for programs. They hold what the page may show, and no more.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use crate::data_files;
use crate::error::{ReportError, Result};
use crate::model::Results;
use crate::publish::{CONTEXT, DATA, DATA_FILES, RELEASE_NOTE, Staging, WORKBOOK};
use crate::release::context;
use crate::view::MeasureRows;
use crate::workbook;

/// Writes the workbook and the data files of a report, and names the latter; `rows` are the computed measures in the
/// page's order.
///
/// # Errors
/// When a file cannot be made, or the system refuses.
pub fn write(staging: &Staging, title: &str, results: &Results, rows: &[MeasureRows]) -> Result<Vec<&'static str>> {
    let (workbook, tables) =
        rayon::join(|| workbook(title, results, rows, staging.folder()), || data_files::bytes(results, rows));
    let workbook = workbook.map_err(|reason| ReportError::Beside { file: WORKBOOK.to_owned(), reason })?;
    staging.write(Path::new(WORKBOOK), &workbook)?;
    let mut files: Vec<(&str, Vec<u8>)> = DATA_FILES.into_iter().zip(tables?).collect();
    files.extend(context::note(results).map(|note| (RELEASE_NOTE, note.into_bytes())));
    files.extend(data_files::context(results, rows)?.map(|bytes| (CONTEXT, bytes)));
    for (name, bytes) in &files {
        staging.write(&Path::new(DATA).join(name), bytes)?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// The workbook's bytes, or why there are none. Its library panics where it cannot write its temporary files, such as on a
/// full disk: that is an error of the machine as any other, and must not end the program.
fn workbook(
    title: &str,
    results: &Results,
    rows: &[MeasureRows],
    scratch: &Path,
) -> std::result::Result<Vec<u8>, String> {
    let made = panic::catch_unwind(AssertUnwindSafe(|| workbook::bytes(title, results, rows, scratch)));
    match made {
        Ok(made) => made.map_err(|error| error.to_string()),
        Err(payload) => Err(payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "the workbook could not be written".to_owned())),
    }
}
