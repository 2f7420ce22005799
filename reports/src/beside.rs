//! The files beside the page: a workbook for people, tables for programs. They hold what the page may show, and no more.

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use carecoord_lake::files;

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
        rayon::join(|| workbook(staging, title, results, rows), || data_files::write(staging, results, rows));
    workbook?;
    tables?;
    let mut names = DATA_FILES.to_vec();
    if let Some(note) = context::note(results) {
        staging.write(&Path::new(DATA).join(RELEASE_NOTE), note.as_bytes())?;
        names.push(RELEASE_NOTE);
    }
    if data_files::write_context(staging, results, rows)? {
        names.push(CONTEXT);
    }
    Ok(names)
}

fn workbook(staging: &Staging, title: &str, results: &Results, rows: &[MeasureRows]) -> Result<()> {
    let path = staging.folder().join(WORKBOOK);
    let file = files::create_file(&path)?;
    put_together(title, results, rows, staging.folder(), &file)
        .map_err(|reason| ReportError::Beside { file: WORKBOOK.to_owned(), reason })?;
    Ok(files::sync_file(&file, &path)?)
}

/// Writes the workbook, or says why not. Its library panics where it cannot write its temporary files, such as on a full
/// disk: that is an error of the machine as any other, and must not end the program.
fn put_together(
    title: &str,
    results: &Results,
    rows: &[MeasureRows],
    scratch: &Path,
    file: &File,
) -> std::result::Result<(), String> {
    let made = panic::catch_unwind(AssertUnwindSafe(|| workbook::write(title, results, rows, scratch, file)));
    match made {
        Ok(made) => made.map_err(|error| error.to_string()),
        Err(payload) => Err(payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "the workbook could not be written".to_owned())),
    }
}
