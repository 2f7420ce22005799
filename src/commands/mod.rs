//! One file for each thing that a user can do.

pub mod codes;
pub mod compute;
pub mod demo;
pub mod generate;
pub mod ingest;
pub mod init;
pub mod measures;
pub mod report;
pub mod run;
pub mod snapshots;
pub mod sql;
pub mod verify;
pub mod worklist;
