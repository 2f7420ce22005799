//! The sheet "Left out": who is not in the years' values, and why.

use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::model::Exclusion;
use crate::view::MeasureRows;
use crate::words;
use crate::workbook::sheet::{Cell, Column, Sheet};
use crate::workbook::styles::Styles;

const COLUMNS: [Column; 6] =
    [("Measure", 48.0), ("Measure id", 32.0), ("Year begins", 12.0), ("Kind", 14.0), ("Reason", 36.0), ("Units", 14.0)];

/// Writes the sheet: a row for each measure, year, kind and reason, in the order of the measures.
pub fn write(
    worksheet: &mut Worksheet,
    styles: &Styles,
    exclusions: &[Exclusion],
    rows: &[MeasureRows],
) -> Result<(), XlsxError> {
    let mut sheet = Sheet::begin(worksheet, styles, &COLUMNS)?;
    for rows in rows {
        for row in exclusions.iter().filter(|row| row.measure_id == rows.measure.measure_id) {
            sheet.row([
                Cell::text(&rows.measure.title),
                Cell::text(&row.measure_id),
                Cell::Date(row.year),
                Cell::text(words::capitalised(&row.kind)),
                Cell::text(words::capitalised(&words::reason(&row.reason))),
                row.units.map_or(Cell::Absent("suppressed"), Cell::Count),
            ])?;
        }
    }
    sheet.filter()
}
