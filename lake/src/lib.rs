//! The lake: where checked data rest between the stations.
//!
//! [`contract`] says what every table is (of the lake, of results, of quarantine) and [`dictionary`] prints it;
//! [`snapshot`], [`manifest`] and [`inventory`] keep what was published, whole, with every row and every file accounted for;
//! [`files`] and
//! [`parquet_file`] write so that nothing is ever half written; `sql` (feature `sql`) opens snapshots for DataFusion,
//! which is told the physical order of the rows.

pub mod contract;
pub mod dictionary;
mod error;
pub mod files;
#[cfg(feature = "sql")]
mod filter_pushdown;
#[cfg(feature = "sql")]
pub mod grouped;
pub mod inventory;
pub mod manifest;
pub mod parquet_file;
pub mod scratch;
#[cfg(feature = "sql")]
mod small_windows;
pub mod snapshot;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "sql")]
mod unit_view;

pub use error::{LakeError, Result};
