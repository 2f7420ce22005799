//! The concentration index of ordered groups.

use super::group::{Group, NoEvents, Scale, shares, usable};
use super::slope_index::ridits;
use crate::{Result, StatisticsError};

/// Computes the concentration index of groups ordered from the worst off to the best off: `2/μ Σ p y r - 1`, with shares
/// `p`, values `y`, weighted mean `μ` and the middle `r` of each group's ranks, from 0 to 1.
///
/// It lies between -1 and 1: 0 when the groups are equal, below 0 when the outcome is concentrated among the worst off. No
/// interval is given.
///
/// Source: O'Donnell O et al. Analyzing Health Equity Using Household Survey Data. World Bank 2008, chapter 8;
/// Kakwani N et al. J Econometrics 1997;77:87–103.
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for fewer than 2 groups; [`StatisticsError::ValueNotFinite`];
/// [`StatisticsError::OutOfRange`]; [`StatisticsError::NotComputable`] when no group has any event.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::equity::{Group, concentration_index};
/// let fifths = [Group::proportion(30, 100)?, Group::proportion(20, 100)?, Group::proportion(10, 100)?];
/// assert!(concentration_index(&fifths)? < 0.0);
/// # Ok(())
/// # }
/// ```
pub fn concentration_index(ordered: &[Group]) -> Result<f64> {
    let what = "the concentration index";
    let (groups, _) = usable(ordered, NoEvents::Keep, Scale::Linear, what)?;
    let (shares, mean) = shares(&groups)?;
    if mean <= 0.0 {
        return Err(StatisticsError::NotComputable { what, because: "no group has any event" });
    }
    // As a covariance with the rank about its middle, which keeps the digits that `… - 1` would lose.
    let sum: f64 = groups
        .iter()
        .zip(&shares)
        .zip(ridits(&shares))
        .map(|((group, share), rank)| share * (group.value / mean - 1.0) * (rank - 0.5))
        .sum();
    super::finite(what, 2.0 * sum)
}
