//! Properties that hold for any input.
#![allow(clippy::unwrap_used)] // A property that cannot be checked should stop the test at that line.

mod causal;
mod equity;
