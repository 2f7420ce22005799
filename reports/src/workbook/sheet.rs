//! One sheet, written row by row from the top: a bold header that stays in sight, widths, a filter.

use std::borrow::Cow;

use jiff::civil::Date;
use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use crate::workbook::styles::Styles;

/// Rows that a sheet holds, with its header.
pub const MOST_ROWS: usize = 1_048_576;
/// UTF-16 units that a cell holds.
const LONGEST_TEXT: usize = 32_767;
/// The first year whose days Excel knows.
const FIRST_YEAR: i16 = 1900;

/// Heading and width of a column, in characters.
pub type Column = (&'static str, f64);

/// What stands in a cell.
#[derive(Debug)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text on one line.
    Text(Cow<'a, str>),
    /// Text that may need several lines.
    Wrapped(Cow<'a, str>),
    /// A word in a number's place.
    Absent(&'static str),
    /// A whole number.
    Count(i64),
    /// A sum of units.
    Amount(f64),
    /// A value of a measure, in its format.
    Value(f64, &'a Format),
    /// A day.
    Date(Date),
}

impl<'a> Cell<'a> {
    /// Text on one line.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Text that may need several lines.
    pub fn wrapped(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Wrapped(text.into())
    }
}

/// A sheet and the row to write next.
pub struct Sheet<'a> {
    worksheet: &'a mut Worksheet,
    styles: &'a Styles,
    columns: usize,
    next: u32,
}

impl<'a> Sheet<'a> {
    /// Begins an empty sheet with its header.
    pub fn begin(worksheet: &'a mut Worksheet, styles: &'a Styles, columns: &[Column]) -> Result<Self, XlsxError> {
        for (index, (_, width)) in columns.iter().enumerate() {
            worksheet.set_column_width(column(index)?, *width)?;
            // Text takes the format of its column, which costs less than to look one up for each cell.
            worksheet.set_column_format(column(index)?, &styles.text)?;
        }
        worksheet.set_freeze_panes(1, 0)?;
        worksheet.set_landscape();
        // One page wide, as many high as it takes, with the header on each.
        worksheet.set_print_fit_to_pages(1, 0);
        worksheet.set_repeat_rows(0, 0)?;
        let mut sheet = Self { worksheet, styles, columns: columns.len(), next: 0 };
        sheet.header(columns.iter().map(|(name, _)| *name))?;
        Ok(sheet)
    }

    /// Writes a row of headings.
    pub fn header(&mut self, names: impl IntoIterator<Item = &'static str>) -> Result<(), XlsxError> {
        for (index, name) in names.into_iter().enumerate() {
            self.worksheet.write_string_with_format(self.next, column(index)?, name, &self.styles.header)?;
        }
        self.next += 1;
        Ok(())
    }

    /// Writes a row.
    pub fn row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> Result<(), XlsxError> {
        for (index, cell) in cells.into_iter().enumerate() {
            self.cell(column(index)?, &cell)?;
        }
        self.next += 1;
        Ok(())
    }

    /// Leaves a row empty.
    pub fn gap(&mut self) {
        self.next += 1;
    }

    /// Sets the filter over the header of row 1 and the rows written so far.
    pub fn filter(&mut self) -> Result<(), XlsxError> {
        self.worksheet.autofilter(0, 0, self.next.saturating_sub(1), column(self.columns.saturating_sub(1))?)?;
        Ok(())
    }

    fn cell(&mut self, column: u16, cell: &Cell) -> Result<(), XlsxError> {
        let (row, styles) = (self.next, self.styles);
        let sheet = &mut *self.worksheet;
        match cell {
            Cell::Empty => return Ok(()),
            Cell::Text(text) => sheet.write_string(row, column, clean(text)),
            Cell::Wrapped(text) => sheet.write_string_with_format(row, column, clean(text), &styles.wrapped),
            Cell::Absent(word) => sheet.write_string_with_format(row, column, *word, &styles.absent),
            Cell::Count(count) => sheet.write_number_with_format(row, column, *count as f64, &styles.whole),
            Cell::Amount(amount) => sheet.write_number_with_format(row, column, *amount, styles.amount(*amount)),
            Cell::Value(value, format) => sheet.write_number_with_format(row, column, *value, format),
            Cell::Date(day) if day.year() < FIRST_YEAR => {
                sheet.write_string_with_format(row, column, day.to_string(), &styles.text)
            }
            Cell::Date(day) => sheet.write_datetime_with_format(row, column, day, &styles.date),
        }?;
        Ok(())
    }
}

fn column(index: usize) -> Result<u16, XlsxError> {
    u16::try_from(index).map_err(|_| XlsxError::RowColumnLimitError)
}

/// Text as a cell can hold it: no sign that XML forbids, and no more than a cell takes; what is cut off ends in "…".
pub fn clean(text: &str) -> Cow<'_, str> {
    let fits = |text: &str| text.len() <= LONGEST_TEXT || text.encode_utf16().count() <= LONGEST_TEXT;
    // Nearly every text is fine as it is, and a large workbook has millions.
    if fits(text) && !text.contains(is_forbidden) {
        return text.into();
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut clean = lines.replace(is_forbidden, "\u{FFFD}");
    if !fits(&clean) {
        let mut units = 0;
        let end = clean.char_indices().find_map(|(at, letter)| {
            units += letter.len_utf16();
            // One unit is for the sign.
            (units >= LONGEST_TEXT).then_some(at)
        });
        clean.truncate(end.unwrap_or(clean.len()));
        clean.push('…');
    }
    clean.into()
}

fn is_forbidden(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{FFFE}' | '\u{FFFF}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_a_cell() {
        assert_eq!(clean("one\r\ntwo\rthree\u{1}\u{FFFF}"), "one\ntwo\nthree\u{FFFD}\u{FFFD}");
        assert_eq!(clean("=1+1"), "=1+1", "text stays what it is; it is its type that makes it harmless");
        for letter in ["a", "é", "😀"] {
            let long = letter.repeat(40_000);
            let long = clean(&long);
            assert!(long.encode_utf16().count() <= LONGEST_TEXT && long.ends_with('…'));
        }
        let whole = "a".repeat(LONGEST_TEXT);
        assert_eq!(clean(&whole), whole);
    }
}
