//! A chart of months: values, the centre line, control limits (in a run chart the values' intervals), target, what happened
//! when, and which months are signals.
//!
//! Calm by design: a grey band, one line, one signal colour; what a mark means is said beside it, never by colour alone.

use super::canvas::{Align, Canvas, label};
use super::events::{self, Event};
use super::header::header;
use super::keys::{Key, key_lines};
use super::marks::{bands, centre, grid, lines, month_axis, points, target};
use super::plot::{PLOT_LEFT, Plot};
use super::right_labels::right_labels;
use super::svg::Drawing;
use crate::format::{self, ValueFormat};
use crate::model::{Annotation, Rate, Signal};
use crate::reading::{Reading, Verdict};
use crate::theme::{self, CHART_WIDTH, MUTED};

/// One month: its value, and what the chart says of it.
#[derive(Debug, Clone, Copy)]
pub struct Month<'a> {
    /// The value.
    pub rate: &'a Rate,
    /// Centre line, limits and rules there.
    pub signal: Option<&'a Signal>,
}

impl Month<'_> {
    /// What the signal means that the month is part of; empty for none.
    pub fn meaning(&self) -> &str {
        self.signal.map_or("", |signal| &signal.meaning)
    }

    /// Whether the month is part of a signal.
    pub fn stands_out(&self) -> bool {
        self.rate.is_final && self.signal.is_some_and(Signal::stands_out)
    }
}

/// What a chart of months shows.
pub struct RunChart<'a> {
    /// Title.
    pub title: &'a str,
    /// Unit, interval's method, number of months.
    pub subtitle: &'a str,
    /// The signal in words.
    pub reading: &'a Reading,
    /// Months at level all, in order.
    pub months: &'a [Month<'a>],
    /// What happened when.
    pub annotations: &'a [&'a Annotation],
    /// How values are written.
    pub format: &'a ValueFormat,
    /// Lowest possible value, for the axis.
    pub floor: Option<f64>,
    /// Highest possible value, for the axis.
    pub ceiling: Option<f64>,
}

impl RunChart<'_> {
    /// Whether control limits are drawn; a run chart has none.
    pub fn has_limits(&self) -> bool {
        self.reading.chart.as_ref().is_some_and(|chart| chart.chart != "run" && chart.lower.is_some())
    }

    /// The target, if there is one.
    pub fn target(&self) -> Option<f64> {
        self.reading.chart.as_ref().and_then(|chart| chart.target)
    }

    /// What the centre line is.
    pub fn centre_word(&self) -> &'static str {
        if self.has_limits() { "mean" } else { "median" }
    }

    /// The band around a month: its control limits, in a run chart its interval.
    pub fn band(&self, month: &Month) -> Option<(f64, f64)> {
        if self.has_limits() {
            month.signal.and_then(|signal| signal.lower.zip(signal.upper))
        } else {
            month.rate.interval()
        }
    }
}

/// Room above the plotting area, for the numbers of events.
pub const TOP: f64 = 14.0;

/// Draws a run chart; nothing where there is no month.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn draw(chart: &RunChart) -> Result<Option<Drawing>, String> {
    let (Some(first), Some(last)) = (chart.months.first(), chart.months.last()) else { return Ok(None) };
    let (first, last) = (first.rate.period, last.rate.period);
    let mut plot = Plot::new(chart, first, last);
    let events: Vec<Event> = events::of(chart, first, last);
    let signal = (chart.reading.verdict == Verdict::Signal).then(|| theme::meaning(chart.reading.change.word()));
    let (header, header_height) = header(chart.title, chart.subtitle, &chart.reading.sentence(), signal)?;
    let keys = key_lines(chart, &plot);
    let below = 52.0 + 20.0 * (keys.len() + events.len()) as f64 + 8.0;
    plot.top = TOP;
    let height = plot.bottom() + below;

    let (mut under, mut axis, mut svg) = (String::new(), String::new(), String::new());
    let mut canvas = Canvas::new(&mut under, CHART_WIDTH, height);
    bands(&mut canvas, chart, &plot);
    grid(&mut canvas, chart, &plot);
    canvas.finish().map_or(Ok(()), Err)?;
    let mut canvas = Canvas::new(&mut axis, CHART_WIDTH, height);
    month_axis(&mut canvas, &plot, first, last);
    canvas.finish().map_or(Ok(()), Err)?;
    let mut canvas = Canvas::new(&mut svg, CHART_WIDTH, height);
    events::lines(&mut canvas, &events, &plot);
    target(&mut canvas, chart, &plot);
    centre(&mut canvas, chart, &plot);
    lines(&mut canvas, chart, &plot);
    points(&mut canvas, chart, &plot);
    right_labels(&mut canvas, chart, &plot);
    canvas.finish().map_or(Ok(()), Err)?;
    let keys_svg = foot(chart, &keys, &events, plot.bottom() + 58.0, height)?;
    Ok(Some(Drawing {
        header,
        under: Drawing::elements(&under),
        axis: Drawing::elements(&axis),
        body: Drawing::elements(&svg),
        keys: keys_svg,
        width: CHART_WIDTH,
        height,
        keys_height: 20.0 * (keys.len() + events.len()) as f64,
        header_height,
        title: format!("{}: {}", kind(chart), chart.title),
        description: description(chart),
    }))
}

/// What happened when and what marks mean, at the foot of the drawing.
fn foot(chart: &RunChart, keys: &[Vec<Key>], events: &[Event], top: f64, height: f64) -> Result<String, String> {
    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, CHART_WIDTH, height);
    events::words(&mut canvas, events, top);
    let top = top + 20.0 * events.len() as f64;
    for (line, keys) in keys.iter().enumerate() {
        let mut x = PLOT_LEFT;
        let y = top + 20.0 * line as f64;
        for key in keys {
            key.mark(&mut canvas, (x + 6.0, y));
            canvas.text(&key.words(chart), (x + 18.0, y), Align::Left, label(MUTED));
            x += key.width(chart);
        }
    }
    canvas.finish().map_or(Ok(()), Err)?;
    Ok(Drawing::elements(&svg))
}

fn kind(chart: &RunChart) -> &'static str {
    if chart.has_limits() { "Control chart" } else { "Run chart" }
}

fn description(chart: &RunChart) -> String {
    let latest = chart.months.iter().rev().map(|month| month.rate).find(|rate| rate.is_final);
    let latest = latest.map(|rate| {
        let value = rate.shown().map_or_else(|| "not shown".to_owned(), |value| chart.format.value(value));
        format!(" Latest final month: {}, {value}.", format::month_long(rate.period))
    });
    let row = chart.reading.chart.as_ref();
    let centre = row.and_then(|row| row.centre).map(|centre| {
        let limits = row.and_then(|row| row.lower.zip(row.upper)).filter(|_| chart.has_limits());
        let limits = limits.map(|(lower, upper)| format!(", control limits {}", chart.format.interval(lower, upper)));
        let word = crate::words::capitalised(chart.centre_word());
        format!(" {word} {}{}.", chart.format.value(centre), limits.unwrap_or_default())
    });
    let target = chart.target().map(|target| format!(" Target {}.", chart.format.value(target)));
    format!(
        "{}{}{}{}",
        chart.reading.sentence(),
        centre.unwrap_or_default(),
        target.unwrap_or_default(),
        latest.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;
    use crate::chart::Rasteriser;
    use crate::model::test_rows::{measure, month};

    fn drawing(months: &[Rate]) -> Option<Drawing> {
        let measure = measure("lower");
        draw(&RunChart {
            title: &"A title that is longer than a line ".repeat(9),
            subtitle: "In %",
            reading: &Reading::of(&measure, &ValueFormat::of(&measure), None, &[], &|_| None),
            months: &months.iter().map(|rate| Month { rate, signal: None }).collect::<Vec<_>>(),
            annotations: &[],
            format: &ValueFormat::of(&measure),
            floor: Some(0.0),
            ceiling: Some(100.0),
        })
        .expect("drawn")
    }

    #[test]
    fn any_number_of_months_and_any_value_can_be_drawn() {
        let from = |index: i64| date(2000, 1, 1) + index.months();
        let cases: [Vec<Rate>; 6] = [
            vec![month(from(0), Some(0.0))],
            vec![month(from(0), None)],
            vec![month(from(0), Some(12.0)), month(from(200), Some(12.0))],
            vec![month(from(0), Some(-1e12)), month(from(1), Some(1e12))],
            vec![month(from(0), Some(1e-9)), month(from(1), None), month(from(2), Some(3e-9))],
            (0..240).map(|index| month(from(index), Some(index as f64))).collect(),
        ];
        let rasteriser = Rasteriser::new();
        for months in cases {
            let svg = drawing(&months).expect("there are months").file();
            assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
            rasteriser.png(&svg).expect("a valid SVG");
        }
        assert!(drawing(&[]).is_none(), "no month, no chart");
    }
}
