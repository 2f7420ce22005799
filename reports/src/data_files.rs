//! The folder `data` beside the page: what the report shows as tidy tables for programs.
//!
//! `values` has one row for each value with the codes of the results contract `rate`, so that it joins with
//! `carecoord sql`; `measures` has one row for each measure, computed or refused. CSV and Parquet come from the same
//! columns ([`columns`]).

mod columns;
mod csv_file;
mod parquet_table;

use crate::error::Result;
use crate::model::Results;
use crate::release::context;
use crate::values;
use crate::view::{self, MeasureRows};
use columns::{OneMeasure, OneValue, of_context, of_measures, of_values};

/// The files in the order of [`crate::publish::DATA_FILES`].
///
/// # Errors
/// When a table cannot be written, which typed columns rule out.
pub fn bytes(results: &Results, rows: &[MeasureRows]) -> Result<[Vec<u8>; 3]> {
    let shown: Vec<OneValue> = rows
        .iter()
        .flat_map(|rows| values::in_order(rows).into_iter().map(|rate| OneValue { measure: rows.measure, rate }))
        .collect();
    let computed = rows.iter().map(|rows| OneMeasure { measure: rows.measure, reading: Some(&rows.reading) });
    let refused = view::sorted(results, false).into_iter().map(|measure| OneMeasure { measure, reading: None });
    let measures: Vec<OneMeasure> = computed.chain(refused).collect();
    let columns = of_values();
    Ok([
        csv_file::bytes(&columns, &shown)?,
        parquet_table::bytes(&columns, &shown)?,
        csv_file::bytes(&of_measures(), &measures)?,
    ])
}

/// The context of a public release as CSV; nothing for others.
///
/// # Errors
/// When it cannot be written, which memory rules out.
pub fn context(results: &Results, rows: &[MeasureRows]) -> Result<Option<Vec<u8>>> {
    let lines = context::lines(results, rows);
    (!lines.is_empty()).then(|| csv_file::bytes(&of_context(), &lines)).transpose()
}
