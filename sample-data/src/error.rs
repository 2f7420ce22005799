//! What can go wrong while extracts are generated.

use std::path::{Path, PathBuf};

use carecoord_lake::LakeError;

/// What can go wrong while extracts are generated.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// An option has a value that makes no sense.
    #[error("{option} is {value}: {rule}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// The folder holds something other than an earlier set of sample extracts.
    #[error("{path} is not empty and holds no earlier sample; name a new folder, or empty this one")]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, for example "cannot write".
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The lake's contracts or files refused.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl SampleError {
    /// Wraps an input-output error with what was tried and where.
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
