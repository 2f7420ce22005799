//! Properties that hold for any data, tried on many.
#![allow(clippy::unwrap_used)] // A property that cannot be set up should stop the test at that line.
#![allow(clippy::float_cmp)] // What must be equal is compared for equality.

mod causal;
mod equity;
mod funnel;
mod intervals;
mod risk;
mod spc;
mod standardise;
mod survival;

use proptest::test_runner::{Config, RngSeed};

/// How often a property is tried: the same cases in every run, unless `PROPTEST_RNG_SEED` asks for others.
fn tried(cases: u32) -> Config {
    let default = Config::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_261_121),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    let cases = std::env::var("CARECOORD_PROPERTY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    Config { cases, rng_seed, failure_persistence: None, ..default }
}
