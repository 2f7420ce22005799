//! Which files of a folder the mapping reads, and what the folder says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;

use crate::error::{PipelineError, Result};
use crate::mapping::{Mapping, fits};

/// Buckets for extracts of this size: one for each 96 MB of text (a packed file counts six times), 8 to 64. A bucket of
/// the largest table then fits into memory a few times over.
pub fn buckets_for(found: &Found) -> u32 {
    let bytes = |path: &PathBuf| {
        let packed = path.extension().is_some_and(|ending| ending == "gz" || ending == "zst");
        fs::metadata(path).map_or(0, |file| file.len()) * if packed { 6 } else { 1 }
    };
    let all: u64 = found.files.iter().map(|(_, path, _)| bytes(path)).sum();
    u32::try_from(all.div_ceil(96 << 20)).unwrap_or(u32::MAX).clamp(8, 64)
}

/// The files of a folder.
pub struct Found {
    /// Index of the part of the mapping, path and name of each file, in order of name.
    pub files: Vec<(usize, PathBuf, String)>,
    /// Files that nothing in the mapping asks for.
    pub unused: Vec<String>,
}

pub fn find_files(folder: &Path, mapping: &Mapping) -> Result<Found> {
    let (mut names, mut unused) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(|error| PipelineError::read(folder, error))? {
        let entry = entry.map_err(|error| PipelineError::read(folder, error))?;
        // Systems leave hidden files of their own beside others: .DS_Store, ._patient.csv.
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match entry.file_name().into_string() {
            Ok(name) if entry.path().is_file() => names.push(name),
            // A folder is nobody's extract; a pipe or a broken link under the name of one is a mistake.
            Ok(name) if !entry.path().is_dir() && mapping.asks_for(&name) => {
                return Err(PipelineError::File {
                    file: name,
                    reason: "it is no plain file but a pipe, a device, or a link that leads nowhere; put the file itself there".to_owned(),
                });
            }
            Ok(_) => {}
            // No pattern fits it.
            Err(name) => unused.push(name.to_string_lossy().into_owned()),
        }
    }
    names.sort();
    let mut files = Vec::new();
    for name in names {
        let before = files.len();
        for (index, file) in mapping.files.iter().enumerate() {
            if file.files.iter().any(|pattern| fits(pattern, &name)) {
                files.push((index, folder.join(&name), name.clone()));
            }
        }
        if files.len() == before && name != "extract.toml" {
            unused.push(name);
        }
    }
    if files.is_empty() {
        let patterns: BTreeSet<&str> = mapping.files.iter().flat_map(|file| &file.files).map(String::as_str).collect();
        return Err(PipelineError::NoFiles {
            folder: folder.to_owned(),
            mapping: mapping.name.clone(),
            patterns: patterns.into_iter().collect::<Vec<_>>().join(", "),
        });
    }
    unused.sort();
    Ok(Found { files, unused })
}

/// `extract.toml`, which may lie beside the extracts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractNote {
    /// The day on which the extracts were taken.
    pub extract_date: Option<DateText>,
    /// The time zone of the extracts.
    pub time_zone: Option<String>,
}

/// A date with or without quotes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum DateText {
    Text(String),
    Date(toml::value::Datetime),
}

impl DateText {
    /// The date itself.
    ///
    /// # Errors
    /// When the text is no date.
    pub fn date(&self) -> std::result::Result<Date, String> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::Date(date) => date.to_string(),
        };
        text.parse().map_err(|_| format!("extract_date {text:?} is no date; write it like 2026-11-20"))
    }
}

pub fn extract_note(folder: &Path) -> Result<ExtractNote> {
    let path = folder.join("extract.toml");
    let broken = |reason: String| PipelineError::Setting { file: "extract.toml".to_owned(), reason };
    match fs::metadata(&path) {
        Ok(found) if !found.is_file() => return Err(broken("it is no plain file".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ExtractNote::default()),
        _ => {}
    }
    let text = fs::read_to_string(&path).map_err(|error| PipelineError::read(&path, error))?;
    toml::from_str(&text).map_err(|error| broken(error.to_string()))
}

/// The extract date after a run: what the user says; what the folder says, but never back to an earlier day; with new
/// files and no word, none, so that the last date in the data stands in; else what it was.
pub fn extract_date(stated: Option<Date>, noted: Option<Date>, fresh: bool, before: Option<String>) -> Option<String> {
    match (stated, noted) {
        (Some(date), _) => Some(date.to_string()),
        // ISO dates sort as text.
        (None, Some(date)) => Some(date.to_string()).max(before),
        (None, None) if fresh => None,
        (None, None) => before,
    }
}
