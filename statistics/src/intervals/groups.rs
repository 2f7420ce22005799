//! Units put into groups of equal size by their value: fifths of deprivation, tenths of need.

use crate::{Result, StatisticsError};

/// Which end of the values is group 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FirstGroup {
    /// Group 1 holds the highest values.
    Highest,
    /// Group 1 holds the lowest values.
    Lowest,
}

/// Puts each value into one of `groups` groups, numbered from 1, of as equal a size as ranks allow; `None`, a missing
/// value, has no group.
///
/// With ranks `r` from 1 at the end of group 1, equal values sharing the smallest, the group of `n` values is
/// `k + 1 − ⌈(n + 1 − r) k / n⌉`, reckoned in whole numbers. Equal values are never parted.
///
/// Source: Public Health England. Technical Guide: Assigning Deprivation Categories. 2018; the rule is that of
/// `phe_quantile` in the R package `PHEindicatormethods`.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for no groups; [`StatisticsError::ValueNotFinite`]; [`StatisticsError::TooFew`] when
/// there are fewer values than groups.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{FirstGroup, quantile_groups};
/// let scores = [Some(15.0), Some(17.0), None, Some(44.0), Some(7.0)];
/// assert_eq!(quantile_groups(&scores, 2, FirstGroup::Highest)?, [Some(2), Some(1), None, Some(1), Some(2)]);
/// # Ok(())
/// # }
/// ```
pub fn quantile_groups(values: &[Option<f64>], groups: u32, first: FirstGroup) -> Result<Vec<Option<u32>>> {
    if groups == 0 {
        return Err(StatisticsError::OutOfRange { what: "the number of groups", value: 0.0, range: "at least 1" });
    }
    let mut ordered = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate().filter_map(|(index, value)| value.map(|value| (index, value))) {
        if !value.is_finite() {
            return Err(StatisticsError::ValueNotFinite { index, value });
        }
        // Adding 0 turns a zero that carries a minus sign into the one that does not.
        ordered.push(value + 0.0);
    }
    let found = ordered.len() as u64;
    if found < u64::from(groups) {
        return Err(StatisticsError::TooFew { what: "quantile groups", found, needed: u64::from(groups) });
    }
    ordered.sort_by(f64::total_cmp);
    let group_of = |value: f64| {
        // Values that come before this one, from the end of group 1.
        let before = match first {
            FirstGroup::Lowest => ordered.partition_point(|other| *other < value),
            FirstGroup::Highest => ordered.len() - ordered.partition_point(|other| *other <= value),
        } as u64;
        let from_the_end = (u128::from(found - before) * u128::from(groups)).div_ceil(u128::from(found));
        // Between 1 and the number of groups.
        groups + 1 - u32::try_from(from_the_end).unwrap_or(groups)
    };
    Ok(values.iter().map(|value| value.map(group_of)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_stay_together_and_zero_has_no_sign() -> Result<()> {
        let values = [Some(0.0), Some(-0.0), Some(1.0), Some(1.0)];
        assert_eq!(quantile_groups(&values, 4, FirstGroup::Lowest)?, [Some(1), Some(1), Some(3), Some(3)]);
        assert_eq!(quantile_groups(&values, 4, FirstGroup::Highest)?, [Some(3), Some(3), Some(1), Some(1)]);
        Ok(())
    }

    #[test]
    fn fewer_values_than_groups_are_refused() {
        assert!(matches!(
            quantile_groups(&[Some(1.0), None], 2, FirstGroup::Lowest),
            Err(StatisticsError::TooFew { found: 1, needed: 2, .. })
        ));
        assert!(quantile_groups(&[Some(1.0)], 0, FirstGroup::Lowest).is_err());
        assert!(quantile_groups(&[Some(f64::NAN)], 1, FirstGroup::Lowest).is_err());
    }
}
