//! Funnel plots: sites against control limits that narrow with their size.
//!
//! A site outside the limits differs from the target by more than chance; one inside may still differ. With many large
//! sites nearly all fall outside, because no model explains everything: the limits can then be widened by the spread
//! between sites that is usual, after Spiegelhalter ("overdispersion").
//!
//! | item | what it is |
//! |---|---|
//! | [`funnel`] | the whole plot: target, limits, z-scores, spread between sites, and each site's position |
//! | [`Figure`] | what is plotted: proportions, observed over expected, rates, ratios of two counts; and how its limits are found |
//! | [`Overdispersion`], [`Dispersion`] | whether and how the spread between sites is estimated, and what was found |
//! | [`control_limits`], [`Funnel::curve`] | limits at one size, and over a range of sizes for drawing |
//! | [`ratio_position`], [`ratio_limits_at_observed`] | a site's ratio judged by its own interval, and the curve that goes with it |

mod curve;
mod dispersion;
mod figure;
mod limits;
mod plot;
mod position;
mod ratio;

pub use curve::CurvePoint;
pub use dispersion::{Dispersion, Overdispersion};
pub use figure::{CountSpread, Figure, ProportionLimits, RatioLimits, RatioTransform};
pub use limits::control_limits;
pub use plot::{Funnel, Options, Placed, Site, Target, funnel};
pub use position::{Levels, Limits, Position, Side, Signal};
pub use ratio::{RatioContour, ratio_limits_at_observed, ratio_position};
