//! Rows as plain values, written with a contract's schema.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringViewArray};
use carecoord_lake::contract::{self, ColumnType};
use carecoord_lake::parquet_file;

/// A value of a row.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text; empty text is written as none.
    Text(&'static str),
    /// Text made at run time.
    Owned(String),
    /// Whole number.
    Integer(i64),
    /// Number.
    Number(f64),
    /// Days since 1970.
    Date(i32),
    /// True or false.
    Boolean(bool),
    /// Nothing.
    None,
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Owned(text) => Some(text),
            _ => None,
        }
    }
}

/// Writer of results tables.
pub struct Table;

impl Table {
    /// Writes one results table.
    pub fn write(folder: &Path, table: &str, rows: &[Vec<Value>]) {
        let contract = contract::result(table).expect("a results table");
        parquet_file::write(&path(folder, table), contract, &[batch(table, rows)]).expect("written");
    }

    /// Writes one file of a results table that has several.
    pub fn write_file(path: &Path, table: &str, rows: &[Vec<Value>]) {
        let contract = contract::result(table).expect("a results table");
        parquet_file::write(path, contract, &[batch(table, rows)]).expect("written");
    }

    /// Writes one results table part by part, so that no more than one is held.
    pub fn write_each(folder: &Path, table: &str, parts: impl Iterator<Item = Vec<Vec<Value>>>) {
        let contract = contract::result(table).expect("a results table");
        let path = path(folder, table);
        // `enlarge` has written it once.
        std::fs::remove_file(&path).expect("removed");
        let mut writer = parquet_file::Writer::create(&path, contract.schema()).expect("a file");
        for rows in parts {
            writer.write(&batch(table, &rows)).expect("written");
        }
        writer.finish().expect("written");
    }

    /// Writes one results table without rows.
    pub fn empty(folder: &Path, table: &str) {
        Self::write(folder, table, &[]);
    }
}

fn path(folder: &Path, table: &str) -> std::path::PathBuf {
    folder.join(format!("{table}.parquet"))
}

fn batch(table: &str, rows: &[Vec<Value>]) -> RecordBatch {
    let contract = contract::result(table).expect("a results table");
    for row in rows {
        assert_eq!(row.len(), contract.columns.len(), "columns of {table}");
    }
    let columns: Vec<ArrayRef> = contract
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| array(column.kind, rows.iter().map(|row| &row[index])))
        .collect();
    RecordBatch::try_new(contract.schema(), columns).expect("rows fit the contract")
}

fn array<'a>(kind: ColumnType, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    match kind {
        ColumnType::Text => Arc::new(
            values
                .map(|value| match value {
                    Value::Text("") | Value::None | Value::Number(_) => None,
                    Value::Text(text) => Some((*text).to_owned()),
                    Value::Owned(text) => Some(text.clone()),
                    other => panic!("{other:?} is no text"),
                })
                .collect::<StringViewArray>(),
        ),
        ColumnType::Integer => Arc::new(
            values
                .map(|value| match value {
                    Value::Integer(number) => Some(*number),
                    // What `leak` puts in a count's place.
                    Value::Number(_) => Some(31_417),
                    Value::None => None,
                    other => panic!("{other:?} is no integer"),
                })
                .collect::<Int64Array>(),
        ),
        ColumnType::Number => Arc::new(
            values
                .map(|value| match value {
                    Value::Number(number) => Some(*number),
                    Value::None => None,
                    other => panic!("{other:?} is no number"),
                })
                .collect::<Float64Array>(),
        ),
        ColumnType::Date => Arc::new(
            values
                .map(|value| match value {
                    Value::Date(days) => Some(*days),
                    Value::None => None,
                    other => panic!("{other:?} is no date"),
                })
                .collect::<Date32Array>(),
        ),
        ColumnType::Boolean => Arc::new(
            values
                .map(|value| match value {
                    Value::Boolean(flag) => Some(*flag),
                    Value::None => None,
                    other => panic!("{other:?} is no flag"),
                })
                .collect::<BooleanArray>(),
        ),
        ColumnType::Decimal | ColumnType::Timestamp => panic!("no results table has such a column"),
    }
}
