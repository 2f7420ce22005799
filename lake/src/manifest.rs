//! The manifest of a lake snapshot: where every row came from and where every row went.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::contract::Severity;
use crate::error::{LakeError, Result};
use crate::files;
use crate::inventory::{self, Depth, Inventory};
use crate::snapshot::{Draft, Snapshot};

/// Name of the manifest within a snapshot.
pub const MANIFEST: &str = "manifest.json";
/// Name of the list of prepared views within a results snapshot.
const PREPARED: &str = "prepared.json";
/// The results table that differs from run to run.
const TIMING: &str = "timing.parquet";
const FORMAT: u32 = 2;
/// Bytes beyond which a manifest is not read.
const LARGEST: u64 = 1 << 30;
/// The largest number of buckets of a lake.
pub const MOST_BUCKETS: u32 = 256;

/// What a lake snapshot holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// Name of the mapping that the newest extracts were read with.
    pub source: String,
    /// Number of buckets of every bucketed table; fixed for the life of a lake.
    pub buckets: u32,
    /// Day on which the newest extracts were taken, where someone stated it (ISO date).
    pub extract_date: Option<String>,
    /// Every extract file ever loaded, in order of loading.
    pub extracts: Vec<Extract>,
    /// Tables that hold rows or were offered by a source.
    pub tables: BTreeMap<String, TableEntry>,
    /// Every Parquet file of the snapshot.
    pub files: Inventory,
}

/// What a results snapshot holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultsManifest {
    /// Version of this format.
    pub format: u32,
    /// The lake snapshot, options and version that the results are of.
    pub identity: String,
    /// Every Parquet file of the results tables.
    pub files: Inventory,
}

/// The prepared views of a results snapshot, whose rows have no order, and what its steps took. Their bytes differ from run to run:
/// they are listed apart, and are no part of what the snapshot's id is made from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreparedFiles {
    format: u32,
    files: Inventory,
}

/// One extract file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// Number, from 1, in order of loading; the lake's column `_extract`.
    pub id: i64,
    /// File name within the extracts folder.
    pub file: String,
    /// BLAKE3 hash of the file's bytes, hexadecimal.
    pub hash: String,
    /// Fingerprint of the mapping that it was read with: the same file read in another way is another extract.
    pub mapping: String,
    /// The part of the mapping that read it: table, file patterns and constants of the key.
    #[serde(default)]
    pub block: String,
    /// What it fed.
    pub tables: Vec<Accounting>,
}

/// Row accounting of one file for one table:
/// `read = filtered + accepted + quarantined + duplicate + superseded + combined + withdrawn`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounting {
    /// Table.
    pub table: String,
    /// Rows in the file.
    pub read: u64,
    /// Rows that the mapping leaves out on purpose.
    pub filtered: u64,
    /// Rows now in the lake.
    pub accepted: u64,
    /// Rows put aside with their reason.
    pub quarantined: u64,
    /// Rows equal to one already accepted.
    pub duplicate: u64,
    /// Rows replaced by a later row of the same key.
    pub superseded: u64,
    /// Rows whose values stand in the row that another file brought for the same key.
    #[serde(default)]
    pub combined: u64,
    /// Rows taken back: by a full load that no longer holds them, by a deletion mark, or by a merge of patients.
    #[serde(default)]
    pub withdrawn: u64,
    /// Columns of the table that the file offers; empty in manifests from before this was kept.
    #[serde(default)]
    pub columns: Vec<String>,
    /// How the file is written, as far as it is worth telling.
    #[serde(default)]
    pub layout: Vec<String>,
    /// Columns of the file that the mapping does not use.
    pub extra_columns: Vec<String>,
    /// Date and time patterns found or stated, by column.
    pub patterns: BTreeMap<String, String>,
    /// What the checks found.
    pub findings: Vec<Finding>,
}

impl Accounting {
    /// Whether every row read is accounted for.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.read
            == self.filtered
                + self.accepted
                + self.quarantined
                + self.duplicate
                + self.superseded
                + self.combined
                + self.withdrawn
    }
}

/// How many rows a check found in a file's column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Check.
    pub check: String,
    /// Column; empty for a check of the whole row.
    pub column: String,
    /// What follows.
    pub severity: Severity,
    /// Rows concerned.
    pub rows: u64,
    /// Cells that the check looked at, where they are fewer than the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// What to know and what to do, where the check's name does not say it. It names no patient.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// One table of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// Rows.
    pub rows: u64,
    /// Columns that at least one extract offered; the others are empty throughout.
    pub columns: Vec<String>,
    /// Earliest value of the table's time column (ISO date).
    pub first_date: Option<String>,
    /// Latest value of the table's time column (ISO date).
    pub last_date: Option<String>,
    /// Latest day on which something happened: a value of the time column, but not of rows that are planned, cancelled or
    /// entered in error, and not one that lies far from all others (ISO date).
    #[serde(default)]
    pub last_happened: Option<String>,
    /// Files, by bucket.
    pub files: Vec<FileEntry>,
}

/// One Parquet file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Bucket.
    pub bucket: u32,
    /// Path within the snapshot.
    pub path: String,
    /// Rows.
    pub rows: u64,
}

impl Manifest {
    /// A manifest of an empty lake.
    #[must_use]
    pub fn new(source: &str, buckets: u32) -> Self {
        Self {
            format: FORMAT,
            source: source.to_owned(),
            buckets,
            extract_date: None,
            extracts: Vec::new(),
            tables: BTreeMap::new(),
            files: Inventory::new(),
        }
    }

    /// Opens a snapshot: reads its manifest and compares every file's size and rows with it.
    ///
    /// # Errors
    /// When the manifest is missing, broken, changed or of another format, or a file is not the one that was written.
    pub fn read(snapshot: &Snapshot) -> Result<Self> {
        Self::read_to(snapshot, Depth::Rows)
    }

    /// Opens a snapshot and compares its files with the manifest as closely as asked for.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_to(snapshot: &Snapshot, depth: Depth) -> Result<Self> {
        let manifest: Self = parse(snapshot)?;
        let path = snapshot.path.join(MANIFEST);
        let broken = |reason: String| LakeError::Manifest { path: path.clone(), reason };
        if !(1..=MOST_BUCKETS).contains(&manifest.buckets) {
            return Err(broken(format!("{} buckets; 1 to {MOST_BUCKETS} are possible", manifest.buckets)));
        }
        for (name, table) in &manifest.tables {
            let mut rows = Some(0_u64);
            for file in &table.files {
                match manifest.files.get(&file.path) {
                    Some(stored) if stored.rows == file.rows => {
                        rows = rows.and_then(|rows| rows.checked_add(file.rows));
                    }
                    _ => return Err(broken(format!("{} is not among its files, or has other rows", file.path))),
                }
            }
            if rows != Some(table.rows) {
                return Err(broken(format!("the rows of the files of {name} do not add up to {}", table.rows)));
            }
        }
        inventory::check(&snapshot.path, &manifest.files, depth)?;
        Ok(manifest)
    }

    /// Lists the draft's files, writes the manifest beside them, and returns its bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&mut self, draft: &Draft) -> Result<Vec<u8>> {
        self.files = inventory::take(draft.path(), &draft.kept(&self.files))?;
        write(&draft.path().join(MANIFEST), self)
    }

    /// Whether any extract offered this column of this table.
    #[must_use]
    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|entry| entry.columns.iter().any(|name| name == column))
    }
}

impl ResultsManifest {
    /// Lists the draft's files, writes the manifest beside them, and returns its bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(draft: &Draft, identity: &str) -> Result<Vec<u8>> {
        let differs = |path: &str| path.starts_with("prepared/") || path == TIMING;
        let all = inventory::take(draft.path(), &Inventory::new())?;
        let (prepared, files) = all.into_iter().partition(|(path, _)| differs(path));
        write(&draft.path().join(PREPARED), &PreparedFiles { format: FORMAT, files: prepared })?;
        write(&draft.path().join(MANIFEST), &Self { format: FORMAT, identity: identity.to_owned(), files })
    }

    /// Opens a snapshot: reads its manifest and compares every file's size and rows with it.
    ///
    /// # Errors
    /// When the manifest is missing, broken, changed or of another format, or a file is not the one that was written.
    pub fn read(snapshot: &Snapshot) -> Result<Self> {
        Self::read_to(snapshot, Depth::Rows)
    }

    /// Opens a snapshot and compares its files with the manifest as closely as asked for.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_to(snapshot: &Snapshot, depth: Depth) -> Result<Self> {
        let mut manifest: Self = parse(snapshot)?;
        let path = snapshot.path.join(PREPARED);
        let prepared: PreparedFiles = serde_json::from_slice(&whole(&path)?)
            .map_err(|error| LakeError::Manifest { path, reason: error.to_string() })?;
        manifest.files.extend(prepared.files);
        inventory::check(&snapshot.path, &manifest.files, depth)?;
        Ok(manifest)
    }
}

/// The part of every manifest that says which version can read the rest.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Reads a manifest whose bytes are those that the snapshot's id was made from.
fn parse<T: DeserializeOwned>(snapshot: &Snapshot) -> Result<T> {
    let path = snapshot.path.join(MANIFEST);
    let broken = |reason: String| LakeError::Manifest { path: path.clone(), reason };
    let bytes = whole(&path)?;
    let Format { format } = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    if format != FORMAT {
        return Err(broken(format!(
            "format {format} instead of {FORMAT}: made by another version of carecoord; move the folders lake and results away, then \
             ingest and compute again"
        )));
    }
    if !snapshot.is_of(&bytes) {
        return Err(LakeError::Damaged { path, reason: "was changed after the snapshot was published".to_owned() });
    }
    serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))
}

/// The bytes of a list of files.
fn whole(path: &Path) -> Result<Vec<u8>> {
    match files::read_plain(path, LARGEST) {
        Err(LakeError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(LakeError::Damaged { path: path.to_owned(), reason: "is missing".to_owned() })
        }
        read => read,
    }
}

fn write<T: Serialize>(path: &Path, manifest: &T) -> Result<Vec<u8>> {
    let bytes = serde_json::to_vec_pretty(manifest)
        .map_err(|error| LakeError::Manifest { path: path.to_owned(), reason: error.to_string() })?;
    files::write_synced(path, &bytes)?;
    Ok(bytes)
}
