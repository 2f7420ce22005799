//! Statistical process control: telling change from noise in a series over time.
//!
//! [`run`] holds the run chart: a centre line and two rules about runs, with no assumption about the distribution.

pub mod run;
