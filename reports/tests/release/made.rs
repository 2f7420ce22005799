//! A release that a test reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use calamine::{Reader, Xlsx};
use carecoord_lake::parquet_file;
use carecoord_reports::{Release, ReportFiles, ReportOptions, render};

use crate::synthetic;
use crate::world::World;

/// A row of a table by column.
pub type Row = BTreeMap<String, String>;

/// A release in a folder of its own.
pub struct Made {
    folder: tempfile::TempDir,
    pub files: ReportFiles,
}

impl Made {
    /// Of the world, as it is.
    pub fn of_world(world: &World, release: Release) -> Self {
        Self::new(release, |folder| world.write(folder))
    }

    /// Of the made-up run that other tests use: charts, funnels, suppressed months.
    pub fn synthetic(release: Release) -> Self {
        Self::new(release, |folder| {
            synthetic::write(folder);
            synthetic::more::write(folder);
            // A number in every suppressed row: an engine leaves none there, and a release must not carry it if one does.
            synthetic::leak(folder, 31_415.926_5);
        })
    }

    fn new(release: Release, write: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results");
        fs::create_dir(&results).expect("a folder");
        write(&results);
        let options = ReportOptions { release, ..ReportOptions::default() };
        let files = render(&results, &folder.path().join("report"), &options).expect("a report");
        Self { folder, files }
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    pub fn html(&self) -> String {
        fs::read_to_string(&self.files.html).expect("a page")
    }

    pub fn definitions(&self) -> String {
        fs::read_to_string(self.out().join("definitions.html")).expect("a page of definitions")
    }

    pub fn csv(&self, name: &str) -> Vec<Row> {
        let mut reader = csv::Reader::from_path(self.out().join("data").join(name)).expect("a CSV file");
        reader.deserialize().map(|row| row.expect("a row")).collect()
    }

    pub fn workbook(&self) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(fs::read(&self.files.workbook).expect("a workbook"))).expect("a workbook")
    }

    /// A sheet's rows by heading, all cells as text.
    pub fn sheet(&self, name: &str) -> Vec<Row> {
        let range = self.workbook().worksheet_range(name).expect("a sheet");
        let mut rows = range.rows();
        let headings: Vec<String> = rows.next().expect("a header").iter().map(ToString::to_string).collect();
        rows.map(|row| headings.iter().cloned().zip(row.iter().map(ToString::to_string)).collect()).collect()
    }

    pub fn fhir(&self, name: &str) -> serde_json::Value {
        let bytes = fs::read(self.out().join("fhir").join(name)).expect("a bundle");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Every file of the release by name, with its bytes; a workbook's parts and a Parquet file's rows too, unpacked.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        gather(&self.out(), "", &mut found);
        let mut archive =
            zip::ZipArchive::new(Cursor::new(fs::read(&self.files.workbook).expect("a workbook"))).expect("a zip");
        for index in 0..archive.len() {
            let mut part = archive.by_index(index).expect("a part");
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes).expect("a part");
            found.insert(format!("report.xlsx/{}", part.name().expect("a name")), bytes);
        }
        let parquet = self.out().join("data/values.parquet");
        let rows = format!("{:?}", parquet_file::read(&parquet).expect("a Parquet file"));
        found.insert("data/values.parquet/rows".to_owned(), rows.into_bytes());
        found
    }
}

fn gather(folder: &Path, at: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = format!("{at}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            gather(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(&path).expect("a file"));
        }
    }
}
