//! Ratios of risks and odds, the group's over the reference's, with limits on the log scale.

use super::{Interval, Method, Part, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// Computes the risk ratio `(x₁/n₁) / (x₀/n₀)` with the normal interval of its logarithm, whose variance is
/// `1/x₁ − 1/n₁ + 1/x₀ − 1/n₀`.
///
/// Source: Katz D, Baptista J, Azen SP, Pike MC. Obtaining confidence intervals for the risk ratio in cohort studies.
/// Biometrics 1978;34:469–474, method C; Rothman KJ. Epidemiology: An Introduction, 2nd ed., 2012, chapter 9.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ZeroDenominator`],
/// [`StatisticsError::NumeratorExceedsDenominator`]; [`StatisticsError::NotComputable`] when a group has no event
/// ([`super::risk_ratio_score`] has limits then) or everybody in both groups has it.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, risk_ratio_wald};
/// let ratio = risk_ratio_wald(Part { numerator: 30, denominator: 100 }, Part { numerator: 20, denominator: 100 }, 0.95)?;
/// assert!((ratio.value - 1.5).abs() < 1e-12 && (ratio.upper - 2.4564).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
pub fn risk_ratio_wald(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    let (ours, theirs) = (group.proportion()?, reference.proportion()?);
    if group.numerator == 0 || reference.numerator == 0 {
        return Err(no_event("the log-normal interval of a risk ratio"));
    }
    let term = |part: Part| part.without() as f64 / (part.denominator as f64 * part.numerator as f64);
    let variance = term(group) + term(reference);
    if variance <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what: "the log-normal interval of a risk ratio",
            because: "everybody in both groups has the event, so that it would have no width; use the score interval",
        });
    }
    on_log_scale(ours / theirs, variance, error, confidence, Method::LogWald)
}

/// Computes the risk ratio and its log-normal interval after one half is added to each count of events and to each
/// number of units.
///
/// Here `value` is the adjusted ratio, about which the interval lies. It exists also when a group has no event.
///
/// Source: Walter SD. The distribution of Levin's measure of attributable risk. Biometrika 1975;62:371–375; Fagerland MW,
/// Lydersen S, Laake P. Recommended confidence intervals for two independent binomial proportions. Stat Methods Med Res
/// 2015;24:224–254.
///
/// # Errors
///
/// As [`risk_ratio_wald`], save for the groups without an event.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, risk_ratio_wald_adjusted};
/// let (group, reference) = (Part { numerator: 0, denominator: 40 }, Part { numerator: 8, denominator: 40 });
/// assert!(risk_ratio_wald_adjusted(group, reference, 0.95)?.upper < 1.0);
/// # Ok(())
/// # }
/// ```
pub fn risk_ratio_wald_adjusted(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    group.proportion()?;
    reference.proportion()?;
    let adjusted = |part: Part| (part.numerator as f64 + 0.5, part.denominator as f64 + 0.5, part.without() as f64);
    let ((ours, our_all, our_rest), (theirs, their_all, their_rest)) = (adjusted(group), adjusted(reference));
    let variance = our_rest / (ours * our_all) + their_rest / (theirs * their_all);
    if variance <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what: "the log-normal interval of a risk ratio",
            because: "everybody in both groups has the event, so that it would have no width; use the score interval",
        });
    }
    let value = (ours / our_all) / (theirs / their_all);
    on_log_scale(value, variance, error, confidence, Method::LogWaldAdjusted)
}

/// Computes the odds ratio with Woolf's interval, normal on the log scale with variance `1/a + 1/b + 1/c + 1/d`.
///
/// Source: Woolf B. On estimating the relation between blood group and disease. Ann Hum Genet 1955;19:251–253; Rothman
/// KJ. Epidemiology: An Introduction, 2nd ed., 2012, chapter 9.
///
/// # Errors
///
/// [`StatisticsError::ConfidenceOutOfRange`], [`StatisticsError::ZeroDenominator`],
/// [`StatisticsError::NumeratorExceedsDenominator`]; [`StatisticsError::NotComputable`] when one of the four cells is 0.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::intervals::{Part, odds_ratio_wald};
/// let odds = odds_ratio_wald(Part { numerator: 30, denominator: 100 }, Part { numerator: 20, denominator: 100 }, 0.95)?;
/// assert!((odds.value - 30.0 * 80.0 / (20.0 * 70.0)).abs() < 1e-12);
/// # Ok(())
/// # }
/// ```
pub fn odds_ratio_wald(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    let error = two_sided_error(confidence)?;
    group.proportion()?;
    reference.proportion()?;
    let cells = [group.numerator, reference.without(), group.without(), reference.numerator];
    if cells.contains(&0) {
        return Err(StatisticsError::NotComputable {
            what: "an odds ratio and its interval",
            because: "nobody or everybody in a group has the event; report the difference",
        });
    }
    let [events, their_rest, rest, their_events] = cells.map(|cell| cell as f64);
    let variance = 1.0 / events + 1.0 / rest + 1.0 / their_events + 1.0 / their_rest;
    let value = (events / rest) * (their_rest / their_events);
    on_log_scale(value, variance, error, confidence, Method::Woolf)
}

/// The interval of a ratio from the variance of its logarithm.
pub(super) fn on_log_scale(value: f64, variance: f64, error: f64, confidence: f64, method: Method) -> Result<Interval> {
    let factor = (normal_two_sided(error) * variance.sqrt()).exp();
    Interval::checked(value, value / factor, value * factor, confidence, method)
}

pub(super) fn no_event(what: &'static str) -> StatisticsError {
    StatisticsError::NotComputable {
        what,
        because: "a group has no event, so that the logarithm of the ratio is not finite; use the score or exact interval",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_cell_is_a_reason_and_not_an_infinity() {
        let (none, some, all) = (
            Part { numerator: 0, denominator: 9 },
            Part { numerator: 4, denominator: 9 },
            Part { numerator: 9, denominator: 9 },
        );
        for (group, reference) in [(none, some), (some, none), (none, none), (all, all)] {
            assert!(matches!(risk_ratio_wald(group, reference, 0.95), Err(StatisticsError::NotComputable { .. })));
            assert!(matches!(odds_ratio_wald(group, reference, 0.95), Err(StatisticsError::NotComputable { .. })));
        }
        assert!(risk_ratio_wald_adjusted(none, none, 0.95).is_ok());
        assert!(risk_ratio_wald_adjusted(all, all, 0.95).is_err());
    }
}
