//! How long units waited: the day by which each tenth of them had the event, one year beside another.

use super::canvas::{Align, Canvas, bold, label};
use super::header::header;
use super::plot::{PLOT_LEFT, PLOT_RIGHT};
use super::run_chart::TOP;
use super::scale::Scale;
use super::svg::Drawing;
use crate::format;
use crate::theme::{AXIS, CENTRE, CHART_WIDTH, DATA, GRID, Ink, MUTED, PAPER, PLOT_HEIGHT};

/// Room between two labels at the right.
const LINE: f64 = 16.0;

/// One year's curve.
pub struct WaitYear {
    /// The year, in words.
    pub label: String,
    /// Whether every unit has been followed up.
    pub is_final: bool,
    /// Days, and the per cent of all units that had the event by then, from few to many.
    pub points: Vec<(f64, f64)>,
}

/// What the drawing shows.
pub struct WaitChart<'a> {
    /// Title.
    pub title: &'a str,
    /// What is counted.
    pub subtitle: &'a str,
    /// What it shows, in a sentence.
    pub sentence: &'a str,
    /// Years, the latest last.
    pub years: &'a [WaitYear],
    /// Unit of the axis of time.
    pub unit: &'a str,
}

/// Draws the curves; nothing where no year has a point.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn draw(chart: &WaitChart) -> Result<Option<Drawing>, String> {
    let days: Vec<f64> = chart.years.iter().flat_map(|year| &year.points).map(|(days, _)| *days).collect();
    if days.is_empty() {
        return Ok(None);
    }
    let (header, header_height) = header(chart.title, chart.subtitle, chart.sentence, None)?;
    let height = TOP + PLOT_HEIGHT + 44.0;
    let base = TOP + PLOT_HEIGHT;
    let across = Scale::of(&days, &[0.0], Some(0.0), None);
    let x = |days: f64| PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * across.share(days);
    let y = |share: f64| base - PLOT_HEIGHT * share / 100.0;

    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, CHART_WIDTH, height);
    let shares = [0.0, 25.0, 50.0, 75.0, 100.0];
    for share in shares {
        canvas.line((PLOT_LEFT, y(share)), (PLOT_RIGHT, y(share)), GRID, 1.0);
    }
    for share in shares {
        let words = format!("{}%", format::number(share, 0));
        canvas.text(&words, (PLOT_LEFT - 9.0, y(share)), Align::Right, label(MUTED));
    }
    canvas.line((PLOT_LEFT, base), (PLOT_RIGHT, base), AXIS, 1.0);
    for tick in &across.ticks {
        canvas.line((x(*tick), base), (x(*tick), base + 6.0), AXIS, 1.0);
    }
    for tick in &across.ticks {
        canvas.text(&format::amount(*tick), (x(*tick), base + 16.0), Align::Middle, label(MUTED));
    }
    canvas.text(chart.unit, (PLOT_RIGHT, base + 34.0), Align::Right, label(MUTED));

    // The latest year in the data's colour, those before it in the paler one.
    let latest = chart.years.len() - 1;
    let mut labels: Vec<(f64, String, Ink)> = Vec::new();
    for (place, year) in chart.years.iter().enumerate() {
        let ink = if place == latest { DATA } else { CENTRE };
        let points: Vec<(f64, f64)> = year.points.iter().map(|(days, share)| (x(*days), y(*share))).collect();
        canvas.path(&points, ink, if place == latest { 2.0 } else { 1.0 });
        for point in &points {
            if year.is_final {
                canvas.dot(*point, 3.5, ink);
            } else {
                canvas.ring(*point, 3.5, ink, PAPER, 1.5);
            }
        }
        if let Some((_, at)) = points.last() {
            labels.push((*at, year.label.clone(), ink));
        }
    }
    // Labels that would stand on one another move apart.
    labels.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut free = f64::NEG_INFINITY;
    for (at, words, ink) in labels {
        let at = at.max(free);
        canvas.text(&words, (PLOT_RIGHT + 10.0, at), Align::Left, bold(ink));
        free = at + LINE;
    }
    canvas.finish().map_or(Ok(()), Err)?;
    Ok(Some(Drawing {
        header,
        under: String::new(),
        axis: String::new(),
        body: Drawing::elements(&svg),
        keys: String::new(),
        width: CHART_WIDTH,
        height,
        keys_height: 0.0,
        header_height,
        title: format!("Waits: {}", chart.title),
        description: chart.sentence.to_owned(),
    }))
}
