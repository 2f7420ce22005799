//! What is known of each subject: from when, until when, and how it ended.

use crate::{Result, StatisticsError};

/// The follow-up of some subjects, one place of each slice per subject, in any order.
///
/// Times are in any one unit since the subject's own origin, such as days since the referral was ordered. They are
/// compared exactly: whole days tie, days with decimals hardly ever do.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::survival::{CurveLimits, Event, FollowUp, kaplan_meier};
/// // Closed on day 3, cancelled on day 5, still open on day 9.
/// let referrals = FollowUp { entry: None, time: &[3.0, 5.0, 9.0], cause: &[1, 2, 0] };
/// let any_end = kaplan_meier(&referrals, Event::Any, CurveLimits::LogLog, 0.95)?;
/// assert_eq!(any_end.events, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FollowUp<'a> {
    /// When each subject came under observation, on the clock of `time`; `None` when all were watched from the origin.
    ///
    /// A subject is at risk after `entry` and up to and including `time`, so `entry` must lie below `time`. An entry
    /// below 0 means watched from the origin; with entry 0 an event at time 0 could not have been seen.
    pub entry: Option<&'a [f64]>,
    /// When each subject had the event or was last seen without it; 0 or above.
    pub time: &'a [f64],
    /// How it ended: 0 for censored (still open when last seen), 1, 2, … for each kind of event.
    pub cause: &'a [u8],
}

impl FollowUp<'_> {
    /// Refuses slices of different lengths, values that are no times, and entries that are not before the end.
    pub(super) fn check(&self, what: &'static str) -> Result<()> {
        let subjects = self.time.len();
        if subjects == 0 {
            return Err(StatisticsError::Empty { what });
        }
        same_length("the slice of causes", self.cause.len(), subjects)?;
        for (index, &value) in self.time.iter().enumerate() {
            if !value.is_finite() {
                return Err(StatisticsError::ValueNotFinite { index, value });
            }
            if value < 0.0 {
                return Err(StatisticsError::OutOfRange { what: "a time", value, range: "0 or above" });
            }
        }
        let Some(entry) = self.entry else { return Ok(()) };
        same_length("the slice of entry times", entry.len(), subjects)?;
        for (index, (&value, &time)) in entry.iter().zip(self.time).enumerate() {
            if !value.is_finite() {
                return Err(StatisticsError::ValueNotFinite { index, value });
            }
            if value >= time {
                let range = "below the subject's own time of event or censoring";
                return Err(StatisticsError::OutOfRange { what: "an entry time", value, range });
            }
        }
        Ok(())
    }
}

/// Which ends of follow-up count as the event; every other end is a censoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Whatever is not censored.
    Any,
    /// One cause, 1 or above; the other causes are treated as censoring.
    ///
    /// For a rate (a log-rank test, a Cox model) that is the *cause-specific* rate. For a share of subjects it is an
    /// overestimate, because those who had another event are treated as if they still could have this one:
    /// [`super::aalen_johansen()`] gives the share.
    Cause(u8),
}

impl Event {
    /// Refuses cause 0, which is the code for censored.
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Cause(cause) => checked_cause(cause),
            Self::Any => Ok(()),
        }
    }

    pub(super) fn is(self, cause: u8) -> bool {
        match self {
            Self::Any => cause != 0,
            Self::Cause(wanted) => cause == wanted,
        }
    }
}

/// A stretch of time, after `from` and up to `to`, in which nobody was at risk although somebody was later.
///
/// Nothing is known about what happens in a gap. A curve is carried across it unchanged, as if no event were possible
/// there; read what follows as *given* that nothing happened in the gap. Only late entry makes gaps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// When the last subject left, or 0 when nobody was watched from the origin.
    pub from: f64,
    /// When the next subject entered.
    pub to: f64,
}

/// Refuses cause 0, which is the code for censored.
pub(super) fn checked_cause(cause: u8) -> Result<()> {
    if cause == 0 {
        return Err(StatisticsError::OutOfRange {
            what: "the cause",
            value: 0.0,
            range: "1 or above (0 means censored)",
        });
    }
    Ok(())
}

/// Refuses a slice that does not have a place for every subject.
pub(super) fn same_length(what: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected { Ok(()) } else { Err(StatisticsError::LengthMismatch { what, found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_bad_input_has_its_reason() {
        let check =
            |entry: Option<&[f64]>, time: &[f64], cause: &[u8]| FollowUp { entry, time, cause }.check("a curve");
        assert_eq!(check(None, &[], &[]), Err(StatisticsError::Empty { what: "a curve" }));
        assert!(matches!(check(None, &[1.0], &[]), Err(StatisticsError::LengthMismatch { expected: 1, .. })));
        assert!(matches!(check(Some(&[]), &[1.0], &[1]), Err(StatisticsError::LengthMismatch { found: 0, .. })));
        assert!(matches!(
            check(None, &[1.0, f64::NAN], &[1, 1]),
            Err(StatisticsError::ValueNotFinite { index: 1, .. })
        ));
        assert!(matches!(check(None, &[-1.0], &[1]), Err(StatisticsError::OutOfRange { .. })));
        assert!(matches!(check(Some(&[f64::INFINITY]), &[1.0], &[1]), Err(StatisticsError::ValueNotFinite { .. })));
        for entry in [1.0, 2.0] {
            assert!(matches!(check(Some(&[entry]), &[1.0], &[1]), Err(StatisticsError::OutOfRange { .. })));
        }
        assert_eq!(check(Some(&[-1.0]), &[0.0], &[1]), Ok(()));
        assert!(Event::Cause(0).check().is_err() && Event::Cause(1).check().is_ok() && Event::Any.check().is_ok());
    }
}
