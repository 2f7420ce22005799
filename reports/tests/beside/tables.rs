//! The tables for programs: CSV and Parquet.

use std::fs;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use carecoord_lake::parquet_file;

use crate::made::{SHARED, hostile};
use crate::synthetic::MEASURES;

/// A cell of a Parquet column as CSV writes it.
pub fn cell(column: &ArrayRef, index: usize) -> String {
    if column.is_null(index) {
        return String::new();
    }
    match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().value(index).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(index).to_string(),
        DataType::Date32 => {
            Date32Type::to_naive_date_opt(column.as_primitive::<Date32Type>().value(index)).expect("a day").to_string()
        }
        _ => arrow::compute::cast(column, &DataType::Utf8).expect("text").as_string::<i32>().value(index).to_owned(),
    }
}

#[test]
fn csv_states_what_is_suppressed_and_leaves_its_numbers_empty() {
    let bytes = fs::read(SHARED.data("values.csv")).expect("a CSV file");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(text.starts_with("measure_id,title,family,unit,better,period_kind,period,level,"));
    assert!(text.split_inclusive("\r\n").all(|line| line.ends_with("\r\n")), "RFC 4180");
    let values = SHARED.csv("values.csv");
    let numbers = ["value", "lower", "upper", "numerator", "denominator", "n_units", "interval_method"];
    for row in &values {
        let shown = row["state"] == "shown";
        assert!(numbers.iter().all(|column| row[*column].is_empty() != shown), "{row:?}");
    }
    let of = |state: &str| values.iter().filter(|row| row["state"] == state).count();
    assert_eq!(of("shown") + of("suppressed") + of("undefined"), values.len());
    assert!(of("suppressed") > 20 && of("undefined") == 3);
    let row = values.iter().find(|row| row["level_id"] == "o-2").expect("an organization");
    assert_eq!(row["level_name"], "Éastside <img src=x onerror=alert(1)> Clinic");

    let measures = SHARED.csv("measures.csv");
    assert_eq!(measures.len(), MEASURES.len());
    let refused = measures.iter().find(|row| row["status"] == "refused").expect("one is refused");
    assert!(refused["refusal"].contains("no medication_reconciliation table") && refused["signal"].is_empty());
    assert_eq!(measures[0]["signal"], "Improvement");
    assert!(measures[0]["rule"].contains("\nExclusions: "), "lines survive their quotes");
}

#[test]
fn parquet_holds_the_same_rows_as_the_csv() {
    for made in [&*SHARED, &hostile()] {
        let batches = parquet_file::read(&made.data("values.parquet")).expect("a Parquet file");
        let typed: Vec<DataType> = batches[0].schema().fields().iter().map(|field| field.data_type().clone()).collect();
        assert!(
            typed.contains(&DataType::Date32) && typed.contains(&DataType::Float64) && typed.contains(&DataType::Int64)
        );
        let mut reader = csv::Reader::from_path(made.data("values.csv")).expect("a CSV file");
        let mut lines = reader.records();
        for batch in &batches {
            for index in 0..batch.num_rows() {
                let line = lines.next().expect("as many lines").expect("a line");
                for (column, written) in batch.columns().iter().zip(&line) {
                    let read = written.strip_prefix('\'').unwrap_or(written);
                    assert_eq!(cell(column, index), read, "row {index}");
                }
            }
        }
        assert!(lines.next().is_none(), "no more lines than rows");
    }
}
