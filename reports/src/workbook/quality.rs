//! The sheet "Data quality": what became of every row read; below it what the checks found, and what prepared views took.

use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::model::{CheckResult, Quality, Results};
use crate::words;
use crate::workbook::sheet::{Cell, Column, Sheet};
use crate::workbook::styles::Styles;

const FILES: [Column; 13] = [
    ("File", 40.0),
    ("Table", 24.0),
    ("Read", 16.0),
    ("Filtered", 24.0),
    ("Accepted", 14.0),
    ("Quarantined", 24.0),
    ("Duplicate", 14.0),
    ("Superseded", 14.0),
    ("Combined", 14.0),
    ("Withdrawn", 14.0),
    ("Adds up", 12.0),
    ("Unaccounted for", 14.0),
    // Last, because a release without names of files leaves it out.
    ("File hash (BLAKE3)", 70.0),
];
const CHECKS: [&str; 7] = ["File", "Table", "Column", "Check", "Severity", "What follows", "Rows"];
const FEED_MONTHS: [&str; 5] = ["Table", "Class or type", "Month", "Rows", "Odd"];
const PREPARATIONS: [&str; 3] = ["Prepared view", "Rule", "Rows"];

/// Writes the sheet. The filter is on the files' rows alone: it hides nothing of what stands below them.
pub fn write(worksheet: &mut Worksheet, styles: &Styles, results: &Results) -> Result<(), XlsxError> {
    let hashed = results.quality.iter().any(|row| !row.file_hash.is_empty());
    let mut sheet = Sheet::begin(worksheet, styles, &FILES[..FILES.len() - usize::from(!hashed)])?;
    let mut files: Vec<&Quality> = results.quality.iter().collect();
    files.sort_by_key(|row| (row.extract_id, &row.table_name));
    for row in files {
        let parts =
            [row.filtered, row.accepted, row.quarantined, row.duplicate, row.superseded, row.combined, row.withdrawn];
        let missing = row.read - parts.iter().sum::<i64>();
        let mut cells = vec![Cell::text(&row.file), Cell::text(&row.table_name), Cell::Count(row.read)];
        cells.extend(parts.map(Cell::Count));
        cells.extend([Cell::text(if missing == 0 { "yes" } else { "no" }), Cell::Count(missing)]);
        cells.extend(hashed.then(|| Cell::text(&row.file_hash)));
        sheet.row(cells)?;
    }
    sheet.filter()?;

    sheet.gap();
    sheet.header(CHECKS)?;
    let mut checks: Vec<&CheckResult> = results.checks.iter().collect();
    checks.sort_by_key(|row| (row.extract_id, &row.table_name, &row.column_name, &row.check_name));
    for row in checks {
        sheet.row([
            Cell::text(&row.file),
            Cell::text(&row.table_name),
            Cell::text(if row.column_name.is_empty() { "whole row" } else { &row.column_name }),
            Cell::text(words::capitalised(&row.check_name.replace('_', " "))),
            Cell::text(&row.severity),
            Cell::text(words::severity(&row.severity)),
            Cell::Count(row.rows),
        ])?;
    }

    sheet.gap();
    sheet.header(PREPARATIONS)?;
    for row in &results.preparations {
        let view = words::capitalised(&row.view.replace('_', " "));
        sheet.row([Cell::text(view), Cell::text(&row.rule), Cell::Count(row.rows)])?;
    }

    if !results.feed_months.is_empty() {
        sheet.gap();
        sheet.header(FEED_MONTHS)?;
    }
    for row in &results.feed_months {
        sheet.row([
            Cell::text(&row.table_name),
            Cell::text(&row.part),
            Cell::Date(row.month),
            row.rows.map_or(Cell::Absent("suppressed"), Cell::Count),
            Cell::text(&row.note),
        ])?;
    }
    Ok(())
}
