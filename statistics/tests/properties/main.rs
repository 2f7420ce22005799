//! Properties that must hold for any input, not only for the golden cases.
#![allow(clippy::unwrap_used)] // A property that has no value should fail at that line.

mod funnel;
mod intervals;
mod standardise;
