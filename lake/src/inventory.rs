//! The files of a snapshot: a manifest lists each by path, size, rows and hash, and nothing else is ever read as data.
//!
//! A file that is missing, cut off, exchanged or added would change numbers without a word, so a snapshot is opened only
//! when its files are those that its manifest lists. Size and rows are compared at each opening; hashes, which need every
//! byte, by `carecoord verify` and whenever a file cannot be read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use parquet::file::metadata::ParquetMetaDataReader;
use serde::{Deserialize, Serialize};

use crate::error::{LakeError, Result};
use crate::files;

/// One Parquet file as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredFile {
    /// Size in bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// BLAKE3 hash of the bytes, hexadecimal.
    pub hash: String,
}

/// The Parquet files of a snapshot by their path within it; folders are divided by `/`.
pub type Inventory = BTreeMap<String, StoredFile>;

/// How closely the files of a snapshot are compared with its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Path, size and rows.
    Rows,
    /// Also every byte, by its hash.
    Bytes,
}

/// Lists the Parquet files in a folder. Those in `kept` were taken over from an older snapshot and keep the entry that they
/// had there: if such a file was damaged since, a new hash would hide it.
///
/// # Errors
/// When a file cannot be read or is no Parquet file.
pub fn take(folder: &Path, kept: &Inventory) -> Result<Inventory> {
    let mut found = Inventory::new();
    for path in parquet_files(folder)? {
        let full = folder.join(&path);
        let entry = match kept.get(&path) {
            Some(entry) => entry.clone(),
            None => StoredFile { bytes: size_of(&full)?, rows: rows_of(&full)?, hash: files::hash_of(&full)? },
        };
        found.insert(path, entry);
    }
    Ok(found)
}

/// Compares the files in a folder with what its manifest lists.
///
/// # Errors
/// When a file is missing, differs, or was added; the error names it.
pub fn check(folder: &Path, inventory: &Inventory, depth: Depth) -> Result<()> {
    for (path, entry) in inventory {
        check_file(&folder.join(path), entry, depth)?;
    }
    match parquet_files(folder)?.into_iter().find(|path| !inventory.contains_key(path)) {
        Some(path) => Err(damaged(&folder.join(path), "was added after the snapshot was published".to_owned())),
        None => Ok(()),
    }
}

fn check_file(path: &Path, entry: &StoredFile, depth: Depth) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(damaged(path, "is no plain file".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged(path, "is missing".to_owned()));
        }
        Err(error) => return Err(LakeError::io("cannot read", path, error)),
        Ok(_) => {}
    }
    let bytes = size_of(path)?;
    if bytes != entry.bytes {
        return Err(damaged(path, format!("has {bytes} bytes; the manifest says {}", entry.bytes)));
    }
    let rows = rows_of(path)?;
    if rows != entry.rows {
        return Err(damaged(path, format!("has {rows} rows; the manifest says {}", entry.rows)));
    }
    if depth == Depth::Bytes && files::hash_of(path)? != entry.hash {
        return Err(damaged(path, "has other bytes than those that were written".to_owned()));
    }
    Ok(())
}

fn damaged(path: &Path, reason: String) -> LakeError {
    LakeError::Damaged { path: path.to_owned(), reason }
}

fn size_of(path: &Path) -> Result<u64> {
    fs::metadata(path).map(|found| found.len()).map_err(|error| LakeError::io("cannot read", path, error))
}

/// Rows of a Parquet file as its footer says.
fn rows_of(path: &Path) -> Result<u64> {
    let file = File::open(path).map_err(|error| LakeError::io("cannot read", path, error))?;
    // The reader trusts the footer's numbers and can panic on a damaged one.
    let read = std::panic::catch_unwind(|| ParquetMetaDataReader::new().parse_and_finish(&file));
    let metadata = match read {
        Ok(Ok(metadata)) => metadata,
        Ok(Err(error)) => return Err(damaged(path, format!("is no whole Parquet file ({error})"))),
        Err(_) => return Err(damaged(path, "is no whole Parquet file (its footer is damaged)".to_owned())),
    };
    u64::try_from(metadata.file_metadata().num_rows())
        .map_err(|_| damaged(path, "says a negative number of rows".to_owned()))
}

/// Paths of all Parquet files below a folder, in order. Other files are nobody's data and are left alone.
fn parquet_files(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(within) = waiting.pop() {
        let here = folder.join(&within);
        let unreadable = |error| LakeError::io("cannot read the folder", &here, error);
        for entry in fs::read_dir(&here).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = if within.is_empty() { name } else { format!("{within}/{name}") };
            if entry.file_type().map_err(unreadable)?.is_dir() {
                waiting.push(path);
            } else if Path::new(&path).extension().is_some_and(|ending| ending == "parquet") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
