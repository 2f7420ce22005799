//! What was put aside: one Parquet file for each extract and table, with the text and line of every row.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use carecoord_lake::files;
use polars::prelude::*;

use crate::error::{PipelineError, Result};
use crate::load::FoundCell;
use crate::survey::{RowText, Survey};

/// Path of a quarantine file within a snapshot.
#[must_use]
pub fn path(extract: i64, table: &str) -> PathBuf {
    Path::new("quarantine").join(format!("{extract:05}-{table}.parquet"))
}

/// Writes the quarantined cells of one file with their rows' text and line, which `texts` holds.
///
/// # Errors
/// When the extract cannot be read again, or the disk refuses.
pub fn write(
    draft: &Path,
    extract: i64,
    table: &str,
    survey: &Survey,
    cells: &[FoundCell],
    texts: &BTreeMap<u64, RowText>,
) -> Result<()> {
    if cells.is_empty() {
        return Ok(());
    }
    let text_of = |cell: &FoundCell| texts.get(&cell.record);
    let line_of = |cell: &FoundCell| text_of(cell).and_then(|row| i64::try_from(row.line).ok());
    let record_of = |cell: &FoundCell| i64::try_from(cell.record).ok();
    let rows = df!(
        "extract_id" => vec![extract; cells.len()],
        "file" => vec![survey.name.as_str(); cells.len()],
        "table_name" => vec![table; cells.len()],
        "line" => cells.iter().map(line_of).collect::<Vec<_>>(),
        "record" => cells.iter().map(record_of).collect::<Vec<_>>(),
        "check_name" => cells.iter().map(|cell| cell.check.as_str()).collect::<Vec<_>>(),
        "column_name" => cells.iter().map(|cell| cell.column.as_str()).collect::<Vec<_>>(),
        "value" => cells.iter().map(|cell| cell.value.as_str()).collect::<Vec<_>>(),
        "row_text" => cells.iter().map(|cell| text_of(cell).map(|row| row.text.as_str())).collect::<Vec<_>>(),
    );
    let mut rows = rows.map_err(|error| PipelineError::engine("cannot write the quarantine", error))?;
    files::create_folder(&draft.join("quarantine"))?;
    crate::merge::write(&draft.join(path(extract, table)), &mut rows)
}
