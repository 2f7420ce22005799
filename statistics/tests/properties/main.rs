//! Properties that hold for any data, tried on many.
#![allow(clippy::unwrap_used)] // A property that cannot be set up should stop the test at that line.
#![allow(clippy::float_cmp)] // What must be equal is compared for equality.

mod causal;
mod equity;
mod risk;
mod spc;
