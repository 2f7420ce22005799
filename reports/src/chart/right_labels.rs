//! Latest value, centre line and target, named at the right edge and kept apart.

use super::canvas::{Align, Canvas, Type, label};
use super::plot::{PLOT_RIGHT, Plot};
use super::run_chart::RunChart;
use crate::format;
use crate::theme::{CENTRE, DATA, Ink, LABEL_SIZE, MUTED, TARGET, meaning};

/// A label: where its first line wants to stand, how much room it takes above and below that, and its lines.
struct Label {
    y: f64,
    above: f64,
    below: f64,
    lines: Vec<(String, Type)>,
}

impl Label {
    fn small(y: f64, words: String, ink: Ink) -> Self {
        Self { y, above: 8.0, below: 8.0, lines: vec![(words, label(ink))] }
    }
}

/// Draws the labels.
pub fn right_labels(canvas: &mut Canvas, chart: &RunChart, plot: &Plot) {
    let mut labels = Vec::new();
    if let Some(centre) = chart.months.iter().rev().find_map(|month| month.signal?.centre) {
        let words = format!("{} {}", chart.centre_word(), chart.format.value(centre));
        labels.push(Label::small(plot.y(centre), words, CENTRE));
    }
    if let Some(target) = chart.target() {
        labels.push(Label::small(plot.y(target), format!("target {}", chart.format.value(target)), TARGET));
    }
    let latest = chart.months.iter().rev().find(|month| month.rate.is_final);
    if let Some((month, value)) = latest.and_then(|month| month.rate.shown().map(|value| (month, value))) {
        let ink = if month.stands_out() { meaning(month.meaning()) } else { DATA };
        labels.push(Label {
            y: plot.y(value),
            above: 10.0,
            below: 24.0,
            lines: vec![
                (chart.format.value(value), Type { size: LABEL_SIZE + 3.0, bold: true, ink }),
                (format!("{}, final", format::month(month.rate.period)), label(MUTED)),
            ],
        });
    }
    keep_apart(&mut labels, plot.top, plot.bottom());
    for one in &labels {
        for (line, (words, kind)) in one.lines.iter().enumerate() {
            canvas.text(words, (PLOT_RIGHT + 10.0, one.y + 15.0 * line as f64), Align::Left, *kind);
        }
    }
}

/// Moves labels down where they would stand on each other, then all up as far as they reach over the lower edge.
fn keep_apart(labels: &mut [Label], top: f64, bottom: f64) {
    labels.sort_by(|one, other| one.y.total_cmp(&other.y));
    let mut free = top - 8.0;
    for one in labels.iter_mut() {
        one.y = one.y.max(free + one.above);
        free = one.y + one.below;
    }
    let mut free = bottom + 8.0;
    for one in labels.iter_mut().rev() {
        one.y = one.y.min(free - one.below);
        free = one.y - one.above;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_stand_on_each_other() {
        let mut labels: Vec<Label> =
            [100.0, 101.0, 99.0].into_iter().map(|y| Label::small(y, String::new(), CENTRE)).collect();
        keep_apart(&mut labels, 0.0, 110.0);
        assert!(labels.windows(2).all(|pair| pair[1].y - pair[0].y >= 16.0));
        assert!(labels.last().is_some_and(|last| last.y <= 110.0));
    }
}
