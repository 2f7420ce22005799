//! The sheet "Context" of a public release: the counts behind every figure, rounding, what was left out and why.

use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::release::context::Line;
use crate::workbook::sheet::{Cell, Column, Sheet};
use crate::workbook::styles::Styles;

const COLUMNS: [Column; 14] = [
    ("Part", 12.0),
    ("Measure", 48.0),
    ("Year", 8.0),
    ("Level", 14.0),
    ("Name", 24.0),
    ("Stratum kind", 16.0),
    ("Stratum", 24.0),
    ("Value", 14.0),
    ("Numerator", 14.0),
    ("Denominator", 14.0),
    ("n", 12.0),
    ("Cells", 10.0),
    ("What", 60.0),
    ("Why", 60.0),
];

/// Writes the sheet.
pub fn write(worksheet: &mut Worksheet, styles: &Styles, lines: &[Line]) -> Result<(), XlsxError> {
    let mut sheet = Sheet::begin(worksheet, styles, &COLUMNS)?;
    for line in lines {
        sheet.row([
            Cell::text(line.part),
            Cell::text(&line.title),
            Cell::text(&line.year),
            Cell::text(&line.level),
            Cell::text(&line.name),
            Cell::text(&line.split),
            Cell::text(&line.group),
            Cell::text(&line.value),
            line.numerator.map_or(Cell::Empty, Cell::Amount),
            line.denominator.map_or(Cell::Empty, Cell::Amount),
            line.n_units.map_or(Cell::Empty, Cell::Count),
            line.cells.map_or(Cell::Empty, Cell::Count),
            Cell::wrapped(&line.what),
            Cell::wrapped(&line.why),
        ])?;
    }
    sheet.filter()
}
