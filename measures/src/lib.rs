//! Measures: lake → results.
//!
//! A [`definition`] is a folder: `measure.toml`, `units.sql` or a [`rule`] on the rows of a cohort, decks. The [`workbench`] opens a lake for SQL, makes the
//! prepared views once; `units` runs a measure's SQL, `cohort` holds the units that it is about, which `completion` gives a month and
//! those who answer for them, `outcomes` are what the measure says of them, `tally` counts;
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
mod cohort;
mod completion;
pub mod compute;
mod day_functions;
pub mod deck;
pub mod definition;
mod dictionary;
mod dispositions;
pub mod engine;
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
mod outcomes;
mod people;
mod preparations;
mod prepared_lake;
pub mod rates;
mod result_tables;
mod risk;
pub mod rows;
pub mod rule;
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
