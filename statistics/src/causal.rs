//! What changed because of an intervention: difference-in-differences, segmented regression, balance.
//!
//! Everything here is a linear regression whose variance and reference distribution are chosen by name and returned with
//! the result, so that a reader can see what an interval rests on.
//!
//! | item | question it answers |
//! |---|---|
//! | [`Regression`], [`LinearFit`] | How does an outcome depend on some columns? (ordinary and weighted least squares) |
//! | [`Variance`], [`Uncertainty`] | How sure is a coefficient, a contrast, a set of coefficients? |
//! | [`two_by_two`], [`two_way`] | Did the treated change more than the others? (difference-in-differences) |
//! | [`event_study`] | Were both groups on parallel trends before? (leads and lags) |
//! | [`permutation_two_by_two`], [`permutation_two_way`] | How often would chance assignment give such an effect? |
//! | [`wild_cluster_bootstrap`] | How sure is an effect with few clusters? |
//! | [`segmented`] | Did a series change its level or its slope? (interrupted time series) |
//! | [`durbin_watson`], [`breusch_godfrey`], [`ljung_box`], [`newey_west_bandwidth`] | Are residuals related in time? |
//! | [`continuous_balance`], [`binary_balance`], [`categorical_balance`] | Are the two groups alike to begin with? |

mod balance;
mod cluster;
mod diagnostics;
mod difference;
mod event_study;
mod input;
mod permutation;
mod regression;
mod segmented;
mod uncertainty;
mod variance;
mod wild_bootstrap;

pub use balance::{
    Balance, CategoricalBalance, Sample, binary_balance, categorical_balance, continuous_balance,
    weighted_binary_balance,
};
pub use diagnostics::{SerialTest, breusch_godfrey, durbin_watson, ljung_box, newey_west_bandwidth};
pub use difference::{Cell, GroupsAndPeriods, Panel, TwoByTwo, TwoWay, two_by_two, two_way};
pub use event_study::{EventStudy, EventTime, EventWindow, event_study};
pub use permutation::{PermutationTest, Permutations, permutation_two_by_two, permutation_two_way};
pub use regression::{Constant, LinearFit, Regression};
pub use segmented::{FEW_POINTS, PointEffect, Season, Segmented, SegmentedOptions, SlopeStart, Term, segmented};
pub use uncertainty::{Estimate, Reference, Uncertainty, WaldTest};
pub use variance::{ClusterAdjustment, Variance};
pub use wild_bootstrap::{BootstrapWeights, WildBootstrap, WildBootstrapOptions, wild_cluster_bootstrap};
