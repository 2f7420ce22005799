//! The lake: where checked data rest between the stations.
//!
//! [`contract`] says what every table is (tables of the lake and tables of results); [`files`] and [`parquet_file`]
//! write so that nothing is ever half written.

pub mod contract;
mod error;
pub mod files;
pub mod parquet_file;

pub use error::{LakeError, Result};
