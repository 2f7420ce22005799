//! Releases of reports: the same cells in every file, nothing of what was left out anywhere, and no suppressed
//! count that a reader of two public releases could find.

#![allow(clippy::cast_possible_truncation, clippy::float_cmp, reason = "made-up counts are small and whole")]

mod agreement;
mod attack;
mod attacker;
mod made;
mod profiles;
mod secrets;
#[path = "../synthetic/mod.rs"]
mod synthetic;
mod world;
