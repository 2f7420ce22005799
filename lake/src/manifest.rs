//! The manifest of a lake snapshot: where every row came from and where every row went.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::contract::Severity;
use crate::error::{LakeError, Result};
use crate::files;
use crate::snapshot::Snapshot;

/// Name of the manifest within a snapshot.
pub const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;

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
        }
    }

    /// Reads the manifest of a snapshot.
    ///
    /// # Errors
    /// When it is missing, broken, or of another format.
    pub fn read(snapshot: &Snapshot) -> Result<Self> {
        let path = snapshot.path.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|error| LakeError::io("cannot read", &path, error))?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|error| LakeError::Manifest { path: path.clone(), reason: error.to_string() })?;
        if manifest.format == FORMAT {
            Ok(manifest)
        } else {
            let reason =
                format!("format {} instead of {FORMAT}: made by another version of carecoord", manifest.format);
            Err(LakeError::Manifest { path, reason })
        }
    }

    /// Writes the manifest into a snapshot's folder and returns its bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, folder: &Path) -> Result<Vec<u8>> {
        let path = folder.join(MANIFEST);
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| LakeError::Manifest { path: path.clone(), reason: error.to_string() })?;
        files::write_synced(&path, &bytes)?;
        Ok(bytes)
    }

    /// Whether any extract offered this column of this table.
    #[must_use]
    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|entry| entry.columns.iter().any(|name| name == column))
    }
}
