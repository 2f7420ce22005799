//! The same table as Parquet, with types: text, numbers, whole numbers, days.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use carecoord_lake::parquet_file;
use jiff::civil::{Date, date};

use crate::data_files::columns::Column;
use crate::error::{ReportError, Result};

/// A table that is written some rows at a time; empty text is null, as in results.
pub struct ParquetTable {
    schema: SchemaRef,
    writer: parquet_file::Writer,
}

impl ParquetTable {
    /// Makes the file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create<R>(path: &Path, columns: &[Column<R>]) -> Result<Self> {
        let fields: Vec<Field> = columns.iter().map(|column| Field::new(column.name(), kind(column), true)).collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let writer = parquet_file::Writer::create(path, SchemaRef::clone(&schema))?;
        Ok(Self { schema, writer })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rows<R>(&mut self, columns: &[Column<R>], rows: &[R]) -> Result<()> {
        let arrays = columns.iter().map(|column| array(column, rows)).collect();
        let batch = RecordBatch::try_new(SchemaRef::clone(&self.schema), arrays)
            .map_err(|error| ReportError::Beside { file: "Parquet".to_owned(), reason: error.to_string() })?;
        Ok(self.writer.write(&batch)?)
    }

    /// Ends the file and syncs it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn finish(self) -> Result<()> {
        Ok(self.writer.finish()?)
    }
}

fn kind<R>(column: &Column<R>) -> DataType {
    match column {
        Column::Text(..) => DataType::Utf8View,
        Column::Number(..) => DataType::Float64,
        Column::Integer(..) => DataType::Int64,
        Column::Date(..) => DataType::Date32,
    }
}

fn array<R>(column: &Column<R>, rows: &[R]) -> ArrayRef {
    match column {
        Column::Text(_, cell) => {
            let texts = rows.iter().map(cell).map(|text| (!text.is_empty()).then_some(text));
            Arc::new(texts.collect::<StringViewArray>())
        }
        Column::Number(_, cell) => Arc::new(rows.iter().map(cell).collect::<Float64Array>()),
        Column::Integer(_, cell) => Arc::new(rows.iter().map(cell).collect::<Int64Array>()),
        Column::Date(_, cell) => Arc::new(rows.iter().map(|row| Some(days(cell(row)))).collect::<Date32Array>()),
    }
}

/// Days since 1970, which is how Arrow writes a date.
fn days(day: Date) -> i32 {
    (day - date(1970, 1, 1)).get_days()
}
