//! Golden cases: every number was computed by another program (R or Python), none by this project.
//!
//! The files are read from the folder named by the environment variable `CARECOORD_GOLDEN` when it is set, else from the
//! copy beside this file. A test counts every case and reports all that fail at once.
#![allow(clippy::unwrap_used)] // A golden file that cannot be read should stop the test at that line.
#![allow(clippy::float_cmp)] // Equal limits are limits of no width.

mod case;
mod mean;
mod proportion;
mod rate;
mod run_chart;

mod causal;
mod difference;
mod equity;
mod funnel;
mod glmer_determinant;
mod peers;
mod peers_spc;
mod ptd;
mod quantiles;
mod risk;
mod spc;
mod standardise;
mod survey;
mod survival;
