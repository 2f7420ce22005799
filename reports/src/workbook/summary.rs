//! The sheet "Summary": each measure's latest final value and what its run chart says; then what was refused, and why.

use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::model::{Measure, Rate, Results};
use crate::values::state_words;
use crate::view::{self, MeasureRows};
use crate::words;
use crate::workbook::family::number_cells;
use crate::workbook::sheet::{Cell, Column, Sheet};
use crate::workbook::styles::Styles;

/// The state of a measure without a final period.
pub const NOT_FINAL: &str = "not final yet";
/// The state of a measure that the data could not support.
pub const REFUSED: &str = "refused";

const COLUMNS: [Column; 18] = [
    ("Family", 24.0),
    ("Measure", 48.0),
    ("Measure id", 32.0),
    ("Latest final period", 10.0),
    ("Period begins", 12.0),
    ("Value", 14.0),
    ("95% low", 12.0),
    ("95% high", 12.0),
    ("Interval method", 16.0),
    ("n", 12.0),
    ("Numerator", 14.0),
    ("Denominator", 14.0),
    ("Unit", 20.0),
    ("Direction", 22.0),
    ("Signal", 16.0),
    ("What the run chart says", 60.0),
    ("State", 24.0),
    ("Note", 60.0),
];

/// Writes the sheet.
pub fn write(
    worksheet: &mut Worksheet,
    styles: &Styles,
    results: &Results,
    rows: &[MeasureRows],
) -> Result<(), XlsxError> {
    let mut sheet = Sheet::begin(worksheet, styles, &COLUMNS)?;
    for rows in rows {
        let format = Styles::value(&rows.format);
        let latest = rows.latest_final();
        let [period_kind, period] = period(latest);
        let [value, low, high, method, numerator, denominator, n] = match latest {
            Some(rate) => number_cells(rate, &format),
            None => [(); 7].map(|()| Cell::Absent(NOT_FINAL)),
        };
        let [family, title, id] = names(rows.measure);
        let reading = &rows.reading;
        sheet.row([
            family,
            title,
            id,
            period_kind,
            period,
            value,
            low,
            high,
            method,
            n,
            numerator,
            denominator,
            Cell::text(&rows.measure.value_unit),
            Cell::text(words::better(&rows.measure.better)),
            Cell::wrapped(&reading.badge),
            Cell::wrapped(format!("{} {}", reading.short, reading.detail).trim_end().to_owned()),
            Cell::wrapped(
                latest.map_or_else(|| NOT_FINAL.to_owned(), |rate| state_words(rate, results.run.suppress_below)),
            ),
            Cell::wrapped(&rows.measure.caveat),
        ])?;
    }
    for measure in view::sorted(results, false) {
        let reason = if measure.refusal.is_empty() { "No reason is recorded." } else { &measure.refusal };
        let [family, title, id] = names(measure);
        let mut cells = vec![family, title, id];
        cells.extend((3..12).map(|_| Cell::Absent(REFUSED)));
        cells.extend([
            Cell::text(&measure.value_unit),
            Cell::text(words::better(&measure.better)),
            Cell::Absent(REFUSED),
            Cell::Empty,
            Cell::text(REFUSED),
            Cell::wrapped(reason),
        ]);
        sheet.row(cells)?;
    }
    sheet.filter()
}

fn names(measure: &Measure) -> [Cell<'_>; 3] {
    [Cell::text(words::family(&measure.family)), Cell::wrapped(&measure.title), Cell::text(&measure.measure_id)]
}

fn period(rate: Option<&Rate>) -> [Cell<'_>; 2] {
    match rate {
        Some(rate) => [Cell::text(&rate.period_kind), Cell::Date(rate.period)],
        None => [Cell::Absent(NOT_FINAL), Cell::Absent(NOT_FINAL)],
    }
}
