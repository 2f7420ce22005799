//! The statistics of carecoord: slices in, plain structs out.
//!
//! Nothing here reads a file, a clock or a random number, so the same numbers always give the same answer. Every
//! interval carries the name of its method. Whatever cannot be computed honestly (no denominator, no variance, no
//! point off the centre line) is a [`StatisticsError`] that says why; a `NaN` is never returned as if it were a result.
//!
//! | module | question it answers |
//! |---|---|
//! | [`intervals`] | How sure are we of this proportion, rate or mean? |
//! | [`spc`] | Has this series over time changed, or is it only noise? |
//!
//! The results are checked against R and Python packages: see the golden cases in `tests/`.

mod error;
pub mod intervals;
mod quantile;
pub mod spc;

pub use error::{Result, StatisticsError};
