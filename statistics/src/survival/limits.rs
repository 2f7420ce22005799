//! Limits around one point of a curve that runs between 0 and 1.

use crate::Result;
use crate::intervals::{Interval, Method};

/// On which scale the normal approximation to the limits of a curve is made.
///
/// Sources: Klein JP, Moeschberger ML. Survival Analysis, 2nd ed., 2003, section 4.3: equation 4.3.1 (plain) and 4.3.2
/// (log-log); Kalbfleisch JD, Prentice RL. The Statistical Analysis of Failure Time Data, 2nd ed., 2002, section 1.4
/// (log and log-log).
///
/// At the edges the limits are what the formula gives, or nothing where it gives nothing:
///
/// | curve at | plain | log | log-log |
/// |---|---|---|---|
/// | 1 before any event | 1 to 1 | 1 to 1 | none |
/// | 0 with a standard error | 0 to 0 | none | none |
/// | 0 without a standard error (everybody at risk had the event) | none | none | none |
///
/// Limits of no width are a defect of the approximation, not a certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CurveLimits {
    /// `p ± z SE`, cut at 0 and 1.
    Plain,
    /// `p exp(± z SE / p)`, cut at 1.
    Log,
    /// `p ^ exp(± z SE / (p ln p))`, which stays within 0 and 1.
    LogLog,
}

impl CurveLimits {
    /// Limits around `value` between 0 and 1; `None` where the formula has no value.
    pub(super) fn around(
        self,
        value: f64,
        std_error: f64,
        z: f64,
        (confidence, method): (f64, Method),
    ) -> Result<Option<Interval>> {
        let (lower, upper) = match self {
            Self::Plain => ((value - z * std_error).max(0.0), (value + z * std_error).min(1.0)),
            Self::Log if value > 0.0 => {
                let reach = z * std_error / value;
                (value * (-reach).exp(), (value * reach.exp()).min(1.0))
            }
            Self::LogLog if value > 0.0 && value < 1.0 => {
                let log = value.ln();
                let reach = z * std_error / (value * -log);
                ((log * reach.exp()).exp(), (log * (-reach).exp()).exp())
            }
            Self::Log | Self::LogLog => return Ok(None),
        };
        Interval::checked(value, lower, upper, confidence, method).map(Some)
    }

    /// The method of limits that use Greenwood's variance.
    pub(super) const fn greenwood(self) -> Method {
        match self {
            Self::Plain => Method::GreenwoodPlain,
            Self::Log => Method::GreenwoodLog,
            Self::LogLog => Method::GreenwoodLogLog,
        }
    }

    /// The method of limits that use Aalen's variance.
    pub(super) const fn aalen(self) -> Method {
        match self {
            Self::Plain => Method::AalenPlain,
            Self::Log => Method::AalenLog,
            Self::LogLog => Method::AalenLogLog,
        }
    }
}
