//! Direct and indirect standardisation: how rates would compare if the groups had the same structure of age (or of
//! anything else that strata are made of).
//!
//! | function | question |
//! |---|---|
//! | [`direct`] | What would the rate be if this group had the standard population's structure? |
//! | [`direct_non_independent`] | The same where one person can have several events |
//! | [`expected_events`] | How many events would the reference's rates give in this group? |
//! | [`indirect`] | How do the observed events compare with those expected, as a ratio and as a rate? |
//!
//! The standard population, such as the European one of 2013, is data that the caller gives. Rates and ratios are
//! expressed per `multiplier`.

mod direct;
mod indirect;
mod non_independent;

pub use direct::{DOBSON_FROM, DirectMethod, DirectRate, Stratum, direct};
pub use indirect::{IndirectRate, ReferenceStratum, expected_events, indirect};
pub use non_independent::{RepeatStratum, direct_non_independent};
