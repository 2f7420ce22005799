//! A funnel: each organization's value at its size, among the limits that the size allows. Those outside are named.

use super::canvas::{Align, Canvas, bold, label, width};
use super::header::header;
use super::scale::Scale;
use super::svg::Drawing;
use crate::format::{self, ValueFormat};
use crate::model::{FunnelCurve, FunnelSite, Limits};
use crate::theme::{AXIS, BAND, BAND_PROVISIONAL, CENTRE, CHART_WIDTH, DATA, GRID, MUTED, PLOT_HEIGHT, meaning};

use super::plot::{PLOT_LEFT, PLOT_RIGHT};
use super::run_chart::TOP;

/// Characters of a name in the chart.
const NAME: usize = 28;

/// What a funnel shows.
pub struct FunnelChart<'a> {
    /// Title.
    pub title: &'a str,
    /// What is compared with what.
    pub subtitle: &'a str,
    /// Who lies outside, in a sentence.
    pub sentence: &'a str,
    /// Organizations, with their names as they may be shown.
    pub sites: &'a [(String, &'a FunnelSite)],
    /// Limits by size.
    pub curve: &'a [&'a FunnelCurve],
    /// What the size counts, in the plural.
    pub units: &'a str,
    /// How values are written.
    pub format: &'a ValueFormat,
    /// Lowest possible value, for the axis.
    pub floor: Option<f64>,
    /// Highest possible value, for the axis.
    pub ceiling: Option<f64>,
}

/// Draws a funnel; nothing without organizations or limits.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn draw(chart: &FunnelChart) -> Result<Option<Drawing>, String> {
    let (Some((_, site)), Some(first), Some(last)) = (chart.sites.first(), chart.curve.first(), chart.curve.last())
    else {
        return Ok(None);
    };
    let centre = site.centre;
    let outside = |site: &FunnelSite| site.position == "alarm";
    // The gravest of what is outside.
    let meanings = || chart.sites.iter().filter(|(_, site)| outside(site)).map(|(_, site)| site.meaning.as_str());
    let signal = meanings().find(|word| *word == "worse").or_else(|| meanings().next()).map(meaning);
    let (header, header_height) = header(chart.title, chart.subtitle, chart.sentence, signal)?;
    let top = TOP;
    let height = top + PLOT_HEIGHT + 80.0;
    let values: Vec<f64> = chart.sites.iter().map(|(_, site)| site.value).chain([centre]).collect();
    let limits: Vec<f64> =
        chart.sites.iter().flat_map(|(_, site)| [site.limits.lower_998, site.limits.upper_998]).collect();
    let scale = Scale::of(&values, &limits, chart.floor, chart.ceiling);
    let sizes = Scale::of(&[first.size, last.size], &[], Some(0.0), None);
    let y = |value: f64| top + PLOT_HEIGHT * (1.0 - scale.share(value));
    let x = |size: f64| PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * sizes.share(size);

    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, CHART_WIDTH, height);
    for (ink, low, high) in [
        (
            BAND_PROVISIONAL,
            (|limits| limits.lower_998) as fn(&Limits) -> f64,
            (|limits| limits.upper_998) as fn(&Limits) -> f64,
        ),
        (BAND, |limits| limits.lower_95, |limits| limits.upper_95),
    ] {
        let above = chart.curve.iter().map(|point| (x(point.size), y(high(&point.limits))));
        let below = chart.curve.iter().rev().map(|point| (x(point.size), y(low(&point.limits))));
        canvas.area(&above.chain(below).collect::<Vec<_>>(), ink);
    }
    for tick in &scale.ticks {
        canvas.line((PLOT_LEFT, y(*tick)), (PLOT_RIGHT, y(*tick)), GRID, 1.0);
    }
    for tick in &scale.ticks {
        let words = chart.format.rounded(*tick, scale.decimals);
        canvas.text(&words, (PLOT_LEFT - 9.0, y(*tick)), Align::Right, label(MUTED));
    }
    let base = top + PLOT_HEIGHT;
    canvas.line((PLOT_LEFT, base), (PLOT_RIGHT, base), AXIS, 1.0);
    for tick in &sizes.ticks {
        canvas.line((x(*tick), base), (x(*tick), base + 6.0), AXIS, 1.0);
    }
    for tick in &sizes.ticks {
        canvas.text(&format::amount(*tick), (x(*tick), base + 16.0), Align::Middle, label(MUTED));
    }
    canvas.text(chart.units, (PLOT_RIGHT, base + 34.0), Align::Right, label(MUTED));
    canvas.line((PLOT_LEFT, y(centre)), (PLOT_RIGHT, y(centre)), CENTRE, 1.0);
    let all = format!("all {}", chart.format.value(centre));
    canvas.text(&all, (PLOT_RIGHT + 10.0, y(centre)), Align::Left, label(CENTRE));
    for (_, site) in chart.sites.iter().filter(|(_, site)| !outside(site)) {
        canvas.dot((x(site.size), y(site.value)), 3.5, DATA);
    }
    names(&mut canvas, chart, &|site| (x(site.size), y(site.value)));
    canvas.finish().map_or(Ok(()), Err)?;
    let keys = foot(base + 58.0, height)?;
    Ok(Some(Drawing {
        header,
        under: String::new(),
        axis: String::new(),
        body: Drawing::elements(&svg),
        keys,
        width: CHART_WIDTH,
        height,
        keys_height: 32.0,
        header_height,
        title: format!("Funnel: {}", chart.title),
        description: chart.sentence.to_owned(),
    }))
}

/// What marks mean, at the foot of the drawing.
fn foot(key: f64, height: f64) -> Result<String, String> {
    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, CHART_WIDTH, height);
    canvas.area(
        &[(PLOT_LEFT, key - 5.0), (PLOT_LEFT + 14.0, key - 5.0), (PLOT_LEFT + 14.0, key + 5.0), (PLOT_LEFT, key + 5.0)],
        BAND,
    );
    canvas.text("95% limits", (PLOT_LEFT + 22.0, key), Align::Left, label(MUTED));
    let next = PLOT_LEFT + 110.0;
    canvas.area(
        &[(next, key - 5.0), (next + 14.0, key - 5.0), (next + 14.0, key + 5.0), (next, key + 5.0)],
        BAND_PROVISIONAL,
    );
    canvas.text("99.8% limits", (next + 22.0, key), Align::Left, label(MUTED));
    for (place, (word, said)) in
        [("worse", "worse"), ("better", "better"), ("", "outside 99.8%")].into_iter().enumerate()
    {
        let at = next + 130.0 + 70.0 * place as f64;
        canvas.diamond((at, key), 5.0, meaning(word));
        canvas.text(said, (at + 12.0, key), Align::Left, label(MUTED));
    }
    canvas.finish().map_or(Ok(()), Err)?;
    Ok(Drawing::elements(&svg))
}

/// Marks and names of organizations outside the limits; a name that would stand on another is left to the table.
fn names(canvas: &mut Canvas, chart: &FunnelChart, at: &dyn Fn(&FunnelSite) -> (f64, f64)) {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for (name, site) in chart.sites.iter().filter(|(_, site)| site.position == "alarm") {
        let (x, y) = at(site);
        let ink = meaning(&site.meaning);
        canvas.diamond((x, y), 5.0, ink);
        let mut words: String = name.chars().take(NAME).collect();
        if words.len() < name.len() {
            words.push('…');
        }
        let kind = bold(ink);
        let room = width(&words, kind);
        let fits_right = x + 10.0 + room < CHART_WIDTH - 4.0;
        let (from, align) = if fits_right { (x + 9.0, Align::Left) } else { (x - 9.0 - room, Align::Right) };
        let free =
            taken.iter().all(|(left, right, line)| from > *right || from + room < *left || (y - line).abs() > 14.0);
        if free {
            let point = if fits_right { (x + 9.0, y) } else { (x - 9.0, y) };
            canvas.text(&words, point, align, kind);
            taken.push((from, from + room, y));
        }
    }
}
