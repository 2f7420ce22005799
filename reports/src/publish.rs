//! A finished report takes the place of the old one in one step; a failed one leaves no trace.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use carecoord_lake::{LakeError, files};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::{ReportError, Result};

/// Name of the page.
pub const PAGE: &str = "index.html";
/// Name of the sheet for the board.
pub const BOARD: &str = "board.html";
/// Name of the page of definitions, whole.
pub const DEFINITIONS: &str = "definitions.html";
/// Name of the folder of charts.
pub const CHARTS: &str = "charts";
/// Name of the folder of FHIR bundles.
pub const FHIR: &str = "fhir";
/// Name of the workbook.
pub const WORKBOOK: &str = "report.xlsx";
/// Name of the folder of tables for programs.
pub const DATA: &str = "data";
/// Names of the files in it.
pub const DATA_FILES: [&str; 6] =
    ["values.csv", "values.parquet", "measures.csv", "left_out.csv", "waits.csv", "feeds.csv"];
/// What a release is and promises, beside them; not in an internal report.
pub const RELEASE_NOTE: &str = "release.txt";
/// The counts behind every figure of a public release.
pub const CONTEXT: &str = "context.csv";

/// A folder beside the output in which a report is built; removed when dropped.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    out: PathBuf,
}

impl Staging {
    /// Makes an empty folder beside `out`.
    ///
    /// # Errors
    /// When `out` names no folder of its own or holds what no report wrote, or the system refuses.
    pub fn begin(out: &Path) -> Result<Self> {
        let name = out.file_name().ok_or_else(|| ReportError::OutputName { path: out.to_owned() })?;
        refuse_foreign(out)?;
        if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            files::create_folder(parent)?;
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".new");
        let folder = out.with_file_name(hidden);
        // Left behind by a run that was killed.
        files::remove_folder(&folder)?;
        let staging = Self { folder, out: out.to_owned() };
        files::create_folder(&staging.folder.join(CHARTS))?;
        files::create_folder(&staging.folder.join(FHIR))?;
        files::create_folder(&staging.folder.join(DATA))?;
        Ok(staging)
    }

    /// The folder in which the report is built.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one file of the report, synced.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, name: &Path, bytes: &[u8]) -> Result<()> {
        Ok(files::write_synced(&self.folder.join(name), bytes)?)
    }

    /// Puts the built report in the output's place.
    ///
    /// # Errors
    /// When the system refuses; the old report is then in place.
    pub fn publish(self) -> Result<()> {
        files::sync_folder(&self.folder.join(CHARTS))?;
        files::sync_folder(&self.folder.join(FHIR))?;
        files::sync_folder(&self.folder.join(DATA))?;
        files::sync_folder(&self.folder)?;
        let failed = |error: std::io::Error| LakeError::io("cannot replace the report", &self.out, error);
        if self.out.exists() {
            // The old report is now where the new one was built, and goes when `self` is dropped.
            exchange(&self.folder, &self.out).map_err(failed)?;
        } else {
            fs::rename(&self.folder, &self.out).map_err(failed)?;
        }
        let parent = self.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(files::sync_folder(parent)?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing more can be done about a folder that will not go; the next report removes it first.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Exchanges two folders: in one step where the file system can, else by three renames that are undone on failure.
fn exchange(fresh: &Path, old: &Path) -> std::io::Result<()> {
    if renameat_with(CWD, fresh, CWD, old, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    let aside = fresh.with_extension("old");
    fs::rename(old, &aside)?;
    if let Err(error) = fs::rename(fresh, old) {
        fs::rename(&aside, old)?;
        return Err(error);
    }
    fs::rename(&aside, fresh)
}

/// Refuses to replace a folder that holds anything but a report: a mistyped path must not cost a user's files.
fn refuse_foreign(out: &Path) -> Result<()> {
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LakeError::io("cannot read the folder", out, error).into()),
    };
    for entry in entries {
        let entry = entry.map_err(|error| LakeError::io("cannot read the folder", out, error))?;
        let name = entry.file_name();
        if ![PAGE, BOARD, DEFINITIONS, CHARTS, WORKBOOK, DATA, FHIR].iter().any(|known| name == *known) {
            return Err(ReportError::NotAReport { path: out.to_owned(), found: name.to_string_lossy().into_owned() });
        }
    }
    Ok(())
}

/// A measure's identifier as the stem of a file name and of an anchor. Identifiers may come from a user's own
/// catalogue, so whatever is not plain becomes `~` and its code: no path separator and no leading dot survives.
pub fn stem(measure_id: &str) -> String {
    let mut stem = String::with_capacity(measure_id.len());
    for (index, byte) in measure_id.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => stem.push(char::from(byte)),
            b'.' if index > 0 => stem.push('.'),
            _ => {
                // Writing to a text cannot fail.
                let _ = write!(stem, "~{byte:02x}");
            }
        }
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_cannot_leave_the_folder_of_charts() {
        assert_eq!(stem("readmission.unplanned_30"), "readmission.unplanned_30");
        assert_eq!(stem("../../etc"), "~2e.~2f..~2fetc");
        assert_eq!(stem("é"), "~c3~a9");
    }
}
