//! Rows of results as values, and from them record batches of a contract's schema.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, RecordBatch, StringViewBuilder,
};
use arrow::compute::{SortColumn, SortOptions, cast, concat_batches, lexsort_to_indices, take_record_batch};
use carecoord_lake::contract::{ColumnType, Contract};

use crate::error::{MeasureError, Result};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// Text.
    Text(String),
    /// Whole number.
    Integer(i64),
    /// Number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Days since 1970-01-01.
    Date(i32),
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Null, Self::Integer)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Rows, each with one cell for each column of the contract, as one batch.
///
/// # Errors
/// When a cell does not fit its column.
pub fn batch(contract: &Contract, rows: &[Vec<Cell>]) -> Result<RecordBatch> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(contract.columns.len());
    for (index, column) in contract.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| row.get(index).unwrap_or(&Cell::Null));
        let misfit = |cell: &Cell| {
            MeasureError::engine(format!("{}.{}", contract.name, column.name), format!("{cell:?} does not fit"))
        };
        macro_rules! build {
            ($builder:expr, $pattern:pat => $value:expr) => {{
                let mut builder = $builder;
                for cell in cells {
                    match cell {
                        Cell::Null => builder.append_null(),
                        $pattern => builder.append_value($value),
                        other => return Err(misfit(other)),
                    }
                }
                Arc::new(builder.finish()) as ArrayRef
            }};
        }
        let array = match column.kind {
            ColumnType::Text => build!(StringViewBuilder::new(), Cell::Text(value) => value),
            ColumnType::Integer => build!(Int64Builder::new(), Cell::Integer(value) => *value),
            ColumnType::Number => build!(Float64Builder::new(), Cell::Number(value) => *value),
            ColumnType::Boolean => build!(BooleanBuilder::new(), Cell::Flag(value) => *value),
            ColumnType::Date => build!(Date32Builder::new(), Cell::Date(value) => *value),
            ColumnType::Decimal | ColumnType::Timestamp => {
                return Err(MeasureError::engine(
                    format!("{}.{}", contract.name, column.name),
                    "has a type that results do not use",
                ));
            }
        };
        arrays.push(array);
    }
    RecordBatch::try_new(contract.schema(), arrays).map_err(|error| MeasureError::engine(contract.name.clone(), error))
}

/// A batch of any columns brought to a contract's columns by name; columns that are not there are empty.
///
/// # Errors
/// When a column cannot be brought to its type.
pub fn conform(contract: &Contract, batch: &RecordBatch) -> Result<RecordBatch> {
    let failed =
        |name: &str, error: arrow::error::ArrowError| MeasureError::engine(format!("{}.{name}", contract.name), error);
    let mut arrays = Vec::with_capacity(contract.columns.len());
    for column in &contract.columns {
        let wanted = column.kind.arrow();
        let array = match batch.column_by_name(&column.name) {
            Some(found) => cast(found, &wanted).map_err(|error| failed(&column.name, error))?,
            None => arrow::array::new_null_array(&wanted, batch.num_rows()),
        };
        arrays.push(array);
    }
    RecordBatch::try_new(contract.schema(), arrays).map_err(|error| failed("", error))
}

/// Batches of a contract's schema as one, in the contract's order, nulls last; nothing for no rows.
///
/// # Errors
/// When a column cannot be sorted.
pub fn sorted(contract: &Contract, batches: &[RecordBatch]) -> Result<Option<RecordBatch>> {
    let failed = |error: arrow::error::ArrowError| MeasureError::engine(contract.name.clone(), error);
    let all = concat_batches(&contract.schema(), batches).map_err(failed)?;
    if all.num_rows() == 0 {
        return Ok(None);
    }
    let options = SortOptions { descending: false, nulls_first: false };
    let columns: Vec<SortColumn> = contract
        .order
        .iter()
        .filter_map(|name| all.column_by_name(name))
        .map(|values| SortColumn { values: Arc::clone(values), options: Some(options) })
        .collect();
    let order = lexsort_to_indices(&columns, None).map_err(failed)?;
    take_record_batch(&all, &order).map(Some).map_err(failed)
}
