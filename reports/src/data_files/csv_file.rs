//! CSV after RFC 4180: UTF-8, a header, CRLF, quotes where they are needed.
//!
//! A spreadsheet takes text that begins like a formula for one, quoted or not. Such text gets an apostrophe in front,
//! which says "text" there; numbers stay numbers, whatever their sign.

use std::borrow::Cow;

use crate::data_files::columns::{Cell, Column};
use crate::error::{ReportError, Result};

/// Signs that begin a formula, those for East Asian keyboards among them, or that a spreadsheet skips before one.
const FORMULA_SIGNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A table as CSV.
///
/// # Errors
/// When it cannot be written, which memory rules out.
pub fn bytes<R>(columns: &[Column<R>], rows: &[R]) -> Result<Vec<u8>> {
    let failed = |reason: String| ReportError::Beside { file: "CSV".to_owned(), reason };
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(columns.iter().map(Column::name)).map_err(|error| failed(error.to_string()))?;
    for row in rows {
        for column in columns {
            writer.write_field(text(&column.cell(row)).as_bytes()).map_err(|error| failed(error.to_string()))?;
        }
        writer.write_record(None::<&[u8]>).map_err(|error| failed(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| failed(error.to_string()))
}

fn text<'a>(cell: &'a Cell) -> Cow<'a, str> {
    match cell {
        Cell::Text(text) => neutral(text),
        // The shortest text that reads back as the same number, without an exponent.
        Cell::Number(number) => number.map(|number| number.to_string()).unwrap_or_default().into(),
        Cell::Integer(number) => number.map(|number| number.to_string()).unwrap_or_default().into(),
        Cell::Date(day) => day.to_string().into(),
    }
}

/// Text that no spreadsheet takes for a formula.
fn neutral(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_SIGNS) && !is_number(text) { format!("'{text}").into() } else { text.into() }
}

/// Whether text is a plain number: a sign, digits, a point, an exponent; not "-inf", which Rust would read too.
fn is_number(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_digit() || matches!(letter, '+' | '-' | '.' | 'e' | 'E');
    text.chars().all(plain) && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_becomes_text() {
        for formula in ["=cmd()", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "-inf", "+", "-"] {
            assert_eq!(neutral(formula), format!("'{formula}"));
        }
        for harmless in ["", "-5", "+1.5e3", "12.8%", "a=b", "Lakeshore – East", "'quoted'", " =1"] {
            assert_eq!(neutral(harmless), harmless);
        }
    }
}
