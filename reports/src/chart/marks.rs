//! The marks of a chart of months: bands, axes, lines and points.

use jiff::civil::Date;

use super::canvas::{Align, Canvas, bold, label, width};
use super::months;
use super::plot::{INSET, PLOT_LEFT, PLOT_RIGHT, Plot};
use super::run_chart::{Month, RunChart};
use crate::format;
use crate::locale::Locale;
use crate::model::State;
use crate::theme::{AXIS, BAND, BAND_PROVISIONAL, CENTRE, DATA, GRID, MUTED, PAPER, TARGET, meaning};

/// Half the width of the bar that shows the interval of a month without neighbours.
const LONE_BAR: f64 = 3.0;

/// Neighbouring months; a missing month between two is a gap.
fn pairs<'a>(chart: &'a RunChart) -> impl Iterator<Item = (&'a Month<'a>, &'a Month<'a>)> {
    chart.months.windows(2).map(|pair| (&pair[0], &pair[1])).filter(|(one, next)| follow(one, next))
}

fn follow(one: &Month, next: &Month) -> bool {
    format::months_between(one.rate.period, next.rate.period) == 1
}

fn phase(month: &Month) -> i64 {
    month.signal.map_or(0, |signal| signal.phase)
}

/// Limits or intervals, as one band for each unbroken stretch of months of one phase.
pub fn bands(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    let mut stretch: Vec<&Month> = Vec::new();
    for month in chart.months {
        let follows = stretch.last().is_some_and(|last| follow(last, month) && phase(last) == phase(month));
        if chart.band(month).is_none() || !follows {
            band(canvas, chart, plot, &std::mem::take(&mut stretch));
        }
        if chart.band(month).is_some() {
            stretch.push(month);
        }
    }
    band(canvas, chart, plot, &stretch);
}

/// One unbroken stretch: final months in one shape, provisional ones in a lighter one that begins at the last final month.
fn band(canvas: &mut Canvas, chart: &RunChart, plot: &Plot, stretch: &[&Month]) {
    let finals = stretch.iter().take_while(|month| month.rate.is_final).count();
    let (firm, open) = (&stretch[..finals], &stretch[finals.saturating_sub(1).min(stretch.len())..]);
    for (months, ink) in [(open, BAND_PROVISIONAL), (firm, BAND)] {
        let corners: Vec<(f64, f64, f64)> = months
            .iter()
            .filter_map(|month| {
                chart.band(month).map(|(low, high)| (plot.x(month.rate.period), plot.y(low), plot.y(high)))
            })
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

/// Grid and its labels.
pub fn grid(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    let decimals = plot.scale.as_ref().map_or(0, |scale| scale.decimals);
    let values = || plot.scale.iter().flat_map(|scale| &scale.ticks).map(|tick| (*tick, plot.y(*tick)));
    for (_, y) in values() {
        canvas.line((PLOT_LEFT, y), (PLOT_RIGHT, y), GRID, 1.0);
    }
    for (tick, y) in values() {
        let words = chart.format.rounded(tick, decimals);
        canvas.text(&words, (PLOT_LEFT - 9.0, y), Align::Right, label(MUTED));
    }
    if plot.scale.is_none() {
        let middle = (f64::midpoint(PLOT_LEFT, PLOT_RIGHT), f64::midpoint(plot.top, plot.bottom()));
        canvas.text("No month has a value that can be shown.", middle, Align::Middle, label(MUTED));
    }
}

/// The month axis, which is the same in every chart of the same months.
pub fn month_axis(canvas: &mut Canvas, plot: &Plot, first: Date, last: Date) {
    let base = plot.bottom();
    canvas.line((PLOT_LEFT, base), (PLOT_RIGHT, base), AXIS, 1.0);
    let names = &Locale::current().dates.short_months;
    let room = names.iter().map(|name| width(name, label(MUTED))).fold(0.0, f64::max) + 9.0;
    let ticks: Vec<_> = months::ticks(first, last, plot.spacing, room).into_iter().collect();
    let x = |tick: &months::Tick| PLOT_LEFT + INSET + plot.spacing * f64::from(tick.index);
    // Marks of one kind after each other: the page's copy makes one element of them.
    for tick in &ticks {
        let long = if tick.label.is_some() { 6.0 } else { 3.5 };
        canvas.line((x(tick), base), (x(tick), base + long), AXIS, 1.0);
    }
    for tick in &ticks {
        if let Some(month) = &tick.label {
            canvas.text(month, (x(tick), base + 16.0), Align::Middle, label(MUTED));
        }
    }
    for tick in &ticks {
        if let Some(year) = tick.year {
            canvas.text(&year.to_string(), (x(tick), base + 33.0), Align::Middle, bold(MUTED));
        }
    }
}

/// The centre line, one piece for each phase.
pub fn centre(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    for months in chart.months.chunk_by(|one, next| phase(one) == phase(next)) {
        let (Some(first), Some(last)) = (months.first(), months.last()) else { continue };
        let Some(centre) = months.iter().find_map(|month| month.signal?.centre) else { continue };
        let is_first = chart.months.first().is_some_and(|month| month.rate.period == first.rate.period);
        let is_last = chart.months.last().is_some_and(|month| month.rate.period == last.rate.period);
        let half = plot.spacing / 2.0;
        let from = if is_first { PLOT_LEFT } else { plot.x(first.rate.period) - half };
        let to = if is_last { PLOT_RIGHT } else { plot.x(last.rate.period) + half };
        canvas.line((from, plot.y(centre)), (to, plot.y(centre)), CENTRE, 1.0);
    }
}

/// The target, dotted.
pub fn target(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    if let Some(target) = chart.target() {
        let y = plot.y(target);
        canvas.dashed((PLOT_LEFT, y), (PLOT_RIGHT, y), TARGET, 1.5, 2.0, 4.0);
    }
}

/// Lines between neighbouring months; dashed where one of them is provisional.
pub fn lines(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    for (one, next) in pairs(chart) {
        let Some((from, to)) = plot.point(one.rate).zip(plot.point(next.rate)) else { continue };
        if one.rate.is_final && next.rate.is_final {
            canvas.path(&[from, to], DATA, 2.0);
        } else {
            canvas.dashed(from, to, DATA, 1.5, 4.0, 4.0);
        }
    }
}

/// A mark for each month: its value, or why there is none.
pub fn points(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    // Ten years of months stand close together: smaller points keep them apart.
    let radius = if plot.spacing < 10.0 { 2.5 } else { 3.5 };
    for month in chart.months {
        let rate = month.rate;
        let x = plot.x(rate.period);
        match (rate.state, plot.point(rate)) {
            (State::Shown, Some(at)) if !rate.is_final => canvas.ring(at, radius, DATA, PAPER, 1.5),
            (State::Shown, Some(at)) if month.stands_out() => {
                canvas.diamond(at, radius + 1.5, meaning(month.meaning()));
            }
            (State::Shown, Some(at)) => canvas.dot(at, radius, DATA),
            // Above all that is drawn.
            (State::Undefined, _) if rate.is_not_reached() => canvas.up((x, plot.top + 6.0), radius + 1.0, DATA),
            (State::Suppressed, _) => canvas.cross((x, plot.bottom() - 8.0), 3.0, MUTED, 1.5),
            _ => canvas.line((x - 4.0, plot.bottom() - 8.0), (x + 4.0, plot.bottom() - 8.0), MUTED, 1.5),
        }
    }
}
