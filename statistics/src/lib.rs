//! The statistics of carecoord: slices in, plain structs out.
//!
//! Nothing here reads a file or a clock, and chance enters only through a seed that the caller gives, so the same numbers
//! always give the same answer, on any number of threads. Every interval carries the name of its method. Whatever cannot be computed honestly (no denominator, no variance, no
//! point off the centre line) is a [`StatisticsError`] that says why; a `NaN` is never returned as if it were a result.
//!
//! | module | question it answers |
//! |---|---|
//! | [`intervals`] | How sure are we of this proportion, rate or mean? |
//! | [`spc`] | Has this series over time changed, or is it only noise? |
//! | [`standardise`] | How would these groups compare if they had the same age structure? |
//! | [`funnel`] | Which sites differ from the rest by more than chance? |
//! | [`risk`] | How do outcomes compare with what the patients' risks let us expect? |
//! | [`survival`] | How long does it take, when not everyone has been followed to the end? |
//! | [`causal`] | What changed because of the program, and how sure is that? |
//! | [`survey`] | How do patients score each practice, adjusted for who they are? |
//! | [`equity`] | How large are the gaps between groups? |
//!
//! The results are checked against R and Python packages: see the golden cases in `tests/`.

pub mod causal;
pub mod equity;
mod error;
pub mod funnel;
pub mod intervals;
mod linear;
mod quantile;
pub mod risk;
pub mod spc;
pub mod standardise;
pub mod survey;
pub mod survival;

pub use error::{Result, StatisticsError};
