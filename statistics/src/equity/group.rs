//! A group of people, its value, and which group the others are compared with.

use crate::intervals::two_sided_error;
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// One group: people of one race or ethnicity, one tenth of deprivation, one language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// People, or person-time, in the group: above 0.
    pub population: f64,
    /// The proportion or rate of the group: at least 0.
    pub value: f64,
    /// Standard error of the value, at least 0; [`super::slope_index`] can take it on another scale.
    pub standard_error: f64,
}

/// A scale on which values are treated as normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// As they are.
    Linear,
    /// Their logarithm: for rates.
    Log,
    /// The logarithm of their odds: for proportions.
    Logit,
}

/// What is done with groups in which nothing happened (on the logit scale also: with groups in which it happened to
/// everyone).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEvents {
    /// They count like any other; what needs a logarithm is then not computable.
    Keep,
    /// They are left out and counted.
    Exclude,
    /// Nothing is computed.
    Refuse,
}

/// Whether low or high values are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Low values are good, as with readmissions.
    Lower,
    /// High values are good, as with follow-up in time.
    Higher,
}

/// The group with which the others are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceGroup {
    /// The group at this position, counted from 0: chosen by name.
    At(usize),
    /// The group with the largest population; the first of several.
    Largest,
    /// The group with the best value; the largest of several.
    Best(Better),
}

impl Group {
    /// A group with `events` people of `population` who had the event: a proportion, with the standard error
    /// `√(p (1 - p) / n)`.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::ZeroDenominator`]; [`StatisticsError::NumeratorExceedsDenominator`].
    ///
    /// ```
    /// let group = carecoord_statistics::equity::Group::proportion(620, 2818);
    /// assert!(group.is_ok_and(|group| (group.value - 0.22).abs() < 0.001));
    /// ```
    pub fn proportion(events: u64, population: u64) -> Result<Self> {
        if population == 0 {
            return Err(StatisticsError::ZeroDenominator);
        }
        if events > population {
            return Err(StatisticsError::NumeratorExceedsDenominator { numerator: events, denominator: population });
        }
        let n = population as f64;
        let (value, without) = (events as f64 / n, (population - events) as f64 / n);
        Ok(Self { population: n, value, standard_error: (value * without / n).sqrt() })
    }

    /// A group with `events` over `exposure`, such as person-years: a rate, with the standard error `√events / exposure`.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::ExposureNotPositive`].
    pub fn rate(events: u64, exposure: f64) -> Result<Self> {
        if !exposure.is_finite() || exposure <= 0.0 {
            return Err(StatisticsError::ExposureNotPositive { exposure });
        }
        let group = Self {
            population: exposure,
            value: events as f64 / exposure,
            standard_error: (events as f64).sqrt() / exposure,
        };
        group.check(0)?;
        Ok(group)
    }

    /// A group whose value has confidence limits: the standard error, on `scale`, is the width there over twice the normal
    /// quantile.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::OutOfRange`] for a population that is not above 0, or limits in the wrong order or off the scale;
    /// [`StatisticsError::ConfidenceOutOfRange`].
    pub fn from_limits(population: f64, value: f64, limits: (f64, f64), confidence: f64, scale: Scale) -> Result<Self> {
        let reach = normal_two_sided(two_sided_error(confidence)?);
        let on_scale = |value| {
            let range = "on the scale: above 0 for a logarithm, below 1 as well for a logit";
            scale.forward(value).ok_or(StatisticsError::OutOfRange { what: "a confidence limit", value, range })
        };
        let (lower, upper) = (on_scale(limits.0)?, on_scale(limits.1)?);
        if lower > upper {
            let range = "at most the upper limit";
            return Err(StatisticsError::OutOfRange { what: "the lower limit", value: limits.0, range });
        }
        let group = Self { population, value, standard_error: (upper - lower) / 2.0 / reach };
        group.check(0)?;
        Ok(group)
    }

    /// Refuses numbers that no group can have.
    fn check(&self, index: usize) -> Result<()> {
        for value in [self.population, self.value, self.standard_error] {
            if !value.is_finite() {
                return Err(StatisticsError::ValueNotFinite { index, value });
            }
        }
        let refused = |what, value, range| Err(StatisticsError::OutOfRange { what, value, range });
        if self.population <= 0.0 {
            return refused("the population of a group", self.population, "above 0");
        }
        if self.value < 0.0 {
            return refused("the value of a group", self.value, "at least 0");
        }
        if self.standard_error < 0.0 {
            return refused("the standard error of a group", self.standard_error, "at least 0");
        }
        Ok(())
    }
}

impl Scale {
    /// The value on this scale; `None` where it has none.
    pub(super) fn forward(self, value: f64) -> Option<f64> {
        let on_scale = match self {
            Self::Linear => value,
            Self::Log => value.ln(),
            Self::Logit => value.ln() - (-value).ln_1p(),
        };
        on_scale.is_finite().then_some(on_scale)
    }

    /// Back from this scale.
    pub(super) fn back(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.exp(),
            Self::Logit => 1.0 / (1.0 + (-value).exp()),
        }
    }

    /// How fast a value grows with its place on this scale.
    pub(super) fn growth(self, value: f64) -> f64 {
        match self {
            Self::Linear => 1.0,
            Self::Log => value,
            Self::Logit => value * (1.0 - value),
        }
    }
}

impl ReferenceGroup {
    /// The position of the reference among `groups`.
    pub(super) fn position(self, groups: &[Group]) -> Result<usize> {
        let first_of = |better: fn(&Group, &Group, Better) -> bool, direction| {
            (1..groups.len())
                .fold(0, |best, next| if better(&groups[next], &groups[best], direction) { next } else { best })
        };
        match self {
            Self::At(position) if position < groups.len() => Ok(position),
            Self::At(position) => {
                let range = "the position of a group, from 0";
                Err(StatisticsError::OutOfRange { what: "the reference group", value: position as f64, range })
            }
            Self::Largest => Ok(first_of(|new, old, _| new.population > old.population, Better::Lower)),
            Self::Best(direction) => Ok(first_of(
                |new, old, direction| {
                    let (new_value, old_value) = match direction {
                        Better::Lower => (new.value, old.value),
                        Better::Higher => (-new.value, -old.value),
                    };
                    new_value < old_value || (new_value <= old_value && new.population > old.population)
                },
                direction,
            )),
        }
    }
}

/// Checks groups and applies the policy about those without events (or off `scale`). Returns the others and how many were
/// left out.
pub(super) fn usable(
    groups: &[Group],
    policy: NoEvents,
    scale: Scale,
    what: &'static str,
) -> Result<(Vec<Group>, usize)> {
    let needed = 2;
    let too_few = |found: usize| Err(StatisticsError::TooFew { what, found: found as u64, needed });
    if groups.len() < 2 {
        return too_few(groups.len());
    }
    for (index, group) in groups.iter().enumerate() {
        group.check(index)?;
    }
    let eventful = |group: &&Group| group.value > 0.0 && scale.forward(group.value).is_some();
    let kept: Vec<Group> = match policy {
        NoEvents::Keep => groups.to_vec(),
        NoEvents::Exclude | NoEvents::Refuse => groups.iter().filter(eventful).copied().collect(),
    };
    let excluded = groups.len() - kept.len();
    if excluded > 0 && policy == NoEvents::Refuse {
        let because =
            "a group has no events (or, for a logit, nothing but events); exclude and count such groups, or merge them";
        return Err(StatisticsError::NotComputable { what, because });
    }
    if kept.len() < 2 {
        return too_few(kept.len());
    }
    Ok((kept, excluded))
}

/// The share of each group in the population, and the mean value weighted by it.
pub(super) fn shares(groups: &[Group]) -> Result<(Vec<f64>, f64)> {
    let largest = groups.iter().fold(0.0_f64, |largest, group| largest.max(group.population));
    // Relative to the largest, so that no sum overflows.
    let all: f64 = groups.iter().map(|group| group.population / largest).sum();
    let shares: Vec<f64> = groups.iter().map(|group| group.population / largest / all).collect();
    let mean: f64 = shares.iter().zip(groups).map(|(share, group)| share * group.value).sum();
    if mean.is_finite() {
        Ok((shares, mean))
    } else {
        Err(StatisticsError::NotFinite { what: "the mean", value: mean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_found_and_ties_go_to_the_larger() -> Result<()> {
        let groups = [Group::proportion(10, 100)?, Group::proportion(30, 300)?, Group::proportion(60, 200)?];
        let position = |reference: ReferenceGroup| reference.position(&groups);
        assert_eq!(position(ReferenceGroup::Largest)?, 1);
        assert_eq!(position(ReferenceGroup::Best(Better::Lower))?, 1);
        assert_eq!(position(ReferenceGroup::Best(Better::Higher))?, 2);
        assert_eq!(position(ReferenceGroup::At(0))?, 0);
        assert!(matches!(position(ReferenceGroup::At(3)), Err(StatisticsError::OutOfRange { .. })));
        Ok(())
    }

    #[test]
    fn limits_give_the_error_back() -> Result<()> {
        let group = Group::from_limits(
            10.0,
            0.2,
            (0.2 - 1.959_963_984_540_054 * 0.03, 0.2 + 1.959_963_984_540_054 * 0.03),
            0.95,
            Scale::Linear,
        )?;
        assert!((group.standard_error - 0.03).abs() < 1e-12);
        for limits in [(0.3, 0.1), (0.0, 0.1), (f64::NAN, 0.2)] {
            assert!(Group::from_limits(10.0, 0.2, limits, 0.95, Scale::Log).is_err(), "{limits:?}");
        }
        assert!(matches!(Group::rate(1, 0.0), Err(StatisticsError::ExposureNotPositive { .. })));
        assert!(matches!(Group::proportion(0, 0), Err(StatisticsError::ZeroDenominator)));
        Ok(())
    }
}
