//! The marks of a run chart: bands, axes, lines, points and the labels at the right edge.

use jiff::civil::Date;

use super::canvas::{Align, Canvas, Type, bold, label, width};
use super::months;
use super::plot::{INSET, PLOT_LEFT, PLOT_RIGHT, Plot};
use super::run_chart::RunChart;
use crate::format;
use crate::model::{Rate, State};
use crate::theme::{AXIS, BAND, BAND_PROVISIONAL, CENTRE, DATA, GRID, LABEL_SIZE, MUTED, PAPER, SIGNAL};

/// Half the width of the bar that shows the interval of a month without neighbours.
const LONE_BAR: f64 = 3.0;

/// Neighbouring months; a missing month between two is a gap.
fn pairs<'a>(chart: &'a RunChart) -> impl Iterator<Item = (&'a Rate, &'a Rate)> {
    chart
        .months
        .windows(2)
        .map(|pair| (pair[0], pair[1]))
        .filter(|(one, next)| format::months_between(one.period, next.period) == 1)
}

/// The intervals, as one band for each unbroken stretch of months.
pub fn bands(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    let mut stretch: Vec<&Rate> = Vec::new();
    for rate in chart.months {
        let follows = stretch.last().is_some_and(|last| format::months_between(last.period, rate.period) == 1);
        if rate.interval().is_none() || !follows {
            band(canvas, plot, &std::mem::take(&mut stretch));
        }
        if rate.interval().is_some() {
            stretch.push(rate);
        }
    }
    band(canvas, plot, &stretch);
}

/// One unbroken stretch: final months in one shape, provisional ones in a lighter one that begins at the last final month.
fn band(canvas: &mut Canvas, plot: &Plot, stretch: &[&Rate]) {
    let finals = stretch.iter().take_while(|rate| rate.is_final).count();
    let (firm, open) = (&stretch[..finals], &stretch[finals.saturating_sub(1).min(stretch.len())..]);
    for (rates, ink) in [(open, BAND_PROVISIONAL), (firm, BAND)] {
        let corners: Vec<(f64, f64, f64)> = rates
            .iter()
            .filter_map(|rate| rate.interval().map(|(low, high)| (plot.x(rate.period), plot.y(low), plot.y(high))))
            .collect();
        // A month alone has no width as a band: it gets a bar.
        let corners = match corners[..] {
            [(x, low, high)] if stretch.len() == 1 => vec![(x - LONE_BAR, low, high), (x + LONE_BAR, low, high)],
            _ => corners,
        };
        if corners.len() > 1 {
            let above = corners.iter().map(|(x, _, high)| (*x, *high));
            let below = corners.iter().rev().map(|(x, low, _)| (*x, *low));
            canvas.area(&above.chain(below).collect::<Vec<_>>(), ink);
        }
    }
}

/// Grid, month axis and their labels.
pub fn axes(canvas: &mut Canvas, chart: &RunChart, plot: &Plot, first: Date, last: Date) {
    let decimals = plot.scale.as_ref().map_or(0, |scale| scale.decimals);
    for tick in plot.scale.iter().flat_map(|scale| &scale.ticks) {
        let y = plot.y(*tick);
        canvas.line((PLOT_LEFT, y), (PLOT_RIGHT, y), GRID, 1.0);
        let words = chart.format.rounded(*tick, decimals);
        canvas.text(&words, (PLOT_LEFT - 9.0, y), Align::Right, label(MUTED));
    }
    if plot.scale.is_none() {
        let middle = (f64::midpoint(PLOT_LEFT, PLOT_RIGHT), f64::midpoint(plot.top, plot.bottom()));
        canvas.text("No month has a value that can be shown.", middle, Align::Middle, label(MUTED));
    }
    let base = plot.bottom();
    canvas.line((PLOT_LEFT, base), (PLOT_RIGHT, base), AXIS, 1.0);
    let room = width("May", label(MUTED)) + 9.0;
    for tick in months::ticks(first, last, plot.spacing, room) {
        let x = PLOT_LEFT + INSET + plot.spacing * f64::from(tick.index);
        let long = if tick.label.is_some() { 6.0 } else { 3.5 };
        canvas.line((x, base), (x, base + long), AXIS, 1.0);
        if let Some(month) = tick.label {
            canvas.text(month, (x, base + 16.0), Align::Middle, label(MUTED));
        }
        if let Some(year) = tick.year {
            canvas.text(&year.to_string(), (x, base + 33.0), Align::Middle, bold(MUTED));
        }
    }
}

/// The median.
pub fn centre(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    if let Some(centre) = chart.reading.centre {
        let y = plot.y(centre);
        canvas.line((PLOT_LEFT, y), (PLOT_RIGHT, y), CENTRE, 1.0);
    }
}

/// Lines between neighbouring months; dashed where one of them is provisional.
pub fn lines(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    for (one, next) in pairs(chart) {
        let Some((from, to)) = plot.point(one).zip(plot.point(next)) else { continue };
        let ink = if in_stretch(chart, one) && in_stretch(chart, next) { SIGNAL } else { DATA };
        if one.is_final && next.is_final {
            canvas.path(&[from, to], ink, 2.0);
        } else {
            canvas.dashed(from, to, DATA, 1.5, 4.0, 4.0);
        }
    }
}

fn in_stretch(chart: &RunChart, rate: &Rate) -> bool {
    rate.is_final
        && chart.reading.stretch.is_some_and(|stretch| stretch.from <= rate.period && rate.period <= stretch.to)
}

/// A mark for each month: its value, or why there is none.
pub fn points(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    // Ten years of months stand close together: smaller points keep them apart.
    let radius = if plot.spacing < 10.0 { 2.5 } else { 3.5 };
    for rate in chart.months {
        let x = plot.x(rate.period);
        match (rate.state, plot.point(rate)) {
            (State::Shown, Some(at)) if !rate.is_final => canvas.ring(at, radius, DATA, PAPER, 1.5),
            (State::Shown, Some(at)) if in_stretch(chart, rate) => canvas.diamond(at, radius + 1.5, SIGNAL),
            (State::Shown, Some(at)) => canvas.dot(at, radius, DATA),
            (State::Suppressed, _) => canvas.cross((x, plot.bottom() - 8.0), 3.0, MUTED, 1.5),
            _ => canvas.line((x - 4.0, plot.bottom() - 8.0), (x + 4.0, plot.bottom() - 8.0), MUTED, 1.5),
        }
    }
}

/// The median and the latest final value, named at the right edge and kept apart.
pub fn right_labels(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    let x = PLOT_RIGHT + 10.0;
    let latest = chart.months.iter().rev().find(|rate| rate.is_final).filter(|rate| rate.shown().is_some());
    let mut median_y = chart.reading.centre.map(|centre| plot.y(centre));
    if let Some((rate, at)) = latest.and_then(|rate| plot.point(rate).map(|at| (rate, at))) {
        let mut y = at.1.clamp(plot.top + 8.0, plot.bottom() - 24.0);
        // Value and month stand on two lines; the median keeps its own place and the value moves away from it.
        if let Some(median) = median_y {
            if y <= median && median - y < 32.0 {
                y = median - 32.0;
            } else if y > median && y - median < 18.0 {
                y = median + 18.0;
            }
            if y < plot.top + 4.0 {
                y = plot.top + 4.0;
                median_y = Some(median.max(y + 32.0));
            }
        }
        let ink = if in_stretch(chart, rate) { SIGNAL } else { DATA };
        let value = rate.shown().map(|value| chart.format.value(value)).unwrap_or_default();
        canvas.text(&value, (x, y), Align::Left, Type { size: LABEL_SIZE + 3.0, bold: true, ink });
        canvas.text(&format!("{}, final", format::month(rate.period)), (x, y + 15.0), Align::Left, label(MUTED));
    }
    if let (Some(centre), Some(y)) = (chart.reading.centre, median_y) {
        let words = format!("median {}", chart.format.value(centre));
        canvas.text(&words, (x, y), Align::Left, label(CENTRE));
    }
}
