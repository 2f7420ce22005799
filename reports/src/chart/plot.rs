//! The plotting area: where a month and a value stand.

use jiff::civil::Date;

use super::canvas::Point;
use super::run_chart::RunChart;
use super::scale::Scale;
use crate::format;
use crate::model::Rate;
use crate::theme::{CHART_WIDTH, PLOT_HEIGHT};

/// Left edge of the plotting area.
pub const PLOT_LEFT: f64 = 66.0;
/// Right edge of the plotting area; the labels of median and latest value stand to its right.
pub const PLOT_RIGHT: f64 = CHART_WIDTH - 128.0;
/// Room at both ends, so that no point sits on an edge.
pub const INSET: f64 = 14.0;

/// Where things stand in the plotting area.
pub struct Plot {
    first: Date,
    /// CSS pixels from one month to the next.
    pub spacing: f64,
    /// Value axis; nothing where no month has a value.
    pub scale: Option<Scale>,
    /// Upper edge.
    pub top: f64,
    /// Whether an interval is wider than the axis.
    pub cut: bool,
}

impl Plot {
    /// The plotting area of a chart, at the top of the drawing.
    pub fn new(chart: &RunChart, first: Date, last: Date) -> Self {
        let centres = chart.months.iter().filter_map(|month| month.signal?.centre);
        let values: Vec<f64> =
            chart.months.iter().filter_map(|month| month.rate.shown()).chain(centres).chain(chart.target()).collect();
        let bands = chart.months.iter().filter_map(|month| chart.band(month));
        let limits: Vec<f64> = bands.flat_map(|(lower, upper)| [lower, upper]).collect();
        let scale = (!values.is_empty()).then(|| Scale::of(&values, &limits, chart.floor, chart.ceiling));
        let steps = f64::from(format::months_between(first, last).max(1));
        let cut = scale.as_ref().is_some_and(|scale| limits.iter().any(|limit| scale.cuts(*limit)));
        Self { first, spacing: (PLOT_RIGHT - PLOT_LEFT - 2.0 * INSET) / steps, scale, top: 0.0, cut }
    }

    /// Lower edge: the month axis.
    pub fn bottom(&self) -> f64 {
        self.top + PLOT_HEIGHT
    }

    /// Where a month stands.
    pub fn x(&self, month: Date) -> f64 {
        PLOT_LEFT + INSET + self.spacing * f64::from(format::months_between(self.first, month))
    }

    /// Where a value stands.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom() - PLOT_HEIGHT * self.scale.as_ref().map_or(0.0, |scale| scale.share(value))
    }

    /// Where a month's value stands, if it is shown.
    pub fn point(&self, rate: &Rate) -> Option<Point> {
        rate.shown().map(|value| (self.x(rate.period), self.y(value)))
    }
}
