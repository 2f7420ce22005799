//! What happened when: a line with a letter in the chart, and its words below it.

use jiff::civil::Date;

use super::canvas::{Align, Canvas, bold, label, wrap};
use super::header::MARGIN;
use super::plot::{PLOT_LEFT, Plot};
use super::run_chart::RunChart;
use crate::format;
use crate::model::Annotation;
use crate::theme::{AXIS, CHART_WIDTH, MUTED};

/// Names of events; no more are drawn.
const LETTERS: &str = "ABCDEF";

/// One event.
pub struct Event {
    letter: char,
    date: Date,
    words: String,
}

/// What happened from the first to the last month, in order of time, each with its letter.
pub fn events_within<'a>(
    annotations: &[&'a Annotation],
    first: Option<Date>,
    last: Option<Date>,
) -> Vec<(char, &'a Annotation)> {
    let (Some(first), Some(last)) = (first, last.map(Date::last_of_month)) else { return Vec::new() };
    let mut within: Vec<&Annotation> =
        annotations.iter().copied().filter(|one| one.date >= first && one.date <= last).collect();
    within.sort_by(|one, other| (one.date, &one.text).cmp(&(other.date, &other.text)));
    LETTERS.chars().zip(within).collect()
}

/// The events of a chart.
pub fn of(chart: &RunChart, first: Date, last: Date) -> Vec<Event> {
    let event = |(letter, one): (char, &Annotation)| {
        let phase = if one.new_phase { " (new limits from then on, once enough months follow)" } else { "" };
        Event { letter, date: one.date, words: format!("{letter}  {}: {}{phase}", format::day(one.date), one.text) }
    };
    events_within(chart.annotations, Some(first), Some(last)).into_iter().map(event).collect()
}

/// Their lines, each with its letter at the top.
pub fn lines(canvas: &mut Canvas, events: &[Event], plot: &Plot) {
    for event in events {
        let share = f64::from(event.date.day() - 1) / f64::from(event.date.days_in_month());
        // A month's value stands on its first day's place, half a month left of its middle: the line keeps that measure.
        let x = plot.x(event.date.first_of_month()) + (share - 0.5) * plot.spacing;
        canvas.line((x, plot.top), (x, plot.bottom()), AXIS, 1.0);
        canvas.text(&event.letter.to_string(), (x, plot.top - 7.0), Align::Middle, bold(MUTED));
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
