//! Two rates compared, the group's with the reference's, events taken as Poisson counts.

use super::binomial::Binomial;
use super::ratio::{no_event, on_log_scale};
use super::{Events, Interval, Method, Test, TestMethod, clopper_pearson, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// Computes the ratio of two rates with the normal interval of its logarithm, whose variance is `1/x₁ + 1/x₀`.
///
/// Source: Rothman KJ. Epidemiology: An Introduction, 2nd ed., 2012, chapter 9.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ExposureNotPositive`];
/// [`StatisticsError::NotComputable`] when a group has no event ([`rate_ratio_exact`] has limits when it is not the
/// reference); [`StatisticsError::NotFinite`] on overflow.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Events, rate_ratio_wald};
/// let (group, reference) = (Events { count: 41, exposure: 28_010.0 }, Events { count: 15, exposure: 19_017.0 });
/// let ratio = rate_ratio_wald(group, reference, 0.95)?;
/// assert!((ratio.value - 1.8558).abs() < 1e-4 && (ratio.lower - 1.0272).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn rate_ratio_wald(group: Events, reference: Events, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    let (ours, theirs) = (group.rate()?, reference.rate()?);
    if group.count == 0 || reference.count == 0 {
        return Err(no_event("the log-normal interval of a rate ratio"));
    }
    let variance = 1.0 / group.count as f64 + 1.0 / reference.count as f64;
    on_log_scale(ours / theirs, variance, error, confidence, Method::LogWald)
}

/// Computes the ratio of two rates with its exact interval, given the total of events.
///
/// Given the total, the group's events are binomial; the Clopper–Pearson limits `p` of their share become ratios
/// `p / (1 − p) · T₀ / T₁`. With no event in the group the ratio and its lower limit are 0.
///
/// Source: Lehmann EL, Romano JP. Testing Statistical Hypotheses, 3rd ed., 2005, section 4.5; Ederer F, Mantel N.
/// Confidence limits on the ratio of two Poisson variables. Am J Epidemiol 1974;100:165–167.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ExposureNotPositive`],
/// [`StatisticsError::CountTooLarge`]; [`StatisticsError::NotComputable`] with no event in the reference: neither the
/// ratio nor its upper limit is finite.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Events, rate_ratio_exact};
/// let none = rate_ratio_exact(Events { count: 0, exposure: 90.0 }, Events { count: 7, exposure: 80.0 }, 0.95)?;
/// assert!(none.value == 0.0 && none.lower == 0.0 && none.upper < 1.0);
/// # Ok(())
/// # }
/// ```
pub fn rate_ratio_exact(group: Events, reference: Events, confidence: f64) -> Result<Interval> {
    two_sided_error(confidence)?;
    let (ours, theirs) = (group.rate()?, reference.rate()?);
    if reference.count == 0 {
        return Err(StatisticsError::NotComputable {
            what: "a ratio of rates",
            because: "the reference has no event; report the difference",
        });
    }
    let share = clopper_pearson(group.count, total(group, reference)?, confidence)?;
    let ratio = |share: f64| share / (1.0 - share) * (reference.exposure / group.exposure);
    let (lower, upper) = (ratio(share.lower), ratio(share.upper));
    Interval::checked(ours / theirs, lower, upper, confidence, Method::ConditionalExact)
}

/// Tests whether two rates are equal, exactly, given the total of events.
///
/// The p-value is the probability of all divisions of the events between the groups that are no more likely than the
/// one seen, as in R's `poisson.test`. It and [`rate_ratio_exact`], whose tails are equal, can disagree near the limit.
///
/// Source: Przyborowski J, Wilenski H. Homogeneity of results in testing samples from Poisson series. Biometrika
/// 1940;31:313–323.
///
/// # Errors
///
/// [`StatisticsError::ExposureNotPositive`], [`StatisticsError::CountTooLarge`]; [`StatisticsError::NotComputable`] when
/// there is no event at all.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Events, rate_ratio_test};
/// let test = rate_ratio_test(Events { count: 4, exposure: 30.0 }, Events { count: 0, exposure: 30.0 })?;
/// assert!((test.p_value - 0.125).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
pub fn rate_ratio_test(group: Events, reference: Events) -> Result<Test> {
    let p_value = divided(group, reference)?.no_more_likely_than(group.count);
    Ok(Test { statistic: None, p_value, method: TestMethod::ConditionalExact })
}

/// Tests whether two rates are equal as [`rate_ratio_test`], but with twice the smaller tail, in which the outcome seen
/// counts by half (mid-p). Less conservative with few events.
///
/// Source: Rothman KJ, Greenland S, Lash TL. Modern Epidemiology, 3rd ed., 2008, chapter 14.
///
/// # Errors
///
/// As [`rate_ratio_test`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Events, rate_ratio_mid_p_test, rate_ratio_test};
/// let (group, reference) = (Events { count: 3, exposure: 50.0 }, Events { count: 9, exposure: 50.0 });
/// assert!(rate_ratio_mid_p_test(group, reference)?.p_value < rate_ratio_test(group, reference)?.p_value);
/// # Ok(())
/// # }
/// ```
pub fn rate_ratio_mid_p_test(group: Events, reference: Events) -> Result<Test> {
    let chance = divided(group, reference)?;
    let half = chance.exactly(group.count) / 2.0;
    let tail = (chance.below(group.count) + half).min(chance.above(group.count) + half);
    Ok(Test { statistic: None, p_value: (2.0 * tail).min(1.0), method: TestMethod::ConditionalMidP })
}

/// Computes the difference of two rates with its simple normal interval, whose variance is `x₁/T₁² + x₀/T₀²`.
///
/// The difference is per one unit of exposure: see [`Interval::scaled`].
///
/// Source: Rothman KJ. Epidemiology: An Introduction, 2nd ed., 2012, chapter 9.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ExposureNotPositive`];
/// [`StatisticsError::NotComputable`] when there is no event at all; [`StatisticsError::NotFinite`] on overflow.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Events, rate_difference_wald};
/// let (group, reference) = (Events { count: 41, exposure: 28_010.0 }, Events { count: 15, exposure: 19_017.0 });
/// let per_ten_thousand = rate_difference_wald(group, reference, 0.95)?.scaled(10_000.0)?;
/// assert!((per_ten_thousand.value - 6.75).abs() < 1e-2);
/// # Ok(())
/// # }
/// ```
pub fn rate_difference_wald(group: Events, reference: Events, confidence: f64) -> Result<Interval> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    let (ours, theirs) = (group.rate()?, reference.rate()?);
    if group.count == 0 && reference.count == 0 {
        return Err(no_event_at_all("the normal interval of a difference of rates"));
    }
    let half = z * (ours / group.exposure + theirs / reference.exposure).sqrt();
    let value = ours - theirs;
    Interval::checked(value, value - half, value + half, confidence, Method::WaldDifference)
}

/// The division of the events by chance, were the rates equal.
fn divided(group: Events, reference: Events) -> Result<Binomial> {
    group.rate()?;
    reference.rate()?;
    let events = total(group, reference)?;
    if events == 0 {
        return Err(no_event_at_all("a test of two rates"));
    }
    Binomial::new(events, 1.0 / (1.0 + reference.exposure / group.exposure))
}

fn total(group: Events, reference: Events) -> Result<u64> {
    group.count.checked_add(reference.count).ok_or(StatisticsError::CountTooLarge {
        what: "the count of events",
        count: u64::MAX,
        limit: super::EXACT_COUNT_LIMIT,
    })
}

fn no_event_at_all(what: &'static str) -> StatisticsError {
    StatisticsError::NotComputable { what, because: "neither group has an event" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_events_are_a_reason() {
        let (none, some) = (Events { count: 0, exposure: 1.0 }, Events { count: 3, exposure: 1.0 });
        assert!(rate_ratio_wald(none, some, 0.95).is_err() && rate_ratio_wald(some, none, 0.95).is_err());
        assert!(rate_ratio_exact(some, none, 0.95).is_err() && rate_ratio_exact(none, some, 0.95).is_ok());
        assert!(rate_difference_wald(none, none, 0.95).is_err() && rate_difference_wald(none, some, 0.95).is_ok());
        assert!(rate_ratio_test(none, none).is_err() && rate_ratio_test(none, some).is_ok());
    }

    /// Four heads out of four: the exact test counts both ends, the mid-p half of each.
    #[test]
    fn four_events_on_one_side() -> Result<()> {
        let (ours, theirs) = (Events { count: 4, exposure: 2.0 }, Events { count: 0, exposure: 2.0 });
        assert!((rate_ratio_test(ours, theirs)?.p_value - 0.125).abs() < 1e-15);
        assert!((rate_ratio_mid_p_test(ours, theirs)?.p_value - 0.0625).abs() < 1e-15);
        Ok(())
    }

    #[test]
    fn exposures_and_counts_are_checked() {
        let good = Events { count: 4, exposure: 2.0 };
        for exposure in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(rate_ratio_exact(good, Events { count: 4, exposure }, 0.95).is_err());
        }
        let huge = Events { count: u64::MAX, exposure: 1.0 };
        assert!(matches!(rate_ratio_exact(huge, huge, 0.95), Err(StatisticsError::CountTooLarge { .. })));
        assert!(matches!(rate_ratio_test(huge, good), Err(StatisticsError::CountTooLarge { .. })));
    }
}
