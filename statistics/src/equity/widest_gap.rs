//! The widest gap that chance does not explain.

use super::group::{Group, NoEvents, ReferenceGroup, Scale, usable};
use crate::intervals::Interval;
use crate::{Result, StatisticsError};

/// The value of a comparison that means "no gap".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Null {
    /// 0, for differences.
    Difference,
    /// 1, for ratios; their size is compared by the logarithm.
    Ratio,
}

/// One group compared with the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// Position of the group, from 0.
    pub group: usize,
    /// The comparison, or why there is none.
    pub interval: Result<Interval>,
    /// Whether the limits leave "no gap" out.
    pub credible: bool,
}

/// All groups compared with the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct CredibleGaps {
    /// Position of the reference group, from 0.
    pub reference: usize,
    /// Every other group, in order.
    pub gaps: Vec<Gap>,
    /// Comparisons that could be made. With many, some are credible by chance: ask for a higher confidence, such as
    /// `1 - 0.05 / comparisons` (Bonferroni).
    pub comparisons: usize,
    /// The credible gap furthest from "no gap"; `None` when none is credible.
    pub widest: Option<Gap>,
}

/// Compares every group with the reference and picks the widest credible gap: of those whose limits leave out "no gap", the
/// one whose estimate is furthest from it.
///
/// `compare` gets the positions of the group and of the reference and returns their difference or ratio, from
/// [`crate::intervals`], with the method and confidence that the caller names.
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for fewer than 2 groups; [`StatisticsError::OutOfRange`] and
/// [`StatisticsError::ValueNotFinite`] for numbers that no group can have or a reference that is not one.
/// A comparison that cannot be made is in the result with its reason.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::equity::{Group, Null, ReferenceGroup, widest_credible_gap};
/// use carecoord_statistics::intervals::{Interval, Method};
/// let groups = [Group::proportion(612, 5210)?, Group::proportion(244, 1523)?, Group::proportion(23, 167)?];
/// // Stands for a function of `intervals`.
/// let difference = |group: usize, reference: usize| {
///     let (a, b) = (groups[group], groups[reference]);
///     let half = 1.96 * a.standard_error.hypot(b.standard_error);
///     let value = a.value - b.value;
///     let method = Method::Wilson;
///     Ok(Interval { value, lower: value - half, upper: value + half, confidence: 0.95, method })
/// };
/// let found = widest_credible_gap(&groups, ReferenceGroup::Largest, Null::Difference, difference)?;
/// assert_eq!(found.widest.map(|gap| gap.group), Some(1));
/// # Ok(())
/// # }
/// ```
pub fn widest_credible_gap(
    groups: &[Group],
    reference: ReferenceGroup,
    null: Null,
    compare: impl Fn(usize, usize) -> Result<Interval>,
) -> Result<CredibleGaps> {
    let (checked, _) = usable(groups, NoEvents::Keep, Scale::Linear, "a gap between groups")?;
    let reference = reference.position(&checked)?;
    let gaps: Vec<Gap> = (0..groups.len())
        .filter(|&group| group != reference)
        .map(|group| {
            let interval = compare(group, reference).and_then(|interval| null.checked(interval));
            let credible = interval.is_ok_and(|found| found.lower > null.value() || found.upper < null.value());
            Gap { group, interval, credible }
        })
        .collect();
    let size = |gap: &Gap| gap.interval.map_or(0.0, |interval| null.distance(interval.value));
    let widest = gaps.iter().filter(|gap| gap.credible).fold(None, |widest: Option<Gap>, gap| match widest {
        Some(before) if size(&before) >= size(gap) => Some(before),
        _ => Some(*gap),
    });
    let comparisons = gaps.iter().filter(|gap| gap.interval.is_ok()).count();
    Ok(CredibleGaps { reference, gaps, comparisons, widest })
}

impl Null {
    const fn value(self) -> f64 {
        match self {
            Self::Difference => 0.0,
            Self::Ratio => 1.0,
        }
    }

    /// How far a value is from "no gap". A ratio of 0 is infinitely far.
    fn distance(self, value: f64) -> f64 {
        match self {
            Self::Difference => value.abs(),
            Self::Ratio => value.ln().abs(),
        }
    }

    /// Refuses what cannot be a comparison of this kind.
    fn checked(self, interval: Interval) -> Result<Interval> {
        for (what, value) in [
            ("the gap", interval.value),
            ("a limit of the gap", interval.lower),
            ("a limit of the gap", interval.upper),
        ] {
            if value.is_nan() {
                return Err(StatisticsError::NotFinite { what, value });
            }
        }
        if self == Self::Ratio && interval.value < 0.0 {
            return Err(StatisticsError::OutOfRange { what: "a ratio", value: interval.value, range: "at least 0" });
        }
        Ok(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intervals::Method;

    #[test]
    fn the_widest_is_sought_among_the_credible() -> Result<()> {
        let groups = [Group::proportion(50, 500)?, Group::proportion(9, 30)?, Group::proportion(80, 400)?];
        let interval =
            |value, lower, upper| Ok(Interval { value, lower, upper, confidence: 0.95, method: Method::Wilson });
        let ratio = |group, _| if group == 1 { interval(3.0, 0.9, 9.0) } else { interval(0.5, 0.3, 0.8) };
        let found = widest_credible_gap(&groups, ReferenceGroup::At(0), Null::Ratio, ratio)?;
        assert_eq!((found.reference, found.comparisons, found.widest.map(|gap| gap.group)), (0, 2, Some(2)));
        let none = |_, _| Err(StatisticsError::ZeroDenominator);
        let found = widest_credible_gap(&groups, ReferenceGroup::Largest, Null::Difference, none)?;
        assert_eq!((found.comparisons, found.widest), (0, None));
        Ok(())
    }
}
