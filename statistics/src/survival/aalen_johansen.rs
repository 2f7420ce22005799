//! Cumulative incidence with competing events: the Aalen–Johansen estimate.

use super::follow_up::{FollowUp, Gap};
use super::limits::CurveLimits;
use super::quantile::ON_THE_LINE;
use super::risk_set::{Ordered, RiskSet};
use crate::intervals::{Interval, Method, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// How the variance of a cumulative incidence is estimated. For more than a few events they hardly differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IncidenceVariance {
    /// Greenwood's: the ends at one time are a multinomial draw from those at risk. With a single cause it is the
    /// variance of the Kaplan–Meier curve. Source: Andersen PK, Borgan Ø, Gill RD, Keiding N. Statistical Models Based
    /// on Counting Processes, 1993, section IV.4. `survfit` in R reports it.
    Greenwood,
    /// Aalen's: events of the cause and of all others are counted independently, with `d (n - d) / (n - 1)` for the
    /// variance of `d` tied events (1 for a single one). Source: Aalen O. Nonparametric estimation of partial transition
    /// probabilities in multiple decrement models. Ann Statist 1978;6:534–545. `cuminc` in R reports it.
    Aalen,
}

/// The shares of subjects that have had each kind of event, as step functions of time.
#[derive(Debug, Clone, PartialEq)]
pub struct AalenJohansen {
    /// How the variance was estimated.
    pub variance: IncidenceVariance,
    /// The scale of the limits.
    pub limits: CurveLimits,
    /// Two-sided confidence level of the limits, a fraction.
    pub confidence: f64,
    /// Subjects, or intervals of follow-up where one subject has several.
    pub subjects: u64,
    /// One curve for every cause, from cause 1 on. At every time they add up to 1 minus the share still without event.
    pub causes: Vec<CumulativeIncidence>,
    /// Stretches with nobody at risk, across which the curves are carried. Empty without late entry.
    pub gaps: Vec<Gap>,
    /// When the share still without event fell to 0 although others were followed for longer; as
    /// [`super::KaplanMeier::zero_too_early`].
    pub zero_too_early: Option<f64>,
}

/// The share of subjects that have had an event of one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct CumulativeIncidence {
    /// The cause, from 1.
    pub cause: u8,
    /// Events of this cause.
    pub events: u64,
    /// One step for every distinct time of any event or a censoring, in order.
    pub steps: Vec<IncidenceStep>,
    /// Whether nobody was still without event after the last step.
    complete: bool,
}

/// The curve of one cause from one time until the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IncidenceStep {
    /// Time of the step, in the unit of the input.
    pub time: f64,
    /// Subjects at risk just before.
    pub at_risk: u64,
    /// Events of this cause at this time.
    pub events: u64,
    /// Share of subjects with an event of this cause up to and including this time, from 0 to 1.
    pub incidence: f64,
    /// Standard error of `incidence`.
    pub std_error: f64,
    /// Limits of `incidence`; `None` where the formula has no value, see [`CurveLimits`].
    pub interval: Option<Interval>,
}

impl AalenJohansen {
    /// Returns the curve of a cause; `None` for cause 0 and for causes that were not asked for.
    pub fn cause(&self, cause: u8) -> Option<&CumulativeIncidence> {
        usize::from(cause).checked_sub(1).and_then(|index| self.causes.get(index))
    }
}

impl CumulativeIncidence {
    /// Returns the last step at or before `time`; `None` before the first one.
    pub fn step_at(&self, time: f64) -> Option<&IncidenceStep> {
        let after = self.steps.partition_point(|step| step.time <= time);
        after.checked_sub(1).and_then(|last| self.steps.get(last))
    }

    /// Returns the share of subjects with an event of this cause up to and including `time`.
    ///
    /// `None` before the origin, and after the last time at which anybody was followed unless nobody is left by then.
    pub fn incidence_at(&self, time: f64) -> Option<f64> {
        let last = self.steps.last()?;
        // Written so that a NaN is not within the range either.
        let known = time >= 0.0 && (time <= last.time || self.complete);
        known.then(|| self.step_at(time).map_or(0.0, |step| step.incidence))
    }
}

/// The time by which a share of the subjects has had an event of one cause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IncidenceQuantile {
    /// The share, above 0 and below 1; 0.5 for the median.
    pub probability: f64,
    /// The time; `None` when the curve does not rise so far: not so many have had it while they were watched, or too
    /// many had another event.
    pub time: Option<f64>,
    /// Lower limit: when the upper limit of the curve rises so far.
    pub lower: Option<f64>,
    /// Upper limit: when the lower limit of the curve rises so far.
    pub upper: Option<f64>,
}

impl CumulativeIncidence {
    /// Returns the time by which the share `probability` of all subjects has had the event, with limits: where the limits
    /// of the curve cross the same line. Where the curve runs along the line (to within 1.5e-8) it is the midpoint of
    /// that stretch, as for [`super::KaplanMeier::quantile`], of which this is the form for competing events.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::OutOfRange`] unless `probability` lies between 0 and 1.
    pub fn quantile(&self, probability: f64) -> Result<IncidenceQuantile> {
        if !(probability > 0.0 && probability < 1.0) {
            let range = "above 0 and below 1";
            return Err(StatisticsError::OutOfRange { what: "the share", value: probability, range });
        }
        let crossing = |level: &dyn Fn(&IncidenceStep) -> Option<f64>| {
            let mut known = self.steps.iter().filter_map(|step| Some((step.time, level(step)?)));
            let (time, reached) = known.find(|(_, level)| *level >= probability - ON_THE_LINE)?;
            if reached > probability + ON_THE_LINE {
                return Some(time);
            }
            let mut end = time;
            for (later, level) in known {
                end = later;
                if level > probability + ON_THE_LINE {
                    break;
                }
            }
            Some(f64::midpoint(time, end))
        };
        Ok(IncidenceQuantile {
            probability,
            time: crossing(&|step| Some(step.incidence)),
            lower: crossing(&|step| step.interval.map(|interval| interval.upper)),
            upper: crossing(&|step| step.interval.map(|interval| interval.lower)),
        })
    }
}

/// Computes the cumulative incidence of each of the causes 1 to `causes`, with the others as competing events.
///
/// At each time the curve of a cause rises by `S d / n`, for `d` of its events among `n` at risk and the share `S` still
/// without any event just before. Late entry changes only who is at risk.
///
/// Sources: Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on censored
/// observations. Scand J Statist 1978;5:141–150; Klein JP, Moeschberger ML. Survival Analysis, 2nd ed., 2003, section
/// 4.7. The variance is carried forward from step to step by the delta method; see [`IncidenceVariance`].
///
/// # Errors
///
/// As [`super::kaplan_meier()`]; [`StatisticsError::OutOfRange`] when `causes` is 0 or a cause is above it.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::survival::{CurveLimits, FollowUp, IncidenceVariance, aalen_johansen};
/// // 1 closed, 2 cancelled, 0 still open.
/// let referrals = FollowUp { entry: None, time: &[3.0, 5.0, 5.0, 8.0], cause: &[1, 2, 0, 1] };
/// let curves = aalen_johansen(&referrals, 2, IncidenceVariance::Greenwood, CurveLimits::Log, 0.95)?;
/// assert_eq!(curves.cause(1).and_then(|closed| closed.incidence_at(8.0)), Some(0.75));
/// assert_eq!(curves.cause(2).and_then(|cancelled| cancelled.incidence_at(8.0)), Some(0.25));
/// # Ok(())
/// # }
/// ```
pub fn aalen_johansen(
    follow_up: &FollowUp<'_>,
    causes: u8,
    variance: IncidenceVariance,
    limits: CurveLimits,
    confidence: f64,
) -> Result<AalenJohansen> {
    let z = normal_two_sided(two_sided_error(confidence)?);
    follow_up.check("cumulative incidence")?;
    if causes == 0 {
        return Err(StatisticsError::OutOfRange { what: "the number of causes", value: 0.0, range: "1 or above" });
    }
    if let Some(&cause) = follow_up.cause.iter().find(|cause| **cause > causes) {
        let range = "at most the number of causes";
        return Err(StatisticsError::OutOfRange { what: "a cause", value: f64::from(cause), range });
    }
    let method = match variance {
        IncidenceVariance::Greenwood => limits.greenwood(),
        IncidenceVariance::Aalen => limits.aalen(),
    };
    let ordered = Ordered::new(follow_up, (1, |_| 0), (usize::from(causes), usize::from));
    let mut curves: Vec<_> = (1..=causes).map(|cause| Curve::new(cause, variance, limits, method)).collect();
    let (mut without_event, mut last_time, mut zero_too_early) = (1.0_f64, 0.0, None);
    ordered.walk(|set| {
        if without_event <= 0.0 && zero_too_early.is_none() {
            zero_too_early = Some(last_time);
        }
        for curve in &mut curves {
            curve.step(set, without_event, (z, confidence))?;
        }
        without_event *= (set.at_risk[0] - set.events(0)) as f64 / set.at_risk[0] as f64;
        last_time = set.time;
        Ok(())
    })?;
    let causes = curves.into_iter().map(|curve| curve.finished(without_event <= 0.0)).collect();
    let subjects = follow_up.time.len() as u64;
    Ok(AalenJohansen { variance, limits, confidence, subjects, causes, gaps: ordered.gaps(), zero_too_early })
}

/// The curve of one cause on its way through time, with the moments of its error.
struct Curve {
    done: CumulativeIncidence,
    variance: IncidenceVariance,
    limits: CurveLimits,
    method: Method,
    incidence: f64,
    /// Variance of the incidence.
    of_incidence: f64,
    /// Covariance of the incidence and the share without event.
    shared: f64,
    /// Variance of the share without event.
    of_rest: f64,
}

impl Curve {
    fn new(cause: u8, variance: IncidenceVariance, limits: CurveLimits, method: Method) -> Self {
        let done = CumulativeIncidence { cause, events: 0, steps: Vec::new(), complete: false };
        Self { done, variance, limits, method, incidence: 0.0, of_incidence: 0.0, shared: 0.0, of_rest: 0.0 }
    }

    /// Goes on to the next time, before which the share `rest` was without any event.
    fn step(&mut self, set: &RiskSet<'_>, rest: f64, (z, confidence): (f64, f64)) -> Result<()> {
        let (at_risk, any) = (set.at_risk[0], set.events(0));
        let events = set.ends(0, usize::from(self.done.cause));
        if any > 0 && rest > 0.0 {
            let n = at_risk as f64;
            let (hazard, left) = (events as f64 / n, (at_risk - any) as f64 / n);
            let noise = Noise::of(self.variance, at_risk, events, any);
            let square = rest * rest;
            // The new incidence is F + S h, the new share without event S (1 - h - g): errors of F and S and of the
            // hazards h and g, which are independent of the past, to first order.
            self.of_incidence += hazard * (2.0 * self.shared + hazard * self.of_rest) + square * noise.of_cause;
            self.shared = left * (self.shared + hazard * self.of_rest) - square * noise.shared;
            self.of_rest = left * left * self.of_rest + square * noise.of_any;
            self.incidence += rest * hazard;
        }
        self.done.events += events;
        // Rounding may leave a variance of zero a little below it, and an incidence of one a little above.
        let (incidence, std_error) = (self.incidence.min(1.0), self.of_incidence.max(0.0).sqrt());
        let interval = self.limits.around(incidence, std_error, z, (confidence, self.method))?;
        self.done.steps.push(IncidenceStep { time: set.time, at_risk, events, incidence, std_error, interval });
        Ok(())
    }

    fn finished(mut self, complete: bool) -> CumulativeIncidence {
        self.done.complete = complete;
        self.done
    }
}

/// The error of the hazards estimated at one time.
struct Noise {
    /// Variance of the hazard of the cause.
    of_cause: f64,
    /// Covariance of the hazard of the cause and that of any event.
    shared: f64,
    /// Variance of the hazard of any event.
    of_any: f64,
}

impl Noise {
    /// `events` of the cause and `any` in all among `at_risk`.
    fn of(variance: IncidenceVariance, at_risk: u64, events: u64, any: u64) -> Self {
        let n = at_risk as f64;
        match variance {
            IncidenceVariance::Greenwood => {
                let multinomial = |count: u64, rest: u64| (count as f64 / n) * (rest as f64 / n) / n;
                Self {
                    of_cause: multinomial(events, at_risk - events),
                    shared: multinomial(events, at_risk - any),
                    of_any: multinomial(any, at_risk - any),
                }
            }
            IncidenceVariance::Aalen => {
                let counted = |count: u64| match count {
                    0 | 1 => count as f64 / n / n,
                    tied => (tied as f64 / n) * ((at_risk - tied) as f64 / n) / (at_risk - 1) as f64,
                };
                let (of_cause, of_others) = (counted(events), counted(any - events));
                Self { of_cause, shared: of_cause, of_any: of_cause + of_others }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(entry: Option<&[f64]>, time: &[f64], cause: &[u8], causes: u8) -> Result<AalenJohansen> {
        let follow_up = FollowUp { entry, time, cause };
        aalen_johansen(&follow_up, causes, IncidenceVariance::Greenwood, CurveLimits::Log, 0.95)
    }

    fn at(curves: &AalenJohansen, cause: u8, time: f64) -> Option<f64> {
        curves.cause(cause).and_then(|curve| curve.incidence_at(time))
    }

    /// By hand: of 5, one closes and one is cancelled on day 2, one is censored after them; of 2, one closes on day 4.
    #[test]
    fn ties_of_all_kinds_by_hand() -> Result<()> {
        let curves = curves(None, &[2.0, 2.0, 2.0, 4.0, 9.0], &[0, 2, 1, 1, 0], 2)?;
        assert_eq!((at(&curves, 1, 2.0), at(&curves, 2, 2.0)), (Some(0.2), Some(0.2)));
        assert!(at(&curves, 1, 4.0).is_some_and(|share| (share - 0.5).abs() < 1e-15));
        assert_eq!((at(&curves, 1, 9.5), at(&curves, 1, -0.5), at(&curves, 3, 4.0)), (None, None, None));
        Ok(())
    }

    /// By hand: (0, 3], (1, 4], (3, 5], (3, 6]: 1 of 2 closes at 3, 1 of 3 is cancelled at 4, 1 of 2 closes at 5.
    #[test]
    fn late_entry_by_hand() -> Result<()> {
        let curves = curves(Some(&[0.0, 1.0, 3.0, 3.0]), &[3.0, 4.0, 5.0, 6.0], &[1, 2, 1, 0], 2)?;
        for (cause, time, wanted) in [(1, 3.0, 0.5), (2, 4.0, 0.5 / 3.0), (1, 5.0, 0.5 + 0.5 / 3.0)] {
            assert!(at(&curves, cause, time).is_some_and(|share| (share - wanted).abs() < 1e-15));
        }
        Ok(())
    }

    #[test]
    fn a_cause_without_events_stays_at_zero_without_log_limits() -> Result<()> {
        let curves = curves(None, &[1.0, 2.0], &[1, 1], 3)?;
        let step = curves.cause(3).and_then(|curve| curve.step_at(2.0)).copied();
        assert!(step.is_some_and(|step| step.incidence <= 0.0 && step.std_error <= 0.0 && step.interval.is_none()));
        assert_eq!(at(&curves, 1, 7.0), Some(1.0), "nobody is left");
        Ok(())
    }

    /// By hand: of 10, closings on days 1 to 5 and one cancellation on day 3: five of ten on day 6 at last.
    #[test]
    fn the_median_counts_those_who_can_no_longer_close() -> Result<()> {
        let time = [1.0, 2.0, 3.0, 3.0, 4.0, 6.0, 9.0, 9.0, 9.0, 9.0];
        let cause = [1, 1, 2, 1, 1, 1, 1, 0, 0, 0];
        let curves = curves(None, &time, &cause, 2)?;
        let closed = curves.cause(1).ok_or(StatisticsError::ZeroDenominator)?;
        // Exactly half have closed from day 6 until the next on day 9.
        assert_eq!(closed.quantile(0.5)?.time, Some(7.5));
        assert_eq!(closed.quantile(0.4)?.time, Some(5.0));
        assert_eq!(closed.quantile(0.7)?.time, None);
        assert!(closed.quantile(1.0).is_err());
        Ok(())
    }

    #[test]
    fn with_one_cause_the_quantile_is_that_of_the_survival_curve() -> Result<()> {
        let (time, cause) = ([3.0, 5.0, 5.0, 8.0, 9.0, 12.0, 14.0, 14.0, 20.0], [1, 0, 1, 1, 1, 0, 1, 1, 0]);
        let follow_up = FollowUp { entry: None, time: &time, cause: &cause };
        let plain = CurveLimits::Plain;
        let incidence = aalen_johansen(&follow_up, 1, IncidenceVariance::Greenwood, plain, 0.95)?;
        let survival = super::super::kaplan_meier(&follow_up, super::super::Event::Any, plain, 0.95)?;
        for probability in [0.1, 0.25, 0.5, 0.6, 0.75] {
            let one = incidence.causes[0].quantile(probability)?;
            let other = survival.quantile(probability)?;
            assert_eq!((one.time, one.lower, one.upper), (other.time, other.lower, other.upper), "{probability}");
        }
        Ok(())
    }

    #[test]
    fn causes_are_those_announced() {
        for (cause, causes) in [([1, 3], 2), ([1, 1], 0)] {
            assert!(matches!(curves(None, &[1.0, 2.0], &cause, causes), Err(StatisticsError::OutOfRange { .. })));
        }
    }
}
