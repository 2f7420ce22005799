//! The whole program, run as a user runs it: one binary of tests, a module for each promise.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod attack;
mod broken_input;
mod canary;
mod carecoord;
mod cases;
mod codes;
mod crash;
mod demo;
mod disclosure;
mod lake;
mod lockfile;
mod rules;
mod shared_data;
