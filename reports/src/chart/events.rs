//! What happened when: a numbered line in the chart, and its words below it.

use jiff::civil::Date;

use super::canvas::{Align, Canvas, bold, label, wrap};
use super::header::MARGIN;
use super::plot::{PLOT_LEFT, Plot};
use super::run_chart::RunChart;
use crate::format;
use crate::theme::{AXIS, CHART_WIDTH, MUTED};

/// Events that are drawn at the most; the table of the page names all.
const MOST: usize = 6;

/// One event.
pub struct Event {
    number: usize,
    date: Date,
    words: String,
}

/// The events within the months of a chart, in order of time.
pub fn of(chart: &RunChart, first: Date, last: Date) -> Vec<Event> {
    let end = last.last_of_month();
    let mut within: Vec<_> = chart.annotations.iter().filter(|one| one.date >= first && one.date <= end).collect();
    within.sort_by(|one, other| (one.date, &one.text).cmp(&(other.date, &other.text)));
    let number_of = |(number, one): (usize, &&&crate::model::Annotation)| {
        let phase = if one.new_phase { " (new limits from then on, once enough months follow)" } else { "" };
        let words = format!("{}  {}: {}{phase}", number + 1, format::day(one.date), one.text);
        Event { number: number + 1, date: one.date, words }
    };
    within.iter().take(MOST).enumerate().map(number_of).collect()
}

/// Their lines, each with its number at the top.
pub fn lines(canvas: &mut Canvas, events: &[Event], plot: &Plot) {
    for event in events {
        let share = f64::from(event.date.day() - 1) / f64::from(event.date.days_in_month());
        // A month's value stands on its first day's place, half a month left of its middle: the line keeps that measure.
        let x = plot.x(event.date.first_of_month()) + (share - 0.5) * plot.spacing;
        canvas.line((x, plot.top), (x, plot.bottom()), AXIS, 1.0);
        canvas.text(&event.number.to_string(), (x, plot.top - 7.0), Align::Middle, bold(MUTED));
    }
}

/// Their words, one line each.
pub fn words(canvas: &mut Canvas, events: &[Event], top: f64) {
    for (line, event) in events.iter().enumerate() {
        let cut = wrap(&event.words, label(MUTED), CHART_WIDTH - PLOT_LEFT - MARGIN, 1);
        if let Some(words) = cut.first() {
            canvas.text(words, (PLOT_LEFT, top + 20.0 * line as f64), Align::Left, label(MUTED));
        }
    }
}
