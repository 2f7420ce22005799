//! CSV after RFC 4180: UTF-8, a header, CRLF, quotes where they are needed.
//!
//! A spreadsheet takes text that begins like a formula for one, quoted or not. Such text gets an apostrophe in front,
//! which says "text" there; numbers stay numbers, whatever their sign.

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};

use carecoord_lake::{LakeError, files};

use crate::data_files::columns::{Cell, Column};
use crate::error::Result;

/// Bytes that are held before they are written.
const BUFFER: usize = 1 << 16;

/// Signs that begin a formula, those for East Asian keyboards among them, or that a spreadsheet skips before one.
const FORMULA_SIGNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A table that is written row by row.
pub struct CsvFile {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl CsvFile {
    /// Makes the file with its header.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create<R>(path: &Path, columns: &[Column<R>]) -> Result<Self> {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(BUFFER)
            .from_writer(files::create_file(path)?);
        let mut file = Self { path: path.to_owned(), writer };
        let header = file.writer.write_record(columns.iter().map(Column::name));
        file.checked(header)?;
        Ok(file)
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn row<R>(&mut self, columns: &[Column<R>], row: &R) -> Result<()> {
        for column in columns {
            let field = self.writer.write_field(text(&column.cell(row)).as_bytes());
            self.checked(field)?;
        }
        let end = self.writer.write_record(None::<&[u8]>);
        self.checked(end)
    }

    /// Ends the file and syncs it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn finish(self) -> Result<()> {
        let Self { path, writer } = self;
        let written = writer.into_inner().map_err(csv::IntoInnerError::into_error);
        Ok(written
            .map_err(|error| LakeError::io("cannot write", &path, error))
            .and_then(|file| files::sync_file(&file, &path))?)
    }

    fn checked(&self, written: csv::Result<()>) -> Result<()> {
        Ok(written.map_err(|error| LakeError::io("cannot write", &self.path, error.into()))?)
    }
}

/// Writes a whole table.
///
/// # Errors
/// When the system refuses.
pub fn write<R>(path: &Path, columns: &[Column<R>], rows: &[R]) -> Result<()> {
    let mut file = CsvFile::create(path, columns)?;
    for row in rows {
        file.row(columns, row)?;
    }
    file.finish()
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
