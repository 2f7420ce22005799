//! What can go wrong while a report is made, each with the facts a reader needs.

use std::path::PathBuf;

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, ReportError>;

/// What can go wrong while a report is made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReportError {
    /// A results table is missing or unreadable, or the report could not be written.
    #[error(transparent)]
    Lake(#[from] carecoord_lake::LakeError),
    /// A results table lacks a column that the report shows.
    #[error("the results table {table} has no column {column}; compute the results again with this version")]
    MissingColumn {
        /// Results table.
        table: &'static str,
        /// Column.
        column: &'static str,
    },
    /// A column is of a type that the report cannot show.
    #[error("the column {column} of the results table {table} cannot be read: {reason}")]
    ColumnType {
        /// Results table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Why.
        reason: String,
    },
    /// A required value is empty.
    #[error("row {row} of the results table {table} has no {column}")]
    MissingValue {
        /// Results table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Number of the row, from 1.
        row: usize,
    },
    /// The table `run` is empty, so nothing says what was measured.
    #[error("the results table run has no row; compute the results again")]
    NoRun,
    /// A chart could not be drawn.
    #[error("the chart of {measure} could not be drawn: {reason}")]
    Chart {
        /// Measure.
        measure: String,
        /// Why.
        reason: String,
    },
    /// The page could not be laid out, which a test rules out for the templates shipped.
    #[error("the page could not be laid out: {reason}")]
    Page {
        /// Why.
        reason: String,
    },
    /// Subject lists were asked for with a release that goes to others.
    #[error(
        "subject lists name patients, so they go with an internal report alone, not with the release {release}: leave out \
         --subject-lists or --release"
    )]
    SubjectLists {
        /// The release.
        release: &'static str,
    },
    /// A FHIR bundle could not be written as JSON, which a test rules out for the resources made here.
    #[error("the FHIR bundle {name} could not be written: {reason}")]
    Fhir {
        /// File of the bundle.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// A file beside the page could not be made.
    #[error("{file}, which stands beside the page, could not be made: {reason}")]
    Beside {
        /// The file, or its kind.
        file: String,
        /// Why.
        reason: String,
    },
    /// A locale file cannot be read or would be misread.
    #[error("the locale {path} cannot be used: {reason}")]
    Locale {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system gives no threads to draw with.
    #[error("cannot start threads: {reason}")]
    Threads {
        /// Why.
        reason: String,
    },
    /// The output path names no folder of its own, for example `..` or `/`.
    #[error("{path} cannot be the report's folder; name a folder of its own")]
    OutputName {
        /// Path asked for.
        path: PathBuf,
    },
    /// Another report is being written into the same folder.
    #[error("another report is being written in {path}; wait for it to end")]
    Locked {
        /// The folder around the report.
        path: PathBuf,
    },
    /// The output folder holds something that no report wrote, so it is not replaced.
    #[error("{path} is not replaced: {found}; choose another folder, or move away what is there")]
    NotAReport {
        /// Folder asked for.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
}
