//! The time by which a given share has had the event.

use super::kaplan_meier::{KaplanMeier, KaplanMeierStep};
use super::limits::CurveLimits;
use crate::intervals::Method;
use crate::{Result, StatisticsError};

/// A step this close to the line sought lies on it. The curve is a product of many factors, and the tenth of twenty
/// events seldom leaves exactly one half.
pub(super) const ON_THE_LINE: f64 = 1.490_116_119_384_765_6e-8;

/// The time by which a share of the subjects has had the event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurvivalQuantile {
    /// The share with the event, above 0 and up to 1; 0.5 for the median.
    pub probability: f64,
    /// The time; `None` when the curve does not come down so far.
    pub time: Option<f64>,
    /// Lower limit of the time; `None` when the lower limit of the curve does not come down so far.
    pub lower: Option<f64>,
    /// Upper limit of the time; `None` when the upper limit of the curve does not come down so far.
    pub upper: Option<f64>,
    /// Two-sided confidence level of the limits, a fraction.
    pub confidence: f64,
    /// The scale of the curve's limits.
    pub limits: CurveLimits,
    /// The method of the curve's limits.
    pub method: Method,
}

impl KaplanMeier {
    /// Returns the median time to the event: [`KaplanMeier::quantile`] of one half.
    pub fn median(&self) -> SurvivalQuantile {
        self.quantile_of(0.5)
    }

    /// Returns the time by which the share `probability` of the subjects has had the event, with its limits.
    ///
    /// It is the time at which the curve crosses the line `1 - probability`. Where the curve runs along the line (to
    /// within 1.5e-8), it is the midpoint of that stretch, until the curve falls again or ends. Its limits are the times
    /// at which the limits of the curve cross the same line, by the same rule. Where a limit of the curve is not
    /// monotone, as plain upper limits are when few remain at risk, its level nearest below the line counts.
    ///
    /// Sources: Brookmeyer R, Crowley J. A confidence interval for the median survival time. Biometrics 1982;38:29–41;
    /// Klein JP, Moeschberger ML. Survival Analysis, 2nd ed., 2003, section 4.5. The midpoint is the rule of
    /// `quantile.survfit` in R's survival package.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::OutOfRange`] unless `probability` is above 0 and at most 1.
    ///
    /// ```
    /// # fn main() -> carecoord_statistics::Result<()> {
    /// use carecoord_statistics::survival::{CurveLimits, Event, FollowUp, kaplan_meier};
    /// let visits = FollowUp { entry: None, time: &[2.0, 4.0, 7.0, 9.0], cause: &[1, 1, 1, 1] };
    /// let curve = kaplan_meier(&visits, Event::Any, CurveLimits::LogLog, 0.95)?;
    /// assert_eq!(curve.median().time, Some(5.5));
    /// assert_eq!(curve.quantile(0.9)?.time, Some(9.0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn quantile(&self, probability: f64) -> Result<SurvivalQuantile> {
        if !(probability > 0.0 && probability <= 1.0) {
            return Err(StatisticsError::OutOfRange {
                what: "the probability of a quantile",
                value: probability,
                range: "above 0 and at most 1",
            });
        }
        Ok(self.quantile_of(probability))
    }

    /// The quantile of a probability that has been checked.
    fn quantile_of(&self, probability: f64) -> SurvivalQuantile {
        let crossing = |level: fn(&KaplanMeierStep) -> Option<f64>| self.crossing(probability, level);
        let time = crossing(|step| Some(step.survival));
        let lower = crossing(|step| step.interval.map(|interval| interval.lower));
        let upper = crossing(|step| step.interval.map(|interval| interval.upper));
        SurvivalQuantile {
            probability,
            time,
            // A lower limit that rises again could otherwise pass the estimate.
            lower: lower.map(|lower| time.map_or(lower, |time| lower.min(time))),
            upper,
            confidence: self.confidence,
            limits: self.limits,
            method: self.limits.greenwood(),
        }
    }

    /// Where a curve, or one of its limits, has come down so far that the share `probability` lies above it.
    fn crossing(&self, probability: f64, level: impl Fn(&KaplanMeierStep) -> Option<f64>) -> Option<f64> {
        // The share above the curve: none of it at the origin.
        let share = |step: &KaplanMeierStep| level(step).map(|level| 1.0 - level);
        let nearest = |least: f64| {
            let reached = self.steps.iter().filter_map(|step| Some((share(step)?, step.time)));
            // Only a strictly lower share replaces one found earlier: of equal levels the first in time counts.
            reached.filter(|(share, _)| *share >= least).reduce(|best, next| if next.0 < best.0 { next } else { best })
        };
        let (reached, start) = nearest(probability - ON_THE_LINE)?;
        if reached >= 1.0 {
            // Nothing lies beyond: the curve is at 0.
            return Some(start);
        }
        let last = self.steps.last()?;
        // A stretch along the line that lasts until the end of the follow-up.
        if share(last).is_some_and(|share| (share - probability).abs() < ON_THE_LINE) {
            return Some(start.midpoint(last.time));
        }
        nearest(probability + ON_THE_LINE).map(|(_, end)| start.midpoint(end))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CurveLimits, Event, FollowUp, kaplan_meier};
    use super::*;

    fn quantile(time: &[f64], cause: &[u8], probability: f64) -> Result<SurvivalQuantile> {
        let follow_up = FollowUp { entry: None, time, cause };
        kaplan_meier(&follow_up, Event::Any, CurveLimits::Log, 0.95)?.quantile(probability)
    }

    #[test]
    fn a_stretch_along_the_line_has_its_midpoint() -> Result<()> {
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 5.0], &[1, 1, 1, 1], 0.5)?.time, Some(3.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 5.0], &[1, 1, 1, 1], 0.3)?.time, Some(2.0));
        // Censoring in between does not end the stretch, and the end of the follow-up does.
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 6.0], &[1, 1, 0, 1], 0.5)?.time, Some(4.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 6.0], &[1, 1, 0, 0], 0.5)?.time, Some(4.0));
        // Twenty events without ties: the product does not come to one half exactly.
        let (days, events): (Vec<f64>, Vec<u8>) = (1..=20).map(|day| (f64::from(day), 1)).unzip();
        assert_eq!(quantile(&days, &events, 0.5)?.time, Some(10.5));
        Ok(())
    }

    #[test]
    fn a_curve_that_does_not_come_down_has_no_median() -> Result<()> {
        let median = quantile(&[1.0, 2.0, 3.0], &[1, 0, 0], 0.5)?;
        assert_eq!((median.time, median.upper), (None, None));
        assert_eq!(quantile(&[1.0, 2.0], &[0, 0], 0.5)?.time, None);
        Ok(())
    }

    #[test]
    fn the_last_quantile_is_where_the_curve_reaches_zero() -> Result<()> {
        assert_eq!(quantile(&[1.0, 2.0], &[1, 1], 1.0)?.time, Some(2.0));
        for probability in [0.0, -0.5, 1.5, f64::NAN] {
            assert!(matches!(quantile(&[1.0], &[1], probability), Err(StatisticsError::OutOfRange { .. })));
        }
        Ok(())
    }
}
