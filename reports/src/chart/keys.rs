//! What the marks of a chart mean, in words below it: only the marks that it uses.

use super::canvas::{Canvas, Point, label, width};
use super::header::MARGIN;
use super::plot::{PLOT_LEFT, Plot};
use super::run_chart::{Month, RunChart};
use crate::model::{Rate, State};
use crate::theme::{BAND, CHART_WIDTH, DATA, MUTED, PAPER, meaning};

/// What a mark means.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// A month that is part of a signal for the worse.
    Concern,
    /// Of one for the better.
    Improvement,
    /// Of one of which neither direction is better.
    Change,
    /// A month that is not final.
    Provisional,
    /// A month whose count is too small to show.
    Suppressed,
    /// A month without a denominator.
    Undefined,
    /// A month in which fewer than half had the event.
    NotReached,
    /// The interval.
    Band,
    /// The interval, wider than the axis in some month.
    Cut,
    /// The control limits.
    Limits,
}

impl Key {
    /// Its words.
    pub fn words(self, chart: &RunChart) -> String {
        match self {
            Self::Concern => "signal: concern".to_owned(),
            Self::Improvement => "signal: improvement".to_owned(),
            Self::Change => "signal".to_owned(),
            Self::Provisional => "hollow: follow-up not complete".to_owned(),
            Self::Suppressed => "suppressed".to_owned(),
            Self::Undefined => "no denominator, data missing, or not counted yet".to_owned(),
            Self::NotReached => "fewer than half had it: above all others".to_owned(),
            Self::Band => "95% interval".to_owned(),
            Self::Cut => "95% interval, cut at the edge where wider".to_owned(),
            Self::Limits => {
                let row = chart.reading.chart.as_ref();
                let now = row.and_then(|row| row.lower.zip(row.upper));
                let now = now.map(|(lower, upper)| format!(", now {}", chart.format.interval(lower, upper)));
                format!("control limits (3 SD){}", now.unwrap_or_default())
            }
        }
    }

    /// The room that mark and words take.
    pub fn width(self, chart: &RunChart) -> f64 {
        18.0 + width(&self.words(chart), label(MUTED)) + 22.0
    }

    /// Draws the mark.
    pub fn mark(self, canvas: &mut Canvas, at: Point) {
        match self {
            Self::Concern => canvas.diamond(at, 5.0, meaning("concern")),
            Self::Improvement => canvas.diamond(at, 5.0, meaning("improvement")),
            Self::Change => canvas.diamond(at, 5.0, meaning("")),
            Self::Provisional => canvas.ring(at, 3.5, DATA, PAPER, 1.5),
            Self::Suppressed => canvas.cross(at, 3.0, MUTED, 1.5),
            Self::Undefined => canvas.line((at.0 - 4.0, at.1), (at.0 + 4.0, at.1), MUTED, 1.5),
            Self::NotReached => canvas.up(at, 4.5, DATA),
            Self::Band | Self::Cut | Self::Limits => {
                let (x, y) = at;
                canvas.area(&[(x - 7.0, y - 5.0), (x + 7.0, y - 5.0), (x + 7.0, y + 5.0), (x - 7.0, y + 5.0)], BAND);
            }
        }
    }
}

/// The marks that this chart uses, in lines that fit.
pub fn key_lines(chart: &RunChart, plot: &Plot) -> Vec<Vec<Key>> {
    let any = |test: fn(&Rate) -> bool| chart.months.iter().any(|month| test(month.rate));
    let means = |words: &[&str]| {
        chart.months.iter().any(|month: &Month| month.stands_out() && words.contains(&month.meaning()))
    };
    let used = [
        (
            chart.months.iter().any(|month| chart.band(month).is_some()),
            match (chart.has_limits(), plot.cut) {
                (true, _) => Key::Limits,
                (false, true) => Key::Cut,
                (false, false) => Key::Band,
            },
        ),
        (means(&["concern"]), Key::Concern),
        (means(&["improvement"]), Key::Improvement),
        (means(&["high", "low"]), Key::Change),
        (any(|rate| !rate.is_final && rate.shown().is_some()), Key::Provisional),
        (any(|rate| rate.state == State::Suppressed), Key::Suppressed),
        (any(|rate| rate.state == State::Undefined && !rate.is_not_reached()), Key::Undefined),
        (any(Rate::is_not_reached), Key::NotReached),
    ];
    let mut lines: Vec<Vec<Key>> = Vec::new();
    let mut room = 0.0;
    for (_, key) in used.into_iter().filter(|(used, _)| *used) {
        let wanted = key.width(chart);
        if wanted > room {
            lines.push(Vec::new());
            room = CHART_WIDTH - PLOT_LEFT - MARGIN;
        }
        if let Some(line) = lines.last_mut() {
            line.push(key);
        }
        room -= wanted;
    }
    lines
}
