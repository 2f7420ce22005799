//! Extracts of an invented health system, of any size.
//!
//! [`generate`] writes one CSV file for each table of the lake's contracts, in carecoord's own format, for as many
//! patients as asked. Nobody in them exists, and the same options give the same bytes on every machine. The data
//! behave: admissions have seasons, readmissions follow risk and follow-up, referrals get lost, a coordination program
//! starts in half of the clinics and helps, groups differ, claims arrive late, and a stated share of rows is dirty in
//! every way that ingest checks. [`Behaviour`] holds the rates behind all of it in one place.
//!
//! Read in this order: [`Options`] and [`Behaviour`] (what is asked), `setting`, `directory` (the system), `person`,
//! `stays`, `visits`, `referrals` and so on (one patient's life), `layout`, `extracts`, `dirt` (the files).

mod behaviour;
pub mod bundled;
mod calendar;
mod care_plans;
mod chart;
mod claims;
mod codes;
mod coverage;
mod directory;
mod dirt;
mod encounters;
mod error;
mod extracts;
mod follow_up;
mod generate;
mod layout;
mod life;
mod medication;
mod options;
mod person;
mod program;
mod random;
mod referral_steps;
mod referrals;
mod reported;
mod setting;
mod social;
mod stays;
mod surveys;
mod value;
mod visits;

pub use behaviour::Behaviour;
pub use error::SampleError;
pub use generate::{Summary, generate};
pub use options::Options;
