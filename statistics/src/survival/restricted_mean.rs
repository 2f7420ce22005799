//! The mean time without the event within a fixed span.

use super::kaplan_meier::KaplanMeier;
use crate::intervals::{Interval, Method};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// The mean time without the event between the origin and a horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestrictedMean {
    /// The horizon, in the unit of the input.
    pub horizon: f64,
    /// The mean time without the event up to the horizon, in the same unit; from 0 to `horizon`.
    pub mean: f64,
    /// Its standard error; 0 when there is no event before the horizon, which is no sign of precision.
    pub std_error: f64,
    /// Normal limits, cut at 0 and the horizon; `None` when the standard error is 0.
    pub interval: Option<Interval>,
    /// How much of the span had nobody at risk while the curve was above 0: gaps, and what lies beyond the end of the
    /// follow-up. The curve was carried across unchanged, so the mean is too high by up to this much; 0 in good data.
    pub unobserved: f64,
}

impl KaplanMeier {
    /// Returns the mean time without the event up to `horizon`: the area under the curve.
    ///
    /// Its variance is `Σ A² d / (n (n - d))` over the event times up to the horizon, with `A` the area from that time to
    /// the horizon. Beyond the end of the follow-up the curve is carried on as it is; `unobserved` says how far.
    ///
    /// Source: Klein JP, Moeschberger ML. Survival Analysis, 2nd ed., 2003, equations 4.5.1 and 4.5.2.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::OutOfRange`] or [`StatisticsError::NotFinite`] unless `horizon` is a finite number above 0 whose
    /// square is finite too.
    ///
    /// ```
    /// # fn main() -> carecoord_statistics::Result<()> {
    /// use carecoord_statistics::survival::{CurveLimits, Event, FollowUp, kaplan_meier};
    /// let visits = FollowUp { entry: None, time: &[2.0, 4.0, 10.0, 20.0], cause: &[1, 1, 1, 1] };
    /// let curve = kaplan_meier(&visits, Event::Any, CurveLimits::LogLog, 0.95)?;
    /// // 2, 4, 10 and 10 of the first ten days.
    /// assert_eq!(curve.restricted_mean(10.0)?.mean, 6.5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn restricted_mean(&self, horizon: f64) -> Result<RestrictedMean> {
        if !horizon.is_finite() {
            return Err(StatisticsError::NotFinite { what: "the horizon", value: horizon });
        }
        if horizon <= 0.0 {
            return Err(StatisticsError::OutOfRange { what: "the horizon", value: horizon, range: "above 0" });
        }
        let within = self.steps.partition_point(|step| step.time <= horizon);
        let (mut area, mut variance, mut end) = (0.0, 0.0, horizon);
        // Backwards, so that the area behind each event time is at hand.
        for step in self.steps[..within].iter().rev() {
            area += step.survival * (end - step.time);
            end = step.time;
            if step.events > 0 && step.events < step.at_risk {
                let left = (step.at_risk - step.events) as f64;
                variance += area * area * (step.events as f64 / (step.at_risk as f64 * left));
            }
        }
        let (mean, std_error) = (area + end, variance.sqrt());
        if !std_error.is_finite() {
            return Err(StatisticsError::NotFinite {
                what: "the standard error of the restricted mean",
                value: std_error,
            });
        }
        let interval = if std_error > 0.0 {
            let reach = normal_two_sided(1.0 - self.confidence) * std_error;
            let (lower, upper) = ((mean - reach).max(0.0), (mean + reach).min(horizon));
            Some(Interval::checked(mean, lower, upper, self.confidence, Method::RestrictedMeanNormal)?)
        } else {
            None
        };
        Ok(RestrictedMean { horizon, mean, std_error, interval, unobserved: self.unobserved(horizon) })
    }

    /// The time up to `horizon` in which nobody was at risk while the curve was above 0.
    fn unobserved(&self, horizon: f64) -> f64 {
        let fallen = self.steps.iter().find(|step| step.survival <= 0.0).map(|step| step.time);
        let known_from = fallen.unwrap_or(f64::INFINITY).min(horizon);
        let gaps = self.gaps.iter().map(|gap| gap.to.min(known_from) - gap.from.min(known_from)).sum::<f64>();
        let last = self.steps.last().map_or(0.0, |step| step.time);
        gaps + (known_from - last).max(0.0)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // These areas are exact.
mod tests {
    use super::super::{CurveLimits, Event, FollowUp, kaplan_meier};
    use super::*;

    fn mean(entry: Option<&[f64]>, time: &[f64], cause: &[u8], horizon: f64) -> Result<RestrictedMean> {
        kaplan_meier(&FollowUp { entry, time, cause }, Event::Any, CurveLimits::Log, 0.95)?.restricted_mean(horizon)
    }

    #[test]
    fn before_the_first_event_the_mean_is_the_horizon() -> Result<()> {
        let mean = mean(None, &[5.0, 7.0], &[1, 0], 4.0)?;
        assert_eq!((mean.mean, mean.std_error, mean.interval, mean.unobserved), (4.0, 0.0, None, 0.0));
        Ok(())
    }

    #[test]
    fn what_nobody_was_watched_for_is_reported() -> Result<()> {
        // The curve is one half from day 5 and ends on day 7.
        let beyond = mean(None, &[5.0, 7.0], &[1, 0], 10.0)?;
        assert_eq!((beyond.mean, beyond.unobserved), (7.5, 3.0));
        // It is 0 from day 7: nothing is unknown afterwards.
        let fallen = mean(None, &[5.0, 7.0], &[1, 1], 10.0)?;
        assert_eq!((fallen.mean, fallen.unobserved), (6.0, 0.0));
        // Nobody from 0 to 1, from 3 to 6 and from 9 to 10.
        let gaps = mean(Some(&[1.0, 1.0, 6.0, 6.0]), &[2.0, 3.0, 8.0, 9.0], &[1, 0, 1, 0], 10.0)?;
        assert_eq!(gaps.unobserved, 5.0);
        Ok(())
    }

    #[test]
    fn without_censoring_it_is_the_mean_of_the_times() -> Result<()> {
        let mean = mean(None, &[2.0, 4.0, 9.0], &[1, 1, 1], 9.0)?;
        assert!((mean.mean - 5.0).abs() < 1e-12);
        // Its variance is then that of a mean with n in place of n - 1: (9 + 1 + 16) / 3 / 3.
        assert!((mean.std_error - (26.0_f64 / 9.0).sqrt()).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn the_horizon_is_a_time() {
        for horizon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(mean(None, &[1.0], &[1], horizon).is_err());
        }
    }
}
