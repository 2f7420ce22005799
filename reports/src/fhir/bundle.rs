//! `Bundle`: resources of one type in one file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use carecoord_lake::{LakeError, files};
use serde::Serialize;

use super::ids;
use super::types::{Identifier, Meta};
use crate::error::Result;
use crate::model::Run;

/// A bundle of type `collection`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle<R> {
    resource_type: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<Identifier>,
    #[serde(rename = "type")]
    kind: &'static str,
    /// An instant, so none where the release has no day.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    // FHIR has no empty lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entry: Vec<Entry<R>>,
}

/// A resource with its URL.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<R> {
    pub full_url: String,
    pub resource: R,
}

impl<R: Serialize> Bundle<R> {
    /// A bundle of a run, as of the day on which its data were taken: the clock would make equal runs differ.
    pub fn new(name: &str, run: &Run, entry: Vec<Entry<R>>) -> Self {
        Self {
            resource_type: "Bundle",
            id: format!("{name}.{}", ids::resource(&run.run_id)),
            meta: Meta::of(run.release),
            identifier: Identifier::new("urn:carecoord:run", &run.run_id),
            kind: "collection",
            timestamp: (!run.release.is_yearly()).then(|| format!("{}T00:00:00Z", run.extract_date)),
            entry,
        }
    }

    /// The bundle as compact JSON.
    pub fn json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::new();
        serde_json::to_writer(Bracketless(&mut json), self)?;
        Ok(json)
    }
}

/// A bundle that is written entry by entry, so that no more than one is held.
#[derive(Debug)]
pub struct BundleFile {
    path: PathBuf,
    file: Bracketless<BufWriter<File>>,
    is_empty: bool,
}

impl BundleFile {
    /// Begins the file of a bundle of a run.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(path: PathBuf, name: &str, run: &Run) -> Result<Self> {
        let mut file = Bracketless(BufWriter::new(files::create_file(&path)?));
        let head = serde_json::to_vec(&Bundle::<()>::new(name, run, Vec::new())).map_err(io::Error::from);
        // What ends the bundle comes after its entries.
        let written = head.and_then(|head| file.write_all(head.strip_suffix(b"}").unwrap_or(&head)));
        written.map_err(|error| LakeError::io("cannot write", &path, error))?;
        Ok(Self { path, file, is_empty: true })
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn entry<R: Serialize>(&mut self, entry: &Entry<R>) -> Result<()> {
        let before: &[u8] = if self.is_empty { b",\"entry\":[" } else { b"," };
        self.is_empty = false;
        let written = self.file.write_all(before);
        let written = written.and_then(|()| Ok(serde_json::to_writer(&mut self.file, entry)?));
        Ok(written.map_err(|error| LakeError::io("cannot write", &self.path, error))?)
    }

    /// Ends the file and syncs it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn finish(self) -> Result<()> {
        let Self { path, mut file, is_empty } = self;
        let end: &[u8] = if is_empty { b"}" } else { b"]}" };
        let written = file.write_all(end).and_then(|()| file.0.into_inner().map_err(io::IntoInnerError::into_error));
        Ok(written
            .map_err(|error| LakeError::io("cannot write", &path, error))
            .and_then(|file| files::sync_file(&file, &path))?)
    }
}

/// Writes JSON with its angle brackets escaped, so that no reader can take a name for a tag, whatever type a server gives the
/// file; within JSON they stand in texts alone.
#[derive(Debug)]
struct Bracketless<W>(W);

impl<W: Write> Write for Bracketless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| matches!(byte, b'<' | b'>')) {
            match part.split_last() {
                Some((b'<', before)) => self.0.write_all(before).and_then(|()| self.0.write_all(b"\\u003c"))?,
                Some((b'>', before)) => self.0.write_all(before).and_then(|()| self.0.write_all(b"\\u003e"))?,
                _ => self.0.write_all(part)?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
