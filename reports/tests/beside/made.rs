//! A report made for a test, and how its files are read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::DataType;
use calamine::{Data, Range, Reader, Xlsx};
use carecoord_lake::{contract, parquet_file};
use carecoord_reports::{ReportFiles, ReportOptions, render};

use crate::synthetic;

/// Names that try to be more than text.
pub const HOSTILE: [&str; 10] = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "<script>alert(1)</script>",
    "\u{202E}cilC\u{200F}, \"quoted\"",
    "🏥 Clinic _x0041_ \u{1}",
    "x",
];

/// A report and where it is.
pub struct Made {
    pub folder: tempfile::TempDir,
    pub files: ReportFiles,
}

impl Made {
    /// A report of the made-up results, changed by `change` first.
    pub fn new(change: impl Fn(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results");
        fs::create_dir(&results).expect("a folder");
        synthetic::write(&results);
        change(&results);
        let files = render(&results, &folder.path().join("report"), &ReportOptions::default()).expect("a report");
        Self { folder, files }
    }

    pub fn workbook(&self) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(fs::read(&self.files.workbook).expect("a workbook"))).expect("a workbook")
    }

    pub fn sheet(&self, name: &str) -> Sheet {
        Sheet(self.workbook().worksheet_range(name).unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    pub fn csv(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.data(name)).expect("a CSV file");
        reader.deserialize().map(|row| row.expect("a row")).collect()
    }

    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("report/data").join(name)
    }

    /// Every XML part of the workbook, by name.
    pub fn parts(&self) -> BTreeMap<String, String> {
        let mut archive = zip::ZipArchive::new(File::open(&self.files.workbook).expect("a workbook")).expect("a zip");
        (0..archive.len())
            .map(|index| {
                let mut part = archive.by_index(index).expect("a part");
                let mut text = String::new();
                part.read_to_string(&mut text).expect("XML");
                (part.name().expect("a name").into_owned(), text)
            })
            .collect()
    }
}

/// A sheet whose columns are asked for by heading.
pub struct Sheet(pub Range<Data>);

impl Sheet {
    pub fn column(&self, heading: &str) -> usize {
        let mut headings = self.0.rows().next().expect("a header").iter();
        headings.position(|cell| *cell == Data::String(heading.to_owned())).unwrap_or_else(|| panic!("{heading}"))
    }

    pub fn rows(&self) -> impl Iterator<Item = &[Data]> {
        self.0.rows().skip(1)
    }

    /// The one row with this text in this column.
    pub fn row(&self, heading: &str, text: &str) -> &[Data] {
        let column = self.column(heading);
        self.rows().find(|row| row[column] == *text).unwrap_or_else(|| panic!("no row {text}"))
    }
}

/// One report for all tests that only read it.
pub static SHARED: LazyLock<Made> = LazyLock::new(|| Made::new(|_| ()));

/// Writes a results table again with one text column changed; `change` gets the row's number and its text.
pub fn rewrite(folder: &Path, table: &str, column: &str, change: impl Fn(usize, &str) -> String) {
    let path = folder.join(format!("{table}.parquet"));
    let batches = parquet_file::read(&path).expect("a table");
    assert_eq!(batches.len(), 1, "made-up tables are small");
    let batch = &batches[0];
    let index = batch.schema().index_of(column).expect("a column");
    let old = arrow::compute::cast(batch.column(index), &DataType::Utf8).expect("text");
    let old = old.as_string::<i32>();
    let new: StringViewArray = (0..old.len())
        .map(|row| {
            Some(change(row, if old.is_null(row) { "" } else { old.value(row) })).filter(|text| !text.is_empty())
        })
        .collect();
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    columns[index] = Arc::new(new);
    let contract = contract::result(table).expect("a results table");
    let batch = RecordBatch::try_new(contract.schema(), columns).expect("rows fit");
    parquet_file::write(&path, contract, &[batch]).expect("written");
}

/// Organizations and measures under hostile names.
pub fn hostile() -> Made {
    Made::new(|results| {
        let long = format!("={}", "n".repeat(300));
        rewrite(results, "rate", "level_name", |_, name| match name {
            "St. Brigid Medical Center" => HOSTILE[0].to_owned(),
            "Lakeshore General" => long.clone(),
            "" => String::new(),
            name => format!("@{name}"),
        });
        rewrite(results, "measure", "title", |row, _| HOSTILE[row % HOSTILE.len()].to_owned());
        rewrite(results, "measure", "caveat", |_, _| "=HYPERLINK(\"http://example.org\")".to_owned());
        rewrite(results, "measure", "family", |_, family| match family {
            "cost" => "history".to_owned(),
            "continuity" => "a/b[c]:*?\\".repeat(9),
            "utilization" => "summary".to_owned(),
            family => family.to_owned(),
        });
        rewrite(results, "quality", "file", |row, _| HOSTILE[row].to_owned());
    })
}
