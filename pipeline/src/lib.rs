//! The pipeline: extracts → lake.
//!
//! A [`mapping`] says which file feeds which table, and the [`layout`] of its text. [`survey`] takes the first look at a file;
//! [`conventions`] decides once for each file how its dates and numbers are read; [`plan`] turns its text into a table's
//! columns under the contract's [`checks`]; [`load`] runs the plan and spreads accepted rows over buckets ([`spill`]);
//! [`merge`] makes each bucket one row for each key, in physical order; [`quarantine`] keeps what was put aside;
//! [`ingest`] is the whole way, and publishes.

pub mod advice;
pub mod checks;
pub mod conditions;
pub mod conventions;
pub mod dates;
mod error;
pub mod footer;
pub mod identifiers;
pub mod ingest;
pub mod layout;
pub mod limits;
pub mod load;
pub mod mapping;
pub mod merge;
pub mod numbers;
mod one_or_many;
pub mod patterns;
pub mod people;
pub mod plan;
pub mod quarantine;
pub mod reach;
pub mod source;
pub mod spill;
pub mod survey;
pub mod tally;
pub mod text;
pub mod wanted;
pub mod words;

pub use error::{PipelineError, Result};
