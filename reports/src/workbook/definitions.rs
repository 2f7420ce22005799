//! The sheet "Definitions": what each measure counts, why, and after which source.

use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::model::Results;
use crate::view;
use crate::workbook::sheet::{Cell, Column, Sheet};
use crate::workbook::styles::Styles;

const COLUMNS: [Column; 8] = [
    ("Measure id", 32.0),
    ("Title", 48.0),
    ("Why", 60.0),
    ("Rule", 80.0),
    ("Sources", 60.0),
    ("Steward", 32.0),
    ("Version", 12.0),
    ("Definition hash", 40.0),
];

/// Writes the sheet: the computed measures in the report's order, then the refused ones.
pub fn write(worksheet: &mut Worksheet, styles: &Styles, results: &Results) -> Result<(), XlsxError> {
    let mut sheet = Sheet::begin(worksheet, styles, &COLUMNS)?;
    for measure in view::sorted(results, true).into_iter().chain(view::sorted(results, false)) {
        sheet.row([
            Cell::text(&measure.measure_id),
            Cell::wrapped(&measure.title),
            Cell::wrapped(&measure.why),
            Cell::wrapped(&measure.rule),
            Cell::wrapped(&measure.sources),
            Cell::wrapped(&measure.steward),
            Cell::text(&measure.version),
            Cell::text(&measure.definition_hash),
        ])?;
    }
    sheet.filter()
}
