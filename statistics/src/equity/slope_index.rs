//! The slope and relative index of inequality.

use super::group::{Group, NoEvents, Scale, shares, usable};
use super::slope_limits::{Ends, analytic, simulated};
use crate::intervals::{Interval, two_sided_error};
use crate::{Result, StatisticsError};

/// How a slope index is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlopeOptions {
    /// The scale on which the line is fitted: linear, or log for rates and logit for proportions, which never lead to
    /// values below 0 or above 1.
    pub regression: Scale,
    /// The scale of the groups' standard errors, on which their values are taken to be normal.
    pub uncertainty: Scale,
    /// What the slope index is multiplied by, such as 100, or -1 for an outcome where low values are good, which turns the
    /// relative index round as well. Not 0.
    pub multiplier: f64,
    /// What is done with groups without events.
    pub no_events: NoEvents,
    /// Where the limits come from.
    pub limits: SlopeLimits,
    /// Confidence level, a fraction.
    pub confidence: f64,
}

/// Where the limits of a slope index come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlopeLimits {
    /// Values drawn from the groups' standard errors, the line fitted to each set, and the quantiles (type 7) of the
    /// results. Repetition `r` has its own stream, so the limits are the same on any number of threads.
    Simulated {
        /// How many, 100 to 10,000,000. The peers use 100,000.
        repetitions: u64,
        /// The seed.
        seed: u64,
    },
    /// The same errors carried through the line on paper (delta method), with the normal distribution.
    SamplingError,
    /// The scatter of the groups about the line, with Student's t on groups less 2: needs at least 3 groups, and counts
    /// departure from a straight line as error.
    Residual,
}

/// A slope and relative index of inequality.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlopeIndex {
    /// The slope index: the value at the end of the order minus that at its start, times the multiplier.
    pub slope_index: Interval,
    /// The relative index: the value at the end of the order over that at its start, or the other way round with a negative
    /// multiplier; not computable when the line crosses 0.
    pub relative_index: Result<Interval>,
    /// The relative index without limits; `None` when the line crosses 0.
    pub relative_value: Option<f64>,
    /// The value of the line at the start of the order, times the absolute multiplier.
    pub start: f64,
    /// The value of the line at the end of the order, times the absolute multiplier.
    pub end: f64,
    /// Groups that were used.
    pub groups: usize,
    /// Groups without events that were left out; ranks are among those used.
    pub excluded: usize,
    /// The options.
    pub options: SlopeOptions,
}

/// Computes the slope and relative index of inequality of groups in their order, such as from the most to the least
/// deprived tenth.
///
/// Each group takes up a share of the ranks from 0 to 1 equal to its share of the population; a line is fitted through the
/// middles of these shares (ridits) by least squares with the populations as weights. The slope index is the difference
/// between its two ends.
///
/// Source: Mackenbach JP, Kunst AE. Soc Sci Med 1997;44:757–771; Low A, Low A. J Public Health 2004;26:388–395; simulation
/// and transformed lines as in the slope index tool of Public Health England (R package `PHEindicatormethods`).
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for fewer than 2 groups, 3 with [`SlopeLimits::Residual`];
/// [`StatisticsError::ValueNotFinite`] and [`StatisticsError::OutOfRange`] for numbers that no group can have, a multiplier
/// of 0 or too few or many repetitions; [`StatisticsError::NotComputable`] when a value has no place on a scale;
/// [`StatisticsError::ZeroVariance`] when there is no error to draw limits from; [`StatisticsError::ConfidenceOutOfRange`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::equity::{Group, NoEvents, Scale, SlopeLimits, SlopeOptions, slope_index};
/// let fifths =
///     [Group::proportion(220, 1000)?, Group::proportion(190, 1000)?, Group::proportion(160, 1000)?, Group::proportion(150, 1000)?];
/// let options = SlopeOptions {
///     regression: Scale::Linear,
///     uncertainty: Scale::Linear,
///     multiplier: 1.0,
///     no_events: NoEvents::Refuse,
///     limits: SlopeLimits::Simulated { repetitions: 1_000, seed: 5 },
///     confidence: 0.95,
/// };
/// let found = slope_index(&fifths, options)?;
/// assert!((found.slope_index.value + 0.096).abs() < 1e-12 && found.slope_index.upper < 0.0);
/// # Ok(())
/// # }
/// ```
pub fn slope_index(ordered: &[Group], options: SlopeOptions) -> Result<SlopeIndex> {
    let what = "a slope index of inequality";
    two_sided_error(options.confidence)?;
    if !options.multiplier.is_finite() || options.multiplier == 0.0 {
        let range = "a finite number other than 0";
        return Err(StatisticsError::OutOfRange { what: "the multiplier", value: options.multiplier, range });
    }
    let strictest = if options.regression == Scale::Linear { options.uncertainty } else { options.regression };
    let strictest = if options.uncertainty == Scale::Logit { Scale::Logit } else { strictest };
    let (groups, excluded) = usable(ordered, options.no_events, strictest, what)?;
    if let Some(index) = groups.iter().position(|group| strictest.forward(group.value).is_none()) {
        let value = groups[index].value;
        let because = if value > 0.0 {
            "a value of 1 or more has no logit; such groups can be excluded and counted"
        } else {
            "a group has no events, and nothing has no logarithm; such groups can be excluded and counted"
        };
        return Err(StatisticsError::NotComputable { what, because });
    }
    let line = Line::through(&groups)?;
    let place = |group: &Group| options.regression.forward(group.value).unwrap_or_default();
    let ends = line.ends(groups.iter().map(place), options.regression);
    super::finite(what, ends.slope(options.multiplier))?;
    let (slope_index, relative_index) = match options.limits {
        SlopeLimits::Simulated { repetitions, seed } => simulated(&groups, &line, ends, options, repetitions, seed)?,
        SlopeLimits::SamplingError | SlopeLimits::Residual => analytic(&groups, &line, ends, options)?,
    };
    let size = options.multiplier.abs();
    Ok(SlopeIndex {
        slope_index,
        relative_index,
        relative_value: ends.relative(options.multiplier),
        start: ends.start * size,
        end: ends.end * size,
        groups: groups.len(),
        excluded,
        options,
    })
}

/// What each group's place adds to the two ends of a weighted regression line on the ridits.
pub(super) struct Line {
    pub(super) shares: Vec<f64>,
    pub(super) ranks: Vec<f64>,
    pub(super) to_start: Vec<f64>,
    pub(super) to_end: Vec<f64>,
}

impl Line {
    fn through(groups: &[Group]) -> Result<Self> {
        let (shares, _) = shares(groups)?;
        let ranks = ridits(&shares);
        // The weighted mean of ridits is one half, whatever the shares.
        let spread: f64 = shares.iter().zip(&ranks).map(|(share, rank)| share * (rank - 0.5).powi(2)).sum();
        if spread <= 0.0 {
            let because = "one group holds all but everyone, so the ranks do not vary";
            return Err(StatisticsError::NotComputable { what: "a slope index of inequality", because });
        }
        let slope = |(share, rank): (&f64, &f64)| share * (rank - 0.5) / spread;
        let to_start = shares.iter().zip(&ranks).map(|pair| pair.0 - slope(pair) / 2.0).collect();
        let to_end = shares.iter().zip(&ranks).map(|pair| pair.0 + slope(pair) / 2.0).collect();
        Ok(Self { shares, ranks, to_start, to_end })
    }

    /// The values at both ends, from the groups' places on the scale.
    pub(super) fn ends(&self, places: impl Iterator<Item = f64>, scale: Scale) -> Ends {
        let (mut start, mut end) = (0.0, 0.0);
        for ((place, to_start), to_end) in places.zip(&self.to_start).zip(&self.to_end) {
            start += to_start * place;
            end += to_end * place;
        }
        Ends { start: scale.back(start), end: scale.back(end) }
    }
}

/// The middle of each group's share of the ranks from 0 to 1.
pub(super) fn ridits(shares: &[f64]) -> Vec<f64> {
    let mut below = 0.0;
    shares
        .iter()
        .map(|share| {
            let middle = below + share / 2.0;
            below += share;
            middle
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: SlopeOptions = SlopeOptions {
        regression: Scale::Linear,
        uncertainty: Scale::Linear,
        multiplier: 1.0,
        no_events: NoEvents::Keep,
        limits: SlopeLimits::SamplingError,
        confidence: 0.95,
    };

    fn fifths() -> Result<Vec<Group>> {
        [(220, 1000), (190, 900), (160, 1100), (150, 1000), (90, 800)]
            .iter()
            .map(|&(x, n)| Group::proportion(x, n))
            .collect()
    }

    /// On paper and by simulation the limits are the same thing.
    #[test]
    fn simulated_limits_tend_to_those_on_paper() -> Result<()> {
        let groups: Vec<Group> = fifths()?
            .iter()
            .map(|group| Group { standard_error: group.standard_error / group.value / (1.0 - group.value), ..*group })
            .collect();
        for regression in [Scale::Linear, Scale::Log, Scale::Logit] {
            let options = SlopeOptions { regression, uncertainty: Scale::Logit, ..OPTIONS };
            let paper = slope_index(&groups, options)?;
            let drawn = SlopeOptions { limits: SlopeLimits::Simulated { repetitions: 20_000, seed: 3 }, ..options };
            let drawn = slope_index(&groups, drawn)?;
            let width = paper.slope_index.upper - paper.slope_index.lower;
            assert!((paper.slope_index.lower - drawn.slope_index.lower).abs() < 0.03 * width, "{paper:?} {drawn:?}");
            let (paper, drawn) = (paper.relative_index?, drawn.relative_index?);
            let width = paper.upper - paper.lower;
            assert!((paper.upper - drawn.upper).abs() < 0.03 * width, "{paper:?} {drawn:?}");
        }
        Ok(())
    }

    #[test]
    fn a_group_without_events_has_no_logarithm() -> Result<()> {
        let mut groups = fifths()?;
        groups.push(Group::proportion(0, 700)?);
        assert!(slope_index(&groups, OPTIONS).is_ok());
        let log = SlopeOptions { regression: Scale::Log, ..OPTIONS };
        assert!(matches!(slope_index(&groups, log), Err(StatisticsError::NotComputable { .. })));
        let found = slope_index(&groups, SlopeOptions { no_events: NoEvents::Exclude, ..log })?;
        assert_eq!((found.groups, found.excluded), (5, 1));
        groups.push(Group::proportion(700, 700)?);
        let logit = SlopeOptions { regression: Scale::Logit, no_events: NoEvents::Exclude, ..OPTIONS };
        assert_eq!(slope_index(&groups, logit)?.excluded, 2);
        Ok(())
    }

    #[test]
    fn a_line_that_crosses_zero_has_no_ratio() -> Result<()> {
        let groups = [Group::proportion(1, 1000)?, Group::proportion(300, 1000)?, Group::proportion(900, 1000)?];
        let found = slope_index(&groups, OPTIONS)?;
        assert!(found.relative_value.is_none());
        assert!(matches!(found.relative_index, Err(StatisticsError::NotComputable { .. })));
        Ok(())
    }

    #[test]
    fn no_error_no_limits() -> Result<()> {
        let exact: Vec<Group> = fifths()?.iter().map(|group| Group { standard_error: 0.0, ..*group }).collect();
        for limits in [SlopeLimits::SamplingError, SlopeLimits::Simulated { repetitions: 100, seed: 1 }] {
            assert!(matches!(
                slope_index(&exact, SlopeOptions { limits, ..OPTIONS }),
                Err(StatisticsError::ZeroVariance { .. })
            ));
        }
        let residual = SlopeOptions { limits: SlopeLimits::Residual, ..OPTIONS };
        assert!(slope_index(&exact, residual).is_ok());
        assert!(matches!(slope_index(&exact[..2], residual), Err(StatisticsError::TooFew { needed: 3, .. })));
        let none = SlopeOptions { limits: SlopeLimits::Simulated { repetitions: 0, seed: 1 }, ..OPTIONS };
        assert!(matches!(slope_index(&fifths()?, none), Err(StatisticsError::OutOfRange { .. })));
        Ok(())
    }
}
