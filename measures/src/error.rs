//! What can go wrong while measuring, each with the measure, the file and the reason.

use carecoord_lake::LakeError;

/// Result of the measures' functions.
pub type Result<T> = std::result::Result<T, MeasureError>;

/// What can go wrong while measuring.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A definition is broken.
    #[error("the measure {measure} is broken: {file}: {reason}")]
    Definition {
        /// Measure or folder.
        measure: String,
        /// File.
        file: String,
        /// Why.
        reason: String,
    },
    /// No measure of this id.
    #[error("there is no measure {id}; `carecoord measures list` shows them")]
    UnknownMeasure {
        /// The id asked for.
        id: String,
    },
    /// No work list of this id.
    #[error("there is no work list {id}; there are {known}")]
    UnknownWorklist {
        /// The id asked for.
        id: String,
        /// Those there are.
        known: String,
    },
    /// The newest results lack a work list.
    #[error(
        "the newest results hold no work list {id}: they are of measures of other families only; `carecoord compute` without --only \
         makes all of them"
    )]
    NoWorklist {
        /// The id asked for.
        id: String,
    },
    /// A setting makes no sense.
    #[error("{what}: {reason}")]
    Setting {
        /// Setting.
        what: String,
        /// Why.
        reason: String,
    },
    /// A deck is broken.
    #[error("the deck {deck} is broken: {reason}")]
    Deck {
        /// Folder.
        deck: String,
        /// Why.
        reason: String,
    },
    /// DataFusion or Arrow refused.
    #[error("{context}: {reason}")]
    Engine {
        /// What was tried.
        context: String,
        /// What the engine said.
        reason: String,
    },
}

impl MeasureError {
    /// Wraps an error of DataFusion or Arrow with what was tried.
    pub fn engine(context: impl Into<String>, source: impl std::fmt::Display) -> Self {
        Self::Engine { context: context.into(), reason: source.to_string() }
    }
}
