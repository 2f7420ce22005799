//! Properties that hold for any data, tried on random ones.
#![allow(clippy::unwrap_used)] // A case that cannot be set up should stop the test at that line.

mod risk;
