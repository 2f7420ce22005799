//! The files beside the page: a workbook, CSV and Parquet that say what the page says, and nothing else.

mod all_files;
mod made;
#[path = "../synthetic/mod.rs"]
mod synthetic;
mod tables;
mod workbook;
