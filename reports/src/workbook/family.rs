//! A family's sheet: one row for each value, tidy, so that a filter or a pivot table finds it.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::model::Rate;
use crate::values::{self, Numbers, absent};
use crate::view::MeasureRows;
use crate::words;
use crate::workbook::names::Names;
use crate::workbook::sheet::{Cell, Column, MOST_ROWS, Sheet};
use crate::workbook::styles::Styles;

/// What stands in place of limits that no method gives.
pub const NO_INTERVAL: &str = "no interval";

const COLUMNS: [Column; 20] = [
    ("Measure", 48.0),
    ("Measure id", 32.0),
    ("Unit", 20.0),
    ("Direction", 22.0),
    ("Period kind", 10.0),
    ("Period begins", 12.0),
    ("Level", 14.0),
    ("Name", 32.0),
    ("Stratum kind", 16.0),
    ("Stratum", 24.0),
    ("Value", 14.0),
    ("95% low", 12.0),
    ("95% high", 12.0),
    ("Interval method", 16.0),
    ("Numerator", 14.0),
    ("Denominator", 14.0),
    ("n", 12.0),
    ("Maturity", 12.0),
    ("State", 36.0),
    ("Cell", 14.0),
];

/// Which values a workbook has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All.
    Whole,
    /// All but those of organizations in months and quarters.
    WithoutMonthsOfOrganizations,
}

impl Part {
    fn has(self, rate: &Rate) -> bool {
        self == Self::Whole || rate.level == "all" || rate.period_kind == "year"
    }
}

/// Writes the sheet of a family, whose measures `rows` are, or as many sheets as its rows need.
pub fn write(
    workbook: &mut Workbook,
    names: &mut Names,
    styles: &Styles,
    rows: &[MeasureRows],
    part: Part,
    suppress_below: i64,
) -> Result<(), XlsxError> {
    write_sheets(workbook, names, styles, rows, part, suppress_below, MOST_ROWS)
}

/// The same where a sheet holds `rows_per_sheet` with its header.
fn write_sheets(
    workbook: &mut Workbook,
    names: &mut Names,
    styles: &Styles,
    rows: &[MeasureRows],
    part: Part,
    suppress_below: i64,
    rows_per_sheet: usize,
) -> Result<(), XlsxError> {
    let Some(first) = rows.first() else { return Ok(()) };
    let heading = words::family(&first.measure.family);
    let formats: Vec<Format> = rows.iter().map(|rows| Styles::value(&rows.format)).collect();
    let values: Vec<(&MeasureRows, &Format, &Rate)> = rows
        .iter()
        .zip(&formats)
        .flat_map(|(rows, format)| {
            let of_part = values::in_order(rows).into_iter().filter(move |rate| part.has(rate));
            of_part.map(move |rate| (rows, format, rate))
        })
        .collect();
    let mut rest = values.as_slice();
    loop {
        let (page, later) = rest.split_at(rest.len().min(rows_per_sheet.saturating_sub(1).max(1)));
        let worksheet = workbook.add_worksheet_with_low_memory()?.set_name(names.give(&heading))?;
        let mut sheet = Sheet::begin(worksheet, styles, &COLUMNS)?;
        for (rows, format, rate) in page {
            sheet.row(cells(rows, format, rate, suppress_below))?;
        }
        sheet.filter()?;
        rest = later;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

fn cells<'a>(rows: &'a MeasureRows, format: &'a Format, rate: &'a Rate, suppress_below: i64) -> [Cell<'a>; 20] {
    let [value, low, high, method, numerator, denominator, n] = number_cells(rate, format);
    let state = match values::state_code(rate) {
        "shown" => "shown".to_owned(),
        _ => values::state_words(rate, suppress_below),
    };
    [
        Cell::text(&rows.measure.title),
        Cell::text(&rows.measure.measure_id),
        Cell::text(&rows.measure.value_unit),
        Cell::text(words::better(&rows.measure.better)),
        Cell::text(&rate.period_kind),
        Cell::Date(rate.period),
        Cell::text(&rate.level),
        Cell::text(values::level_name(rate)),
        Cell::text(values::split_name(rows.measure, &rate.stratum_kind)),
        Cell::text(values::group_name(&rate.stratum)),
        value,
        low,
        high,
        method,
        numerator,
        denominator,
        n,
        Cell::text(values::maturity(rate)),
        Cell::text(state),
        Cell::text(values::cell(rate)),
    ]
}

/// Value, interval, its method, numerator, denominator and n: numbers, or the same word in place of each.
pub fn number_cells<'a>(rate: &Rate, format: &'a Format) -> [Cell<'a>; 7] {
    let Some(numbers) = Numbers::of(rate) else { return [(); 7].map(|()| Cell::Absent(absent(rate))) };
    let [low, high, method] = match numbers.interval {
        Some((low, high)) => {
            [Cell::Value(low, format), Cell::Value(high, format), Cell::text(words::method(&rate.interval_method))]
        }
        None => [(); 3].map(|()| Cell::Absent(NO_INTERVAL)),
    };
    [
        Cell::Value(numbers.value, format),
        low,
        high,
        method,
        numbers.numerator.map_or(Cell::Empty, Cell::Amount),
        numbers.denominator.map_or(Cell::Empty, Cell::Amount),
        numbers.n_units.map_or(Cell::Empty, Cell::Count),
    ]
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;
    use crate::format::ValueFormat;
    use crate::model::test_rows;
    use crate::reading::Reading;

    #[test]
    fn rows_that_one_sheet_cannot_hold_go_on_in_the_next() {
        let mut measure = test_rows::measure("lower");
        measure.family = "readmission".to_owned();
        let months: Vec<Rate> =
            (0..7_i32).map(|month| test_rows::month(date(2026, 1, 1) + month.months(), Some(12.8))).collect();
        let rates: Vec<&Rate> = months.iter().collect();
        let rows = [MeasureRows {
            measure: &measure,
            format: ValueFormat::of(&measure),
            reading: Reading::of(&measure, &ValueFormat::of(&measure), None, &[], &|_| None),
            months: rates.clone(),
            signals: Vec::new(),
            annotations: Vec::new(),
            funnel: Vec::new(),
            curve: Vec::new(),
            wait_curve: Vec::new(),
            targets: Vec::new(),
            rates,
        }];
        let mut workbook = Workbook::new();
        write_sheets(&mut workbook, &mut Names::with([]), &Styles::new(), &rows, Part::Whole, 11, 4).expect("sheets");
        let bytes = workbook.save_to_buffer().expect("a workbook");
        let mut read = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
        assert_eq!(read.sheet_names(), ["Readmissions", "Readmissions (2)", "Readmissions (3)"]);
        let heights = read.sheet_names().into_iter().map(|name| read.worksheet_range(&name).expect("a sheet").height());
        assert_eq!(heights.collect::<Vec<_>>(), [4, 4, 2], "each with its header");
        let last = read.worksheet_range("Readmissions (3)").expect("a sheet");
        assert_eq!(last.get_value((1, 10)), Some(&Data::Float(12.8)));
    }
}
