//! What can go wrong on the way into the lake, each with the facts a reader needs to mend it.

use std::path::{Path, PathBuf};

use carecoord_lake::LakeError;

/// Result of the pipeline's functions.
pub type Result<T> = std::result::Result<T, PipelineError>;

/// What can go wrong on the way into the lake.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A mapping file is broken.
    #[error("the mapping {path} is broken: {reason}")]
    Mapping {
        /// File, or the name of a built-in mapping.
        path: String,
        /// Why.
        reason: String,
    },
    /// A setting beside the extracts cannot be used.
    #[error("{file}: {reason}")]
    Setting {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// No mapping of this name.
    #[error("there is no source {name}; built in are {built_in}, or give the path of your own mapping file (.toml)")]
    UnknownSource {
        /// The name asked for.
        name: String,
        /// Names of the built-in ones.
        built_in: String,
    },
    /// Nothing in the folder fits the mapping.
    #[error("no file in {folder} fits the source {mapping}; it looks for {patterns}")]
    NoFiles {
        /// Folder.
        folder: PathBuf,
        /// Mapping.
        mapping: String,
        /// What it looks for.
        patterns: String,
    },
    /// A file cannot be used as a whole.
    #[error("{file}: {reason}")]
    File {
        /// File name within the extracts folder.
        file: String,
        /// Why, with line, column and value where there are any.
        reason: String,
    },
    /// Polars refused.
    #[error("{context}: {reason}")]
    Engine {
        /// What was tried.
        context: String,
        /// What Polars said.
        reason: String,
    },
}

impl PipelineError {
    /// Wraps an input-output error with the file.
    pub fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    /// Wraps an error of Polars with what was tried.
    pub fn engine(context: impl Into<String>, source: impl std::fmt::Display) -> Self {
        Self::Engine { context: context.into(), reason: source.to_string() }
    }
}
