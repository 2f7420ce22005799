//! The folder `data` beside the page: what the report shows as tidy tables for programs.
//!
//! `values` has one row for each value with the codes of the results contract `rate`, so that it joins with
//! `carecoord sql`; `measures` has one row for each measure, computed or refused; `left_out`, `waits` and `feeds` are the results tables
//! `exclusion`, `wait_curve` and `feed_month`. CSV and Parquet come from the same
//! columns ([`columns`]).

mod columns;
mod csv_file;
mod parquet_table;

use crate::error::Result;
use crate::model::Results;
use crate::publish::{CONTEXT, DATA, DATA_FILES, Staging};
use crate::release::context;
use crate::values;
use crate::view::{self, MeasureRows};
use columns::{OneMeasure, OneValue, of_context, of_feeds, of_left_out, of_measures, of_values, of_waits};
use csv_file::CsvFile;
use parquet_table::ParquetTable;

/// Writes [`DATA_FILES`], measure by measure: their values may be millions.
///
/// # Errors
/// When the system refuses.
pub fn write(staging: &Staging, results: &Results, rows: &[MeasureRows]) -> Result<()> {
    let [values_csv, values_parquet, measures, left_out, waits, feeds] =
        DATA_FILES.map(|name| staging.folder().join(DATA).join(name));
    let columns = of_values();
    let mut csv = CsvFile::create(&values_csv, &columns)?;
    let mut parquet = ParquetTable::create(&values_parquet, &columns)?;
    for rows in rows {
        let in_order = values::in_order(rows).into_iter();
        let shown: Vec<OneValue> = in_order.map(|rate| OneValue { measure: rows.measure, rate }).collect();
        for row in &shown {
            csv.row(&columns, row)?;
        }
        parquet.rows(&columns, &shown)?;
    }
    csv.finish()?;
    parquet.finish()?;

    let computed = rows.iter().map(|rows| OneMeasure { measure: rows.measure, reading: Some(&rows.reading) });
    let refused = view::sorted(results, false).into_iter().map(|measure| OneMeasure { measure, reading: None });
    csv_file::write(&measures, &of_measures(), &computed.chain(refused).collect::<Vec<_>>())?;
    csv_file::write(&left_out, &of_left_out(), &results.exclusions)?;
    csv_file::write(&waits, &of_waits(), &results.wait_curves)?;
    csv_file::write(&feeds, &of_feeds(), &results.feed_months)
}

/// Writes the context of a public release; nothing for others, and then false.
///
/// # Errors
/// When the system refuses.
pub fn write_context(staging: &Staging, results: &Results, rows: &[MeasureRows]) -> Result<bool> {
    let lines = context::lines(results, rows);
    if lines.is_empty() {
        return Ok(false);
    }
    csv_file::write(&staging.folder().join(DATA).join(CONTEXT), &of_context(), &lines)?;
    Ok(true)
}
