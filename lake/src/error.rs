//! What can go wrong in the lake, each with the facts a reader needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Result of the lake's functions.
pub type Result<T> = std::result::Result<T, LakeError>;

/// What can go wrong in the lake.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LakeError {
    /// A built-in contract is broken.
    #[error("the contract of table {table} is broken: {reason}")]
    Contract {
        /// Table.
        table: String,
        /// Why.
        reason: String,
    },
    /// No table of this name.
    #[error("there is no table {table}; `carecoord sql \"show tables\"` lists them")]
    UnknownTable {
        /// The name asked for.
        table: String,
    },
    /// A file or folder could not be read or written.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, for example "cannot write".
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// A manifest is not what this version can read.
    #[error("the manifest {path} is broken: {reason}")]
    Manifest {
        /// File.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of a snapshot is not the one that was written.
    #[error(
        "{path} {reason}; put the file back from a backup, or make the snapshot again (`carecoord verify` checks every file)"
    )]
    Damaged {
        /// File.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A path that names what is no plain file was given for writing.
    #[error("{path} is {what}; name a plain file, or one that is not there yet")]
    NotAFile {
        /// Path.
        path: PathBuf,
        /// What lies there.
        what: &'static str,
    },
    /// Nothing has been published yet.
    #[error("there is no {what} in {path} yet; run `carecoord {command}` first")]
    Empty {
        /// lake or results.
        what: &'static str,
        /// Folder.
        path: PathBuf,
        /// Command that makes it.
        command: &'static str,
    },
    /// The snapshot asked for is not there.
    #[error("there is no snapshot {id} in {path}")]
    NoSnapshot {
        /// Snapshot asked for.
        id: String,
        /// Folder.
        path: PathBuf,
    },
    /// Another run is writing.
    #[error("another carecoord run is writing to {path}; wait for it to end")]
    Locked {
        /// Folder.
        path: PathBuf,
    },
    /// Arrow, Parquet or DataFusion refused.
    #[error("{context}: {reason}")]
    Engine {
        /// What was tried.
        context: String,
        /// What the engine said.
        reason: String,
    },
}

impl LakeError {
    /// Wraps an input-output error with what was tried and where.
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }

    /// Wraps an error of Arrow, Parquet or DataFusion with what was tried.
    pub fn engine(context: impl Into<String>, source: impl std::fmt::Display) -> Self {
        Self::Engine { context: context.into(), reason: source.to_string() }
    }
}
