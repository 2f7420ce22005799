//! `Bundle`: resources of one type in one file.

use serde::Serialize;

use super::ids;
use super::types::{Identifier, Meta};
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

    /// The bundle as compact JSON. Angle brackets are escaped, so that no reader can take a name for a tag, whatever type
    /// a server gives the file; within JSON they stand in texts alone.
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c").replace('>', "\\u003e"))
    }
}
