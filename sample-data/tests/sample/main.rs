//! Tests of the generator and of the bundled extracts that it made.

mod behaviour;
mod bytes;
mod common;
mod contracts;
