//! Risk adjustment: models of the expected, and observed against expected.
//!
//! A hospital that treats sicker patients readmits more of them. Risk adjustment asks what the patients' own risks let us
//! expect, and sets what was observed beside it. The steps, in order:
//!
//! | step | functions |
//! |---|---|
//! | Describe patients in numbers | [`DesignBuilder`], [`Design`], [`Groups`] |
//! | Model the outcome | [`logistic`], [`logistic_with_offset`], [`predict`] |
//! | Say how sure the coefficients are | [`LogisticFit::covariance`], [`robust_covariance`] |
//! | Check the model | [`c_statistic`], [`brier`], [`hosmer_lemeshow`], [`calibration_line`] |
//! | Observed against expected | [`tally`], [`observed_expected`] |
//! | Let providers differ, as CMS does | [`random_intercept`], [`standardised_ratios`], [`bootstrap_rates`] |
//! | Check a hospital's report from CMS | [`ratio_from_published_intercepts`] |
//!
//! Outcomes are yes or no. Rows are patients or stays; a design has one row for each, in the same order as every other
//! slice. Large data are read in fixed pieces, on as many threads as there are, and added up in the order of the rows: the
//! results are the same to the last digit on any number of threads.

mod bootstrap;
mod calibration;
mod coefficient;
mod cross_product;
mod design;
mod discrimination;
mod groups;
mod logistic;
mod mixed;
mod observed;
mod provider;
mod robust;

pub use bootstrap::{Bootstrap, BootstrapOptions, ProviderInterval, bootstrap_rates};
pub use calibration::{
    CalibrationLine, HosmerLemeshow, HosmerLemeshowSample, RiskGroup, calibration_line, hosmer_lemeshow,
};
pub use coefficient::{Coefficient, Covariance};
pub use design::{Design, DesignBuilder, DesignMatrix};
pub use discrimination::{brier, c_statistic};
pub use groups::Groups;
pub use logistic::{LogisticFit, LogisticOptions, logistic, logistic_with_offset, predict};
pub use mixed::{GroupIntercept, MixedFit, MixedOptions, random_intercept};
pub use observed::{ObservedExpected, Tally, observed_expected, tally};
pub use provider::{ProviderRatio, PublishedRatio, ratio_from_published_intercepts, standardised_ratios};
pub use robust::{ClusterAdjustment, Robust, RobustCovariance, robust_covariance};

use crate::{Result, StatisticsError};

/// Refuses a slice whose length is not that of the rows.
fn same_length(what: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(StatisticsError::LengthMismatch { what, found, expected })
}

/// Refuses predictions that are not probabilities.
fn probabilities(predicted: &[f64]) -> Result<()> {
    match predicted.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(&value) => {
            Err(StatisticsError::OutOfRange { what: "a predicted probability", value, range: "from 0 to 1" })
        }
        None => Ok(()),
    }
}

/// The probability whose log odds are `log_odds`, without overflow at either end.
fn probability(log_odds: f64) -> f64 {
    let odds = (-log_odds.abs()).exp();
    if log_odds >= 0.0 { 1.0 / (1.0 + odds) } else { odds / (1.0 + odds) }
}

/// Events among outcomes.
fn events(outcome: &[bool]) -> u64 {
    outcome.iter().map(|&event| u64::from(event)).sum()
}

/// The number of items as a count.
fn count(items: usize) -> u64 {
    items as u64
}
