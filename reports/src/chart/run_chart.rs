//! A run chart: monthly values with their intervals, the median, and what is a signal.
//!
//! Calm by design: a grey band, one line, one signal colour; what a mark means is said beside it, never by colour alone.

use super::canvas::{Align, Canvas, Type, label, wrap};
use super::keys::key_lines;
use super::marks::{axes, bands, centre, lines, points, right_labels};
use super::plot::{PLOT_LEFT, Plot};
use super::svg::Drawing;
use crate::format::{self, ValueFormat};
use crate::model::Rate;
use crate::reading::{Reading, Verdict};
use crate::theme::{CHART_WIDTH, MUTED, PLOT_HEIGHT, SIGNAL, SUBTITLE_SIZE, TEXT, TITLE_SIZE};

/// What a run chart shows.
pub struct RunChart<'a> {
    /// Title.
    pub title: &'a str,
    /// Unit, interval's method, number of months.
    pub subtitle: &'a str,
    /// The signal in words.
    pub reading: &'a Reading,
    /// Monthly values at level all, by month.
    pub months: &'a [&'a Rate],
    /// How values are written.
    pub format: &'a ValueFormat,
    /// Lowest possible value, for the axis.
    pub floor: Option<f64>,
    /// Highest possible value, for the axis.
    pub ceiling: Option<f64>,
    /// Threshold of suppression, for the note.
    pub suppress_below: i64,
}

/// Left and right margin of the header.
pub const MARGIN: f64 = 20.0;

/// Draws a run chart; nothing where there is no month.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn draw(chart: &RunChart) -> Result<Option<Drawing>, String> {
    let (Some(first), Some(last)) = (chart.months.first(), chart.months.last()) else { return Ok(None) };
    let mut plot = Plot::new(chart, first.period, last.period);
    let (header, header_height) = header(chart)?;
    let keys = key_lines(chart, &plot);
    let below = 52.0 + 20.0 * keys.len() as f64 + 8.0;
    let height = header_height + PLOT_HEIGHT + 14.0 + below;
    plot.top = header_height + 14.0;

    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, CHART_WIDTH, height);
    bands(&mut canvas, chart, &plot);
    axes(&mut canvas, chart, &plot, first.period, last.period);
    centre(&mut canvas, chart, &plot);
    lines(&mut canvas, chart, &plot);
    points(&mut canvas, chart, &plot);
    right_labels(&mut canvas, chart, &plot);
    for (line, keys) in keys.iter().enumerate() {
        let mut x = PLOT_LEFT;
        let y = plot.bottom() + 58.0 + 20.0 * line as f64;
        for key in keys {
            key.mark(&mut canvas, (x + 6.0, y));
            canvas.text(&key.words(chart), (x + 18.0, y), Align::Left, label(MUTED));
            x += key.width(chart);
        }
    }
    canvas.finish().map_or(Ok(()), Err)?;
    Ok(Some(Drawing {
        header,
        body: Drawing::elements(&svg),
        width: CHART_WIDTH,
        height,
        header_height,
        title: format!("Run chart: {}", chart.title),
        description: description(chart),
    }))
}

/// Title, subtitle and the signal in words, with the height that they take.
fn header(chart: &RunChart) -> Result<(String, f64), String> {
    let room = CHART_WIDTH - 2.0 * MARGIN;
    let title = Type { size: TITLE_SIZE, bold: true, ink: TEXT };
    let subtitle = Type { size: SUBTITLE_SIZE, bold: false, ink: MUTED };
    let signal = match chart.reading.verdict {
        Verdict::Signal => Type { size: SUBTITLE_SIZE, bold: true, ink: SIGNAL },
        _ => subtitle,
    };
    let sentence = chart.reading.sentence();
    let parts =
        [(chart.title, title, 2, 23.0), (chart.subtitle, subtitle, 2, 18.0), (sentence.as_str(), signal, 3, 18.0)];
    let mut lines: Vec<(String, Type, f64)> = Vec::new();
    let mut y = 10.0;
    for (text, kind, most, step) in parts {
        for line in wrap(text, kind, room, most) {
            lines.push((line, kind, y + step / 2.0));
            y += step;
        }
        y += 2.0;
    }
    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, CHART_WIDTH, y);
    for (line, kind, at) in &lines {
        canvas.text(line, (MARGIN, *at), Align::Left, *kind);
    }
    canvas.finish().map_or(Ok(()), Err)?;
    Ok((Drawing::elements(&svg), y))
}

fn description(chart: &RunChart) -> String {
    let latest = chart.months.iter().rev().find(|rate| rate.is_final);
    let latest = latest.map(|rate| {
        let value = rate.shown().map_or_else(|| "not shown".to_owned(), |value| chart.format.value(value));
        format!(" Latest final month: {}, {value}.", format::month_long(rate.period))
    });
    let median = chart.reading.centre.map(|centre| format!(" Median {}.", chart.format.value(centre)));
    format!(
        "{}. {}{}{} The numbers are in the table below the chart.",
        chart.subtitle,
        chart.reading.sentence(),
        median.unwrap_or_default(),
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
            reading: &Reading::of(&measure, &[], &[]),
            months: &months.iter().collect::<Vec<_>>(),
            format: &ValueFormat::of(&measure),
            floor: Some(0.0),
            ceiling: Some(100.0),
            suppress_below: 11,
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
