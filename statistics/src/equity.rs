//! Gaps between groups: how large they are, in all and from one end of an order to the other.
//!
//! A [`Group`] is its size, its value (a proportion or a rate) and the standard error of that value. Groups without events
//! are kept, excluded and counted, or refused, as [`NoEvents`] says; measures that need a logarithm are then not
//! computable, with the reason. Differences and ratios of two groups are in [`crate::intervals`].
//!
//! | item | question it answers |
//! |---|---|
//! | [`disparity`] | How far are the groups from their mean? (index of disparity, between-group variance, Theil index, …) |
//! | [`population_risk`] | How much would be gained if every group did as well as the reference? |
//! | [`slope_index`] | How does the value change from one end of an order to the other? (SII and RII) |
//! | [`concentration_index`] | How far is the outcome concentrated at one end of an order? |
//! | [`widest_credible_gap`] | Which group is furthest from the reference by more than chance? |

mod concentration;
mod disparity;
mod group;
mod population_risk;
mod slope_index;
mod slope_limits;
mod widest_gap;

use crate::{Result, StatisticsError};

pub use concentration::concentration_index;
pub use disparity::{Disparity, DisparityOptions, disparity};
pub use group::{Better, Group, NoEvents, ReferenceGroup, Scale};
pub use population_risk::{PopulationRisk, population_risk};
pub use slope_index::{SlopeIndex, SlopeLimits, SlopeOptions, slope_index};
pub use widest_gap::{CredibleGaps, Gap, Null, widest_credible_gap};

/// Refuses a result that overflowed.
fn finite(what: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() { Ok(value) } else { Err(StatisticsError::NotFinite { what, value }) }
}
