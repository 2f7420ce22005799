//! What holds for every file: nothing hostile, nothing suppressed, the same bytes again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use arrow::array::Array;
use calamine::Reader;
use carecoord_lake::parquet_file;
use carecoord_reports::{ReportOptions, render};

use crate::made::{HOSTILE, Made, hostile};
use crate::synthetic;
use crate::tables::cell;

#[test]
fn no_name_from_the_data_becomes_a_formula() {
    let made = hostile();
    let mut workbook = made.workbook();
    let names = workbook.sheet_names();
    assert!(names.contains(&"History of care".to_owned()) && names.contains(&"Summary (2)".to_owned()), "{names:?}");
    for name in &names {
        assert!(name.chars().count() <= 31 && !name.contains(['[', ']', ':', '*', '?', '/', '\\']), "{name}");
        let formulas = workbook.worksheet_formula(name).expect("a sheet");
        assert!(formulas.rows().flatten().all(String::is_empty), "{name}");
    }
    for (name, part) in made.parts() {
        assert!(!part.contains("<f>") && !part.contains("<f ") && !part.contains("<script"), "{name}");
        assert!(!part.contains("<hyperlink"), "{name}");
    }
    let texts: Vec<String> = names
        .iter()
        .flat_map(|name| {
            let range = made.sheet(name).0;
            range.rows().flatten().map(ToString::to_string).collect::<Vec<_>>()
        })
        .collect();
    let long = format!("={}", "n".repeat(300));
    let kept = HOSTILE.iter().filter(|name| !name.contains(['\r', '\u{1}'])).copied();
    for name in kept.chain([long.as_str(), "\n=1", "🏥 Clinic _x0041_ \u{FFFD}"]) {
        assert!(texts.iter().any(|text| text == name), "{name:?}");
    }

    // In CSV there is nothing but text, so an apostrophe has to say so.
    let values = made.csv("values.csv");
    for name in values.iter().flat_map(|row| [&row["level_name"], &row["title"]]) {
        assert!(!name.starts_with(['=', '+', '-', '@', '\t', '\r']), "{name}");
    }
    assert!(values.iter().any(|row| row["level_name"] == format!("'{long}")));
    assert!(values.iter().any(|row| row["title"] == "'\t=1"));
}

#[test]
fn a_number_that_stands_in_a_suppressed_row_is_in_no_file() {
    let made = Made::new(|results| synthetic::leak(results, 31_415.926_5));
    let mut texts: Vec<String> = made.parts().into_values().collect();
    texts.extend(["values.csv", "measures.csv"].map(|name| fs::read_to_string(made.data(name)).expect("a file")));
    for batch in parquet_file::read(&made.data("values.parquet")).expect("a Parquet file") {
        texts.extend(batch.columns().iter().flat_map(|column| (0..column.len()).map(|index| cell(column, index))));
    }
    for text in &texts {
        for number in text.split(|sign: char| !sign.is_ascii_digit() && sign != '.') {
            assert!(!number.starts_with("31415.9") && number != "31417", "{number}");
        }
    }
}

#[test]
fn the_same_results_give_the_same_bytes_and_files_for_the_owner_alone() {
    let made = Made::new(|_| ());
    let paths: Vec<&PathBuf> = made.files.data.iter().chain([&made.files.workbook]).collect();
    let read = || -> Vec<Vec<u8>> { paths.iter().map(|path| fs::read(path).expect("a file")).collect() };
    let first = read();
    // Properties of a document and entries of a zip know seconds; a clock in them must show.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    render(&made.folder.path().join("results"), &made.folder.path().join("report"), &ReportOptions::default())
        .expect("rendered over the old report");
    assert!(first == read(), "equal to the byte");
    assert!(made.parts()["docProps/core.xml"].contains("2026-11-05T00:00:00Z"), "the day of the data");
    for path in paths {
        assert_eq!(fs::metadata(path).expect("there").permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let beside = fs::read_dir(made.folder.path().join("report")).expect("a folder").count();
    assert_eq!(
        beside, 8,
        "page, board, definitions, charts, workbook, data, FHIR, list of files: nothing waits in the folder"
    );
}

#[test]
fn a_run_without_measures_has_a_workbook_and_headers() {
    let made = Made::new(|results| {
        for table in ["measure", "rate", "signal", "quality", "check_result", "preparation"] {
            synthetic::Table::empty(results, table);
        }
    });
    assert_eq!(
        made.workbook().sheet_names(),
        ["Summary", "Left out", "Definitions", "Data quality", "How this was made"]
    );
    assert!(made.csv("values.csv").is_empty());
    assert_eq!(parquet_file::read(&made.data("values.parquet")).expect("a Parquet file").len(), 0);
}
