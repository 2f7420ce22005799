//! What the population would gain if every group did as well as one of them.

use super::group::{Group, NoEvents, ReferenceGroup, Scale, shares, usable};
use crate::{Result, StatisticsError};

/// The population attributable risk and fraction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PopulationRisk {
    /// Position of the reference group, from 0.
    pub reference: usize,
    /// The value of the reference group.
    pub reference_value: f64,
    /// The mean of all groups, weighted by population.
    pub overall: f64,
    /// Reference minus overall: the change of the overall value if all had the reference's. Negative is a fall.
    pub attributable_risk: f64,
    /// The same as a share of the overall value; `None` when that is 0.
    pub attributable_fraction: Option<f64>,
}

/// Computes the population attributable risk of `groups`, against the reference chosen.
///
/// Source: WHO. Handbook on Health Inequality Monitoring. 2013, section 3 ("population attributable risk").
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for fewer than 2 groups; [`StatisticsError::OutOfRange`] for a reference that is not one;
/// [`StatisticsError::ValueNotFinite`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::equity::{Better, Group, ReferenceGroup, population_risk};
/// let groups = [Group::proportion(20, 100)?, Group::proportion(10, 100)?];
/// let found = population_risk(&groups, ReferenceGroup::Best(Better::Lower))?;
/// assert!(found.attributable_fraction.is_some_and(|fraction| (fraction + 1.0 / 3.0).abs() < 1e-12));
/// # Ok(())
/// # }
/// ```
pub fn population_risk(groups: &[Group], reference: ReferenceGroup) -> Result<PopulationRisk> {
    let (groups, _) = usable(groups, NoEvents::Keep, Scale::Linear, "a population attributable risk")?;
    let reference = reference.position(&groups)?;
    let (_, overall) = shares(&groups)?;
    let reference_value = groups[reference].value;
    let attributable_risk = reference_value - overall;
    let attributable_fraction = attributable_risk / overall;
    if overall > 0.0 && !attributable_fraction.is_finite() {
        return Err(StatisticsError::NotFinite { what: "the attributable fraction", value: attributable_fraction });
    }
    Ok(PopulationRisk {
        reference,
        reference_value,
        overall,
        attributable_risk,
        attributable_fraction: (overall > 0.0).then_some(attributable_fraction),
    })
}
