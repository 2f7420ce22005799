//! The head of a chart: title, subtitle, and what it says, in words.

use super::canvas::{Align, Canvas, Type, wrap};
use super::svg::Drawing;
use crate::theme::{CHART_WIDTH, Ink, MUTED, SUBTITLE_SIZE, TEXT, TITLE_SIZE};

/// Left and right margin of the head.
pub const MARGIN: f64 = 20.0;

/// The head's elements, with the height that they take; `signal` is the colour of a sentence that tells of one.
///
/// # Errors
/// What the drawing backend refused, in words.
pub fn header(title: &str, subtitle: &str, sentence: &str, signal: Option<Ink>) -> Result<(String, f64), String> {
    let room = CHART_WIDTH - 2.0 * MARGIN;
    let title_type = Type { size: TITLE_SIZE, bold: true, ink: TEXT };
    let plain = Type { size: SUBTITLE_SIZE, bold: false, ink: MUTED };
    let signal = signal.map_or(plain, |ink| Type { size: SUBTITLE_SIZE, bold: true, ink });
    let parts = [(title, title_type, 2, 23.0), (subtitle, plain, 2, 18.0), (sentence, signal, 3, 18.0)];
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
