//! The two levels of a funnel, the four limits at one size, and where a figure lies among them.

use crate::intervals::two_sided_error;
use crate::{Result, StatisticsError};

/// The two levels of a funnel, as two-sided probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// The inner limits: chance puts one site in twenty outside 0.95.
    pub alert: f64,
    /// The outer limits: chance puts one site in five hundred outside 0.998.
    pub alarm: f64,
}

impl Levels {
    /// 95 % and 99.8 %, the usual two.
    pub const USUAL: Self = Self { alert: 0.95, alarm: 0.998 };

    pub(super) fn errors(self) -> Result<(f64, f64)> {
        let errors = (two_sided_error(self.alert)?, two_sided_error(self.alarm)?);
        if self.alert >= self.alarm {
            return Err(StatisticsError::OutOfRange {
                what: "the alarm level of a funnel",
                value: self.alarm,
                range: "above the alert level",
            });
        }
        Ok(errors)
    }
}

/// The four limits at one size, in the unit of the figure, from low to high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Lower limit at the alarm level.
    pub alarm_low: f64,
    /// Lower limit at the alert level.
    pub alert_low: f64,
    /// Upper limit at the alert level.
    pub alert_high: f64,
    /// Upper limit at the alarm level.
    pub alarm_high: f64,
}

/// How loudly a site's figure speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// On or within the inner limits.
    Within,
    /// Outside the inner limits.
    Alert,
    /// Outside the outer limits.
    Alarm,
}

/// The side of the limits on which a site lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Below them.
    Low,
    /// Above them.
    High,
}

/// Where a site lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which limits it is outside of.
    pub signal: Signal,
    /// On which side; `None` within.
    pub side: Option<Side>,
}

impl Position {
    /// On or within the inner limits.
    pub const WITHIN: Self = Self { signal: Signal::Within, side: None };

    pub(super) const fn outside(signal: Signal, side: Side) -> Self {
        Self { signal, side: Some(side) }
    }
}

impl Limits {
    /// Says where `value` lies; a value on a limit is within it.
    ///
    /// ```
    /// use carecoord_statistics::funnel::{Limits, Position, Side, Signal};
    /// let limits = Limits { alarm_low: 0.1, alert_low: 0.2, alert_high: 0.4, alarm_high: 0.5 };
    /// assert_eq!(limits.position(0.4), Position::WITHIN);
    /// assert_eq!(limits.position(0.45), Position { signal: Signal::Alert, side: Some(Side::High) });
    /// ```
    pub fn position(&self, value: f64) -> Position {
        if value < self.alarm_low {
            Position::outside(Signal::Alarm, Side::Low)
        } else if value > self.alarm_high {
            Position::outside(Signal::Alarm, Side::High)
        } else if value < self.alert_low {
            Position::outside(Signal::Alert, Side::Low)
        } else if value > self.alert_high {
            Position::outside(Signal::Alert, Side::High)
        } else {
            Position::WITHIN
        }
    }

    /// Expresses the limits per `multiplier`.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::MultiplierNotPositive`]; [`StatisticsError::NotFinite`] when a product overflows.
    pub fn scaled(self, multiplier: f64) -> Result<Self> {
        if !multiplier.is_finite() || multiplier <= 0.0 {
            return Err(StatisticsError::MultiplierNotPositive { multiplier });
        }
        Self {
            alarm_low: self.alarm_low * multiplier,
            alert_low: self.alert_low * multiplier,
            alert_high: self.alert_high * multiplier,
            alarm_high: self.alarm_high * multiplier,
        }
        .checked()
    }

    fn checked(self) -> Result<Self> {
        for value in [self.alarm_low, self.alert_low, self.alert_high, self.alarm_high] {
            if !value.is_finite() {
                return Err(StatisticsError::NotFinite { what: "a control limit", value });
            }
        }
        Ok(self)
    }

    /// Both pairs from the way to one.
    pub(super) fn pairs(levels: Levels, pair: impl Fn(f64) -> Result<(f64, f64)>) -> Result<Self> {
        let (alert, alarm) = levels.errors()?;
        let ((alert_low, alert_high), (alarm_low, alarm_high)) = (pair(alert)?, pair(alarm)?);
        Self { alarm_low, alert_low, alert_high, alarm_high }.checked()
    }
}
