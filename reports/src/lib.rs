//! Reports: what stands in `results`, made readable for a quality team and its board.
//!
//! [`render`] reads the small tables of a results folder and writes HTML pages that load nothing from outside, each
//! chart as SVG and PNG, and beside them a workbook, tables for programs and FHIR bundles.
//! Nothing is computed here: every number on the page stands in a results table and is only formatted; the sums that check
//! the row accounting are the one exception. Of the tables about single patients `worklist` is never opened, and `unit` for
//! nothing but the subject lists that a reader asks for ([`ReportOptions::subject_lists`]): nothing else in a report can name
//! a patient.
//!
//! In reading order:
//! - `model` reads the tables; `release` leaves of them what may leave; `format` and `words` turn values and states into text;
//! - `locale` says how numbers and dates are written;
//! - `reading` puts a measure's run-chart signal into words;
//! - `chart` draws a run chart once, as SVG, and rasterises that drawing;
//! - `view` is the page's content as plain data, which the templates lay out (`page`);
//! - `fhir` writes measures and values as FHIR resources, for machines;
//! - `beside` writes the files beside the page: `workbook` for people, `data_files` for programs, both from `values`;
//! - `publish` puts a finished report in place of the old one in one step;
//! - `theme` states every colour, size and font, once.

mod beside;
mod chart;
mod data_files;
mod error;
mod fhir;
mod format;
mod locale;
mod model;
mod page;
mod publish;
mod reading;
mod release;
mod render;
mod theme;
mod values;
mod view;
mod words;
mod workbook;

pub use error::{ReportError, Result};
pub use locale::Locale;
pub use release::Release;
pub use render::{ReportFiles, ReportOptions, render};
