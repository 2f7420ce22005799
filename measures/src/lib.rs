//! Measures: lake → results.
//!
//! A [`definition`] is a folder: `measure.toml`, `units.sql`, decks. The [`workbench`] opens a lake for SQL, makes the
//! prepared views once; `units` runs a measure's SQL, `completion` adds period, maturity and attribution, `tally` counts;
//! [`rates`] divides once; [`suppression`] hides small counts, and `several_sums` what gives them away together; [`signals`] makes
//! control charts and `funnels` compares organizations; `risk` adjusts for risk, `case_mix` survey scores for who answers;
//! [`waits`] is the arithmetic of time until an event; [`compute`] is the whole way and publishes. [`codes`] are the code lists
//! that measures bring, [`instrument`] the survey instruments. [`card`] makes the pages of the documentation. [`deck`] runs
//! the worked examples that hold a definition to its word.

pub mod atlas;
mod before;
mod calendar;
pub mod card;
mod case_mix;
mod caseload;
pub mod codes;
mod completion;
pub mod compute;
mod day_functions;
pub mod deck;
pub mod definition;
mod dictionary;
mod dispositions;
mod equity;
mod error;
mod exclusions;
mod feeds;
pub mod functions;
mod funnels;
mod gaps;
mod groups;
pub mod instrument;
mod linear;
mod measuring;
mod organizations;
mod people;
mod preparations;
mod prepared_lake;
pub mod rates;
mod result_tables;
mod risk;
pub mod rows;
mod run_row;
mod several_sums;
pub mod signals;
pub mod span;
mod spelled;
mod spellings;
mod sums;
mod support;
pub mod suppression;
mod tally;
mod targets;
pub mod timings;
mod unit_table;
mod units;
pub mod waits;
pub mod workbench;
pub mod worklists;

pub use error::{MeasureError, Result};
