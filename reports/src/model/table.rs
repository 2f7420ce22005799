//! A results table read by column name, whatever string or number type its columns have.
//!
//! Results are written with `Utf8View`, but any Parquet writer may have rewritten them: text may come as plain, large
//! or dictionary strings. Each batch is cast once, column by column, when its first row asks, and let go after its last.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use arcstr::ArcStr;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use carecoord_lake::parquet_file;
use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::error::{ReportError, Result};

/// The batches of one results table, of which one at a time is held.
pub struct Table {
    name: &'static str,
    batches: Box<dyn Iterator<Item = Result<RecordBatch>>>,
}

/// One row of a batch.
pub struct Row<'a> {
    table: &'static str,
    batch: &'a RecordBatch,
    casts: &'a RefCell<HashMap<&'static str, ArrayRef>>,
    names: &'a RefCell<HashSet<ArcStr>>,
    index: usize,
    number: usize,
}

impl Table {
    /// Opens `<folder>/<name>.parquet`.
    pub fn read(folder: &Path, name: &'static str) -> Result<Self> {
        Self::open(&folder.join(format!("{name}.parquet")), name)
    }

    /// Opens a file of a table that has several.
    pub fn open(path: &Path, name: &'static str) -> Result<Self> {
        let batches = parquet_file::batches(path)?;
        Ok(Self { name, batches: Box::new(batches.map(|batch| batch.map_err(ReportError::from))) })
    }

    /// The same for a table that results of an earlier version do not have: no rows where there is no file.
    pub fn read_if_there(folder: &Path, name: &'static str) -> Result<Self> {
        if folder.join(format!("{name}.parquet")).is_file() {
            Self::read(folder, name)
        } else {
            Ok(Self { name, batches: Box::new(std::iter::empty()) })
        }
    }

    /// Every row through `build`.
    pub fn rows<T>(self, build: impl Fn(&Row) -> Result<T>) -> Result<Vec<T>> {
        self.rows_kept(|row| build(row).map(Some))
    }

    /// Every row through `build`, without those of which it makes nothing.
    pub fn rows_kept<T>(self, build: impl Fn(&Row) -> Result<Option<T>>) -> Result<Vec<T>> {
        let (mut rows, mut number) = (Vec::new(), 0);
        let names = RefCell::default();
        for batch in self.batches {
            let batch = batch?;
            let casts = RefCell::default();
            for index in 0..batch.num_rows() {
                number += 1;
                let row = Row { table: self.name, batch: &batch, casts: &casts, names: &names, index, number };
                rows.extend(build(&row)?);
            }
        }
        Ok(rows)
    }
}

impl Row<'_> {
    /// The row's column as an array of the wanted type.
    fn column(&self, column: &'static str, wanted: &DataType) -> Result<ArrayRef> {
        if let Some(array) = self.casts.borrow().get(column) {
            return Ok(array.clone());
        }
        let array =
            self.batch.column_by_name(column).ok_or(ReportError::MissingColumn { table: self.table, column })?;
        let array = cast(array, wanted).map_err(|error| ReportError::ColumnType {
            table: self.table,
            column,
            reason: error.to_string(),
        })?;
        self.casts.borrow_mut().insert(column, array.clone());
        Ok(array)
    }

    fn required<T>(&self, column: &'static str, value: Option<T>) -> Result<T> {
        value.ok_or(ReportError::MissingValue { table: self.table, column, row: self.number })
    }

    /// A text; empty where there is none.
    pub fn text(&self, column: &'static str) -> Result<String> {
        let array = self.column(column, &DataType::Utf8)?;
        let text = array.as_string::<i32>();
        Ok(if text.is_null(self.index) { String::new() } else { text.value(self.index).to_owned() })
    }

    /// A text of which a table has few different ones: equal texts are held once. Empty where there is none.
    pub fn name(&self, column: &'static str) -> Result<ArcStr> {
        let array = self.column(column, &DataType::Utf8)?;
        let text = array.as_string::<i32>();
        if text.is_null(self.index) {
            return Ok(ArcStr::new());
        }
        let text = text.value(self.index);
        let mut names = self.names.borrow_mut();
        if let Some(name) = names.get(text) {
            return Ok(name.clone());
        }
        let name = ArcStr::from(text);
        names.insert(name.clone());
        Ok(name)
    }

    /// A whole number, if there is one.
    pub fn integer(&self, column: &'static str) -> Result<Option<i64>> {
        let array = self.column(column, &DataType::Int64)?;
        let numbers = array.as_primitive::<Int64Type>();
        Ok(numbers.is_valid(self.index).then(|| numbers.value(self.index)))
    }

    /// A whole number that must be there.
    pub fn required_integer(&self, column: &'static str) -> Result<i64> {
        self.required(column, self.integer(column)?)
    }

    /// A number, if there is one; infinities and NaN cannot be drawn and count as none.
    pub fn number(&self, column: &'static str) -> Result<Option<f64>> {
        let array = self.column(column, &DataType::Float64)?;
        let numbers = array.as_primitive::<Float64Type>();
        Ok(numbers.is_valid(self.index).then(|| numbers.value(self.index)).filter(|number| number.is_finite()))
    }

    /// A number that must be there.
    pub fn required_number(&self, column: &'static str) -> Result<f64> {
        self.required(column, self.number(column)?)
    }

    /// True or false; must be there.
    pub fn boolean(&self, column: &'static str) -> Result<bool> {
        self.required(column, self.boolean_if_any(column)?)
    }

    /// True or false, if it is known.
    pub fn boolean_if_any(&self, column: &'static str) -> Result<Option<bool>> {
        let array = self.column(column, &DataType::Boolean)?;
        let values = array.as_boolean();
        Ok(values.is_valid(self.index).then(|| values.value(self.index)))
    }

    /// Whether something holds; it does not where nothing is said of it, nor in results of an earlier version.
    pub fn flag(&self, column: &'static str) -> Result<bool> {
        if self.batch.column_by_name(column).is_none() {
            return Ok(false);
        }
        let array = self.column(column, &DataType::Boolean)?;
        let values = array.as_boolean();
        Ok(values.is_valid(self.index) && values.value(self.index))
    }

    /// A date; must be there.
    pub fn date(&self, column: &'static str) -> Result<Date> {
        self.required(column, self.date_if_any(column)?)
    }

    /// A date, if there is one.
    pub fn date_if_any(&self, column: &'static str) -> Result<Option<Date>> {
        let array = self.column(column, &DataType::Date32)?;
        let days = array.as_primitive::<Date32Type>();
        let Some(days) = days.is_valid(self.index).then(|| days.value(self.index)) else { return Ok(None) };
        let day = date(1970, 1, 1).checked_add(i64::from(days).days());
        day.map(Some).map_err(|error| ReportError::ColumnType { table: self.table, column, reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Int32Array, LargeStringArray, StringViewArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn text_is_text_in_whatever_type_it_comes() {
        let dictionary: DictionaryArray<Int32Type> = ["a", "b"].into_iter().collect();
        let arrays: [(&str, ArrayRef); 4] = [
            ("dictionary", Arc::new(dictionary)),
            ("large", Arc::new(LargeStringArray::from(vec!["a", "b"]))),
            ("view", Arc::new(StringViewArray::from(vec!["a", "b"]))),
            ("number", Arc::new(Int32Array::from(vec![Some(7), None]))),
        ];
        let batch = RecordBatch::try_from_iter(arrays).expect("a batch");
        let table = || Table { name: "run", batches: Box::new(std::iter::once(Ok(batch.clone()))) };
        let rows = table()
            .rows(|row| Ok((row.text("dictionary")?, row.text("large")?, row.text("view")?, row.integer("number")?)))
            .expect("rows");
        assert_eq!(rows[1], ("b".to_owned(), "b".to_owned(), "b".to_owned(), None));
        let missing = table().rows(|row| row.required_integer("number")).expect_err("no value in the second row");
        assert!(matches!(missing, ReportError::MissingValue { row: 2, .. }), "{missing}");
        let missing = table().rows(|row| row.date("day")).expect_err("no such column");
        assert!(matches!(missing, ReportError::MissingColumn { column: "day", .. }), "{missing}");
    }
}
