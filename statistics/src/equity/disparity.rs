//! How far groups that have no order are from their mean.

use super::group::{Better, Group, NoEvents, ReferenceGroup, Scale, shares, usable};
use crate::intervals::{Interval, Method, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// How measures of disparity are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DisparityOptions {
    /// Values are expressed per this many: 100 for percentages. Above 0.
    pub per: f64,
    /// Which values are good: decides the best group.
    pub better: Better,
    /// What is done with groups without events.
    pub no_events: NoEvents,
    /// Confidence level of the interval of the between-group variance, a fraction.
    pub confidence: f64,
}

/// Measures of disparity of one set of groups. "Weighted" is by population, "unweighted" counts each group once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disparity {
    /// The mean of the groups, weighted by population, in units of `options.per`.
    pub overall: f64,
    /// The value of the best group, in units of `options.per`.
    pub best: f64,
    /// Groups that were used, at least 2.
    pub groups: usize,
    /// Groups without events that were left out.
    pub excluded: usize,
    /// Mean distance from the mean, as a percentage of the mean; unweighted.
    pub index_of_disparity: f64,
    /// The same, weighted.
    pub index_of_disparity_weighted: f64,
    /// Weighted mean of squared distances from the mean, in squared units of `options.per`.
    pub between_group_variance: f64,
    /// Its standard error from the errors of the groups; its interval can reach below 0.
    pub between_group_variance_error: f64,
    /// Its normal interval; an error when no group has a standard error.
    pub between_group_variance_interval: Result<Interval>,
    /// The square root of the between-group variance, in units of `options.per`.
    pub between_group_sd: f64,
    /// The between-group standard deviation as a percentage of the mean.
    pub coefficient_of_variation: f64,
    /// The Theil index, unscaled: 0 when all are equal. A group without events adds 0.
    pub theil_index: f64,
    /// The mean log deviation, unscaled; not computable with a group without events.
    pub mean_log_deviation: Result<f64>,
    /// Mean distance from the mean, in units of `options.per`; unweighted.
    pub mean_difference_from_mean: f64,
    /// The same, weighted.
    pub mean_difference_from_mean_weighted: f64,
    /// Mean distance from the best group, in units of `options.per`; unweighted, over all groups.
    pub mean_difference_from_best: f64,
    /// The same, weighted.
    pub mean_difference_from_best_weighted: f64,
    /// The options.
    pub options: DisparityOptions,
}

impl Disparity {
    /// Returns the Theil index times 1,000, as it is published.
    pub fn theil_index_per_thousand(&self) -> f64 {
        1000.0 * self.theil_index
    }

    /// Returns the mean log deviation times 1,000, as it is published.
    ///
    /// # Errors
    ///
    /// As the field.
    pub fn mean_log_deviation_per_thousand(&self) -> Result<f64> {
        self.mean_log_deviation.map(|value| 1000.0 * value)
    }
}

/// Computes the measures of disparity of `groups`.
///
/// With shares `p`, values `y` and weighted mean `μ`: index of disparity `100 · mean |y - μ| / μ`; between-group variance
/// `Σ p (y - μ)²`; Theil index `Σ p (y/μ) ln(y/μ)`; mean log deviation `-Σ p ln(y/μ)`. The variance of the between-group
/// variance is that of a quadratic form of independent normal values: `4 Σ p² (y - μ)² s² + 2 (Σ p² (1 - 2p) s⁴ +
/// (Σ p² s²)²)`.
///
/// Source: WHO. Handbook on Health Inequality Monitoring. 2013, section 3; Harper S, Lynch J. Methods for Measuring Cancer
/// Disparities. National Cancer Institute 2005 (NIH 05-5777); variance: Ahn J et al. JCO Clin Cancer Inform 2018;2:1–19, and
/// Searle SR. Linear Models. 1971, chapter 2.
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for fewer than 2 groups; [`StatisticsError::ValueNotFinite`] and
/// [`StatisticsError::OutOfRange`] for numbers that no group can have; [`StatisticsError::NotComputable`] when a group has
/// no events and such groups are refused, or no group has any; [`StatisticsError::MultiplierNotPositive`];
/// [`StatisticsError::ConfidenceOutOfRange`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::equity::{Better, DisparityOptions, Group, NoEvents, disparity};
/// let groups = [Group::proportion(612, 5210)?, Group::proportion(244, 1523)?, Group::proportion(190, 1344)?];
/// let options =
///     DisparityOptions { per: 100.0, better: Better::Lower, no_events: NoEvents::Refuse, confidence: 0.95 };
/// let found = disparity(&groups, options)?;
/// assert!((found.overall - 12.951).abs() < 0.001 && found.theil_index > 0.0);
/// # Ok(())
/// # }
/// ```
pub fn disparity(groups: &[Group], options: DisparityOptions) -> Result<Disparity> {
    let what = "a measure of disparity";
    let reach = normal_two_sided(two_sided_error(options.confidence)?);
    let per = options.per;
    if !per.is_finite() || per <= 0.0 {
        return Err(StatisticsError::MultiplierNotPositive { multiplier: per });
    }
    let (groups, excluded) = usable(groups, options.no_events, Scale::Linear, what)?;
    let (shares, mean) = shares(&groups)?;
    if mean <= 0.0 {
        return Err(StatisticsError::NotComputable { what, because: "no group has any event" });
    }
    let best = groups[ReferenceGroup::Best(options.better).position(&groups)?].value;
    let count = groups.len() as f64;
    let unweighted = |distance: &dyn Fn(&Group) -> f64| groups.iter().map(distance).sum::<f64>() / count;
    let weighted = |distance: &dyn Fn(&Group) -> f64| -> f64 {
        groups.iter().zip(&shares).map(|(group, share)| share * distance(group)).sum()
    };
    let from_mean = |group: &Group| (group.value - mean).abs();
    let from_best = |group: &Group| (group.value - best).abs();
    let spread = weighted(&|group| (group.value - mean).powi(2));
    let (variance, error) = (spread * per * per, variance_error(&groups, &shares, mean) * per * per);
    let (unweighted_mean, weighted_mean) = (unweighted(&from_mean), weighted(&from_mean));
    let coefficient_of_variation = 100.0 * spread.sqrt() / mean;
    let interval = if error > 0.0 {
        let half = reach * error;
        let method = Method::BetweenGroupNormal;
        Interval::checked(variance, variance - half, variance + half, options.confidence, method)
    } else {
        Err(StatisticsError::ZeroVariance { n: groups.len() as u64 })
    };
    let theil = weighted(&|group| {
        let ratio = group.value / mean;
        if ratio > 0.0 { ratio * ratio.ln() } else { 0.0 }
    });
    let because = "a group has no events, and nothing has no logarithm";
    let mean_log_deviation = if groups.iter().any(|group| group.value / mean <= 0.0) {
        Err(StatisticsError::NotComputable { what: "the mean log deviation", because })
    } else {
        super::finite(what, weighted(&|group| -(group.value / mean).ln()).max(0.0))
    };
    // Sums of huge values can overflow, and so can their ratios to a tiny mean.
    let [unweighted_ratio, weighted_ratio] = [unweighted_mean, weighted_mean].map(|distance| 100.0 * distance / mean);
    for value in [variance, error, coefficient_of_variation, unweighted_ratio, weighted_ratio, theil, best * per] {
        super::finite(what, value)?;
    }
    for distance in [mean, unweighted_mean, unweighted(&from_best), weighted(&from_best)] {
        super::finite(what, distance * per)?;
    }
    Ok(Disparity {
        overall: mean * per,
        best: best * per,
        groups: groups.len(),
        excluded,
        index_of_disparity: unweighted_ratio,
        index_of_disparity_weighted: weighted_ratio,
        between_group_variance: variance,
        between_group_variance_error: error,
        between_group_variance_interval: interval,
        between_group_sd: variance.sqrt(),
        coefficient_of_variation,
        // Never below 0 on paper (Jensen), only by rounding.
        theil_index: theil.max(0.0),
        mean_log_deviation,
        mean_difference_from_mean: unweighted_mean * per,
        mean_difference_from_mean_weighted: weighted_mean * per,
        mean_difference_from_best: unweighted(&from_best) * per,
        mean_difference_from_best_weighted: weighted(&from_best) * per,
        options,
    })
}

/// The standard error of the between-group variance.
fn variance_error(groups: &[Group], shares: &[f64], mean: f64) -> f64 {
    let (mut along, mut fourth, mut second) = (0.0, 0.0, 0.0);
    for (group, share) in groups.iter().zip(shares) {
        let square = group.standard_error * group.standard_error;
        along += share * share * (group.value - mean).powi(2) * square;
        fourth += share * share * (1.0 - 2.0 * share) * square * square;
        second += share * share * square;
    }
    (4.0 * along + 2.0 * (fourth + second * second)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: DisparityOptions =
        DisparityOptions { per: 100.0, better: Better::Lower, no_events: NoEvents::Keep, confidence: 0.95 };

    #[test]
    fn a_group_without_events_is_kept_left_out_or_refused() -> Result<()> {
        let groups = [Group::proportion(0, 50)?, Group::proportion(10, 100)?, Group::proportion(30, 100)?];
        let kept = disparity(&groups, OPTIONS)?;
        assert!(matches!(kept.mean_log_deviation, Err(StatisticsError::NotComputable { .. })));
        assert_eq!((kept.groups, kept.excluded), (3, 0));
        let left_out = disparity(&groups, DisparityOptions { no_events: NoEvents::Exclude, ..OPTIONS })?;
        assert_eq!((left_out.groups, left_out.excluded), (2, 1));
        assert!(left_out.mean_log_deviation.is_ok_and(|value| value > 0.0));
        let refused = disparity(&groups, DisparityOptions { no_events: NoEvents::Refuse, ..OPTIONS });
        assert!(matches!(refused, Err(StatisticsError::NotComputable { .. })));
        Ok(())
    }

    #[test]
    fn fewer_than_two_groups_or_no_event_at_all_are_refused() -> Result<()> {
        let one = [Group::proportion(3, 50)?];
        for few in [&[][..], &one] {
            assert!(matches!(disparity(few, OPTIONS), Err(StatisticsError::TooFew { needed: 2, .. })));
        }
        let none = [Group::proportion(0, 50)?, Group::proportion(0, 10)?];
        assert!(matches!(disparity(&none, OPTIONS), Err(StatisticsError::NotComputable { .. })));
        let all = [Group::proportion(50, 50)?, Group::proportion(10, 10)?];
        assert!(disparity(&all, OPTIONS)?.between_group_variance_interval.is_err(), "no error, no interval");
        Ok(())
    }
}
