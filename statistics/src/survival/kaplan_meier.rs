//! The Kaplan–Meier curve.

use super::follow_up::{Event, FollowUp, Gap};
use super::limits::CurveLimits;
use super::risk_set::Ordered;
use crate::Result;
use crate::intervals::{Interval, two_sided_error};
use crate::quantile::normal_two_sided;

/// The share of subjects without the event, as a step function of time.
///
/// The curve is 1 from the origin until the first event and constant between the steps.
#[derive(Debug, Clone, PartialEq)]
pub struct KaplanMeier {
    /// What counted as the event.
    pub event: Event,
    /// The scale of the limits.
    pub limits: CurveLimits,
    /// Two-sided confidence level of the limits, a fraction.
    pub confidence: f64,
    /// Subjects, or intervals of follow-up where one subject has several.
    pub subjects: u64,
    /// Subjects with the event.
    pub events: u64,
    /// One step for every distinct time of an event or a censoring, in order.
    pub steps: Vec<KaplanMeierStep>,
    /// Stretches with nobody at risk, across which the curve is carried. Empty without late entry.
    pub gaps: Vec<Gap>,
    /// When the curve fell to 0 although other subjects were followed for longer: few had entered by then, and all of
    /// them had the event. The curve then says nothing useful; start it later, with those at risk at a later time.
    /// `None` without late entry.
    pub zero_too_early: Option<f64>,
}

/// The curve from one time until the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KaplanMeierStep {
    /// Time of the step, in the unit of the input.
    pub time: f64,
    /// Subjects at risk just before.
    pub at_risk: u64,
    /// Subjects with the event at this time.
    pub events: u64,
    /// Subjects censored at this time, after its events.
    pub censored: u64,
    /// Share of subjects without the event after this time, from 0 to 1.
    pub survival: f64,
    /// Greenwood's standard error of `survival`; `None` once the curve is 0, where it is 0 times infinity.
    pub std_error: Option<f64>,
    /// Limits of `survival`; `None` where the formula has no value, see [`CurveLimits`].
    pub interval: Option<Interval>,
}

impl KaplanMeier {
    /// Returns the last step at or before `time`; `None` before the first one.
    pub fn step_at(&self, time: f64) -> Option<&KaplanMeierStep> {
        let after = self.steps.partition_point(|step| step.time <= time);
        after.checked_sub(1).and_then(|last| self.steps.get(last))
    }

    /// Returns the share of subjects without the event after `time`.
    ///
    /// `None` before the origin, and after the last time at which anybody was followed unless the curve is 0 by then.
    pub fn survival_at(&self, time: f64) -> Option<f64> {
        let last = self.steps.last()?;
        // Written so that a NaN is not within the range either.
        let known = time >= 0.0 && (time <= last.time || last.survival <= 0.0);
        known.then(|| self.step_at(time).map_or(1.0, |step| step.survival))
    }
}

/// Computes the Kaplan–Meier curve, the product-limit estimate of the share of subjects still without the event.
///
/// At each time the curve is multiplied by `1 - d / n`, for `d` events among `n` at risk. Its variance is Greenwood's,
/// `S² Σ d / (n (n - d))`. Late entry changes only who is at risk.
///
/// Sources: Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc
/// 1958;53:457–481; Klein JP, Moeschberger ML. Survival Analysis, 2nd ed., 2003, equations 4.2.1 and 4.2.2, and section
/// 4.6 for late entry.
///
/// # Errors
///
/// [`crate::StatisticsError::Empty`], `LengthMismatch`, `ValueNotFinite`, `OutOfRange` for a negative time, an entry that is not
/// below its time, or cause 0 as the event; `ConfidenceOutOfRange`.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::survival::{CurveLimits, Event, FollowUp, kaplan_meier};
/// let days_to_visit = FollowUp { entry: None, time: &[3.0, 5.0, 5.0, 8.0], cause: &[1, 1, 0, 0] };
/// let waiting = kaplan_meier(&days_to_visit, Event::Any, CurveLimits::LogLog, 0.95)?;
/// assert_eq!(waiting.survival_at(4.0), Some(0.75));
/// assert_eq!(waiting.survival_at(5.0), Some(0.5));
/// assert_eq!(waiting.survival_at(9.0), None);
/// # Ok(())
/// # }
/// ```
pub fn kaplan_meier(
    follow_up: &FollowUp<'_>,
    event: Event,
    limits: CurveLimits,
    confidence: f64,
) -> Result<KaplanMeier> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    event.check()?;
    follow_up.check("a Kaplan–Meier curve")?;
    let method = limits.greenwood();
    let ordered = Ordered::new(follow_up, (1, |_| 0), (1, |cause| usize::from(event.is(cause))));
    let (mut survival, mut log_variance, mut events) = (1.0_f64, 0.0_f64, 0);
    let mut steps: Vec<KaplanMeierStep> = Vec::new();
    let mut zero_too_early = None;
    ordered.walk(|set| {
        let (at_risk, dead) = (set.at_risk[0], set.events(0));
        if survival <= 0.0 && zero_too_early.is_none() {
            zero_too_early = steps.last().map(|step| step.time);
        }
        if dead > 0 {
            let left = (at_risk - dead) as f64;
            survival *= left / at_risk as f64;
            log_variance += dead as f64 / (at_risk as f64 * left);
            events += dead;
        }
        let std_error = (survival > 0.0).then(|| survival * log_variance.sqrt());
        let interval = match std_error {
            Some(std_error) => limits.around(survival, std_error, z, (confidence, method))?,
            None => None,
        };
        let (time, censored) = (set.time, set.ends(0, 0));
        steps.push(KaplanMeierStep { time, at_risk, events: dead, censored, survival, std_error, interval });
        Ok(())
    })?;
    let subjects = follow_up.time.len() as u64;
    Ok(KaplanMeier { event, limits, confidence, subjects, events, steps, gaps: ordered.gaps(), zero_too_early })
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // These shares are exact.
mod tests {
    use super::*;

    fn curve(entry: Option<&[f64]>, time: &[f64], cause: &[u8]) -> Result<KaplanMeier> {
        kaplan_meier(&FollowUp { entry, time, cause }, Event::Any, CurveLimits::Plain, 0.95)
    }

    #[test]
    fn an_event_at_the_origin_counts() -> Result<()> {
        let curve = curve(None, &[0.0, 0.0, 4.0, 6.0], &[1, 0, 1, 0])?;
        assert_eq!(curve.survival_at(0.0), Some(0.75));
        assert_eq!(curve.survival_at(4.0), Some(0.375));
        assert_eq!(curve.survival_at(-1.0), None);
        assert_eq!(curve.survival_at(f64::NAN), None);
        Ok(())
    }

    #[test]
    fn without_an_event_the_curve_stays_at_one() -> Result<()> {
        let curve = curve(None, &[3.0, 5.0], &[0, 0])?;
        assert_eq!(curve.events, 0);
        let step = curve.step_at(5.0).copied();
        assert_eq!(step.map(|step| (step.survival, step.std_error)), Some((1.0, Some(0.0))));
        assert_eq!(step.and_then(|step| step.interval).map(|limits| (limits.lower, limits.upper)), Some((1.0, 1.0)));
        Ok(())
    }

    #[test]
    fn the_standard_error_and_the_limits_end_where_the_curve_reaches_zero() -> Result<()> {
        let curve = curve(None, &[3.0, 5.0], &[1, 1])?;
        assert_eq!(curve.survival_at(1e9), Some(0.0), "nobody is left whose event could be missing");
        let last = curve.steps.last().map(|step| (step.survival, step.std_error, step.interval));
        assert_eq!(last, Some((0.0, None, None)));
        assert_eq!(curve.zero_too_early, None);
        Ok(())
    }

    /// By hand: (0, 4], (1, 3], (3, 6], (4, 5]: 1/2 of 2 at 3, 1/2 of 2 at 4, 1/2 of 2 at 5.
    #[test]
    fn late_entry_changes_who_is_at_risk() -> Result<()> {
        let curve = curve(Some(&[0.0, 1.0, 3.0, 4.0]), &[4.0, 3.0, 6.0, 5.0], &[1, 1, 0, 1])?;
        let survival: Vec<_> = curve.steps.iter().map(|step| (step.time, step.at_risk, step.survival)).collect();
        assert_eq!(survival, [(3.0, 2, 0.5), (4.0, 2, 0.25), (5.0, 2, 0.125), (6.0, 1, 0.125)]);
        // Greenwood by hand: each step adds 1 / (2 * 1) to the variance of the logarithm.
        let wanted = 0.125 * 1.5_f64.sqrt();
        assert!(curve.step_at(6.0).and_then(|step| step.std_error).is_some_and(|e| (e - wanted).abs() < 1e-15));
        Ok(())
    }

    #[test]
    fn a_gap_is_carried_across_and_reported() -> Result<()> {
        let curve = curve(Some(&[1.0, 1.0, 6.0, 6.0]), &[2.0, 3.0, 8.0, 9.0], &[1, 0, 1, 0])?;
        assert_eq!(curve.gaps, [Gap { from: 0.0, to: 1.0 }, Gap { from: 3.0, to: 6.0 }]);
        assert_eq!((curve.survival_at(5.0), curve.survival_at(8.0)), (Some(0.5), Some(0.25)));
        assert_eq!(curve.zero_too_early, None);
        Ok(())
    }

    #[test]
    fn a_curve_that_early_entrants_bring_to_zero_is_reported() -> Result<()> {
        let curve = curve(Some(&[0.0, 6.0, 6.0]), &[2.0, 8.0, 9.0], &[1, 1, 0])?;
        assert_eq!(curve.zero_too_early, Some(2.0));
        assert!(curve.steps.iter().all(|step| step.survival == 0.0 && step.std_error.is_none()));
        Ok(())
    }
}
