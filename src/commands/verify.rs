//! `carecoord verify`.

use std::process::ExitCode;

use carecoord_lake::Result;
use carecoord_lake::inventory::{Depth, Inventory};
use carecoord_lake::manifest::{Manifest, ResultsManifest};
use carecoord_lake::snapshot::{Snapshot, Store};

use crate::arguments::VerifyOptions;
use crate::failure::{self, Failure};
use crate::output;

/// Opens a snapshot of one kind and lists its files.
type FilesOf = fn(&Snapshot) -> Result<Inventory>;

fn of_lake(snapshot: &Snapshot) -> Result<Inventory> {
    Manifest::read_to(snapshot, Depth::Bytes).map(|manifest| manifest.files)
}

fn of_results(snapshot: &Snapshot) -> Result<Inventory> {
    ResultsManifest::read_to(snapshot, Depth::Bytes).map(|manifest| manifest.files)
}

/// Compares every byte of the published snapshots with their manifests.
pub fn run(options: &VerifyOptions) -> std::result::Result<ExitCode, Failure> {
    let project = &options.project.project;
    let mut rows = Vec::new();
    let mut damaged = Vec::new();
    let stores: [(&str, Store, FilesOf); 2] =
        [("lake", Store::lake(project), of_lake), ("results", Store::results(project), of_results)];
    for (what, store, files_of) in stores {
        for snapshot in store.list()? {
            let mut row = vec![what.to_owned(), snapshot.id.clone()];
            match files_of(&snapshot) {
                Ok(files) => {
                    let bytes: u64 = files.values().map(|file| file.bytes).sum();
                    row.extend([files.len().to_string(), bytes.to_string(), "as written".to_owned()]);
                }
                Err(error) => {
                    row.extend([String::new(), String::new(), "damaged".to_owned()]);
                    damaged.push(error);
                }
            }
            rows.push(row);
        }
    }
    output::table(&["of", "snapshot", "files", "bytes", "state"], &rows)?;
    for error in &damaged {
        output::message(&format!("error: {error}"));
    }
    Ok(if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(failure::DATA) })
}
