//! The pipeline: extracts → lake.
//!
//! A [`mapping`] says which file feeds which table. [`survey`] takes the first look at a file; [`plan`] turns its text
//! into a table's columns under the contract's [`checks`], with dates by one of the [`patterns`]; [`load`] runs the
//! plan and spreads accepted rows over buckets ([`spill`]); [`merge`] makes each bucket one row for each key, in
//! physical order; [`quarantine`] keeps what was put aside; [`ingest`] is the whole way, and publishes.

pub mod checks;
mod error;
pub mod ingest;
pub mod load;
pub mod mapping;
pub mod merge;
pub mod patterns;
pub mod plan;
pub mod quarantine;
pub mod spill;
pub mod survey;

pub use error::{PipelineError, Result};
