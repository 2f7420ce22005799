//! The limits of a funnel at any size, for drawing.

use super::figure::{Figure, ProportionLimits};
use super::limits::{control_limits, transformed_limits};
use super::plot::Funnel;
use super::position::Limits;
use crate::{Result, StatisticsError};

/// The limits at one size, for drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The size.
    pub size: f64,
    /// The limits for chance alone.
    pub limits: Limits,
    /// The limits with τ², where it was estimated.
    pub adjusted_limits: Option<Limits>,
}

impl Funnel {
    /// Computes the limits at one size.
    ///
    /// # Errors
    ///
    /// As [`control_limits`].
    pub fn limits_at(&self, size: f64) -> Result<CurvePoint> {
        let limits = control_limits(self.figure, self.target, size, self.options.levels)?;
        let adjusted_limits = self
            .between()
            .map(|between| transformed_limits(self.figure, self.target, size, self.options.levels, between))
            .transpose()?;
        Ok(CurvePoint { size, limits, adjusted_limits })
    }

    /// Computes the limits at `points` sizes from `from` to `to`, evenly spaced, for drawing.
    ///
    /// For exact limits of a proportion the sizes are rounded to whole numbers.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::OutOfRange`] unless `from` is above 0 and below `to`; [`StatisticsError::TooFew`] for fewer
    /// than two points; those of [`control_limits`].
    ///
    /// ```
    /// # fn main() -> carecoord_statistics::Result<()> {
    /// use carecoord_statistics::funnel::{Figure, Levels, Options, Overdispersion, RatioLimits, RatioTransform, Site, Target, funnel};
    /// let sites = [Site { observed: 12, size: 9.5 }, Site { observed: 40, size: 52.1 }];
    /// let figure = Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::SquareRoot };
    /// let options =
    ///     Options { target: Target::Given(1.0), levels: Levels::USUAL, overdispersion: Overdispersion::None };
    /// let curve = funnel(&sites, figure, &options)?.curve(5.0, 60.0, 100)?;
    /// assert!(curve[0].limits.alarm_high > curve[99].limits.alarm_high);
    /// # Ok(())
    /// # }
    /// ```
    pub fn curve(&self, from: f64, to: f64, points: usize) -> Result<Vec<CurvePoint>> {
        if points < 2 {
            return Err(StatisticsError::TooFew { what: "the curve of a funnel", found: points as u64, needed: 2 });
        }
        if !(to.is_finite() && from > 0.0 && from < to) {
            return Err(StatisticsError::OutOfRange {
                what: "the smallest size of a curve",
                value: from,
                range: "above 0 and below the largest",
            });
        }
        let whole_sizes = self.figure == Figure::Proportion { limits: ProportionLimits::BinomialExact };
        (0..points)
            .map(|point| {
                let share = point as f64 / (points - 1) as f64;
                let size = from * (1.0 - share) + to * share;
                self.limits_at(if whole_sizes { size.round().max(1.0) } else { size })
            })
            .collect()
    }
}
