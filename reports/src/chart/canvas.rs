//! A drawing surface in CSS pixels over plotters' SVG backend, which draws on whole units.

use std::sync::LazyLock;

use plotters::prelude::{Color, DrawingBackend, FontStyle, IntoFont, RGBColor, SVGBackend, ShapeStyle, TextStyle};
use plotters::style::register_font;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::theme::{FONT_BOLD, FONT_REGULAR, FONT_STACK, Ink, LABEL_SIZE, UNITS};

/// The backend divides a font's size by this before it writes it; see `plotters-svg`.
const BACKEND_FONT_FACTOR: f64 = 1.24;

/// Registered under the whole stack, so that the drawing names the fallbacks too.
static FONTS: LazyLock<bool> = LazyLock::new(|| {
    register_font(FONT_STACK, FontStyle::Normal, FONT_REGULAR).is_ok()
        && register_font(FONT_STACK, FontStyle::Bold, FONT_BOLD).is_ok()
});

/// A point in CSS pixels.
pub type Point = (f64, f64);

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    /// Size in CSS pixels.
    pub size: f64,
    /// Bold or not.
    pub bold: bool,
    /// Colour.
    pub ink: Ink,
}

/// A label in a chart.
pub const fn label(ink: Ink) -> Type {
    Type { size: LABEL_SIZE, bold: false, ink }
}

/// A bold label in a chart.
pub const fn bold(ink: Ink) -> Type {
    Type { size: LABEL_SIZE, bold: true, ink }
}

/// Where a text stands against its point.
#[derive(Debug, Clone, Copy)]
pub enum Align {
    /// The text begins at the point.
    Left,
    /// The text is centred on the point.
    Middle,
    /// The text ends at the point.
    Right,
}

/// A drawing surface.
pub struct Canvas<'a> {
    backend: SVGBackend<'a>,
    /// What the backend refused, if it did.
    pub failure: Option<String>,
}

impl<'a> Canvas<'a> {
    /// A surface of this size that writes into `target`.
    pub fn new(target: &'a mut String, width: f64, height: f64) -> Self {
        let size = (units(width).unsigned_abs(), units(height).unsigned_abs());
        let failure = (!*FONTS).then(|| "the embedded font cannot be read".to_owned());
        Self { backend: SVGBackend::with_string(target, size), failure }
    }

    fn keep<E: std::fmt::Display>(&mut self, result: Result<(), E>) {
        if let Err(error) = result {
            self.failure.get_or_insert_with(|| error.to_string());
        }
    }

    /// A straight line.
    pub fn line(&mut self, from: Point, to: Point, ink: Ink, width: f64) {
        let result = self.backend.draw_line(on_grid(from), on_grid(to), &stroke(ink, width));
        self.keep(result);
    }

    /// A dashed straight line; the backend knows only solid ones.
    pub fn dashed(&mut self, from: Point, to: Point, ink: Ink, width: f64, dash: f64, gap: f64) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let mut start = 0.0;
        while start < length {
            let end = (start + dash).min(length);
            let at = |distance: f64| (from.0 + dx * distance / length, from.1 + dy * distance / length);
            self.line(at(start), at(end), ink, width);
            start += dash + gap;
        }
    }

    /// A line through points.
    pub fn path(&mut self, points: &[Point], ink: Ink, width: f64) {
        let result = self.backend.draw_path(points.iter().copied().map(on_grid), &stroke(ink, width));
        self.keep(result);
    }

    /// A filled shape.
    pub fn area(&mut self, points: &[Point], ink: Ink) {
        let result = self.backend.fill_polygon(points.iter().copied().map(on_grid), &fill(ink));
        self.keep(result);
    }

    /// A filled point.
    pub fn dot(&mut self, at: Point, radius: f64, ink: Ink) {
        let result = self.backend.draw_circle(on_grid(at), units(radius).unsigned_abs(), &fill(ink), true);
        self.keep(result);
    }

    /// A hollow point, filled with the paper's colour so that lines do not show through.
    pub fn ring(&mut self, at: Point, radius: f64, ink: Ink, paper: Ink, width: f64) {
        self.dot(at, radius, paper);
        let result = self.backend.draw_circle(on_grid(at), units(radius).unsigned_abs(), &stroke(ink, width), false);
        self.keep(result);
    }

    /// A filled point in the form of a diamond.
    pub fn diamond(&mut self, (x, y): Point, radius: f64, ink: Ink) {
        self.area(&[(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)], ink);
    }

    /// An arrow's head that points up.
    pub fn up(&mut self, (x, y): Point, radius: f64, ink: Ink) {
        self.area(&[(x, y - radius), (x + radius, y + radius), (x - radius, y + radius)], ink);
    }

    /// A small cross.
    pub fn cross(&mut self, (x, y): Point, arm: f64, ink: Ink, width: f64) {
        self.line((x - arm, y - arm), (x + arm, y + arm), ink, width);
        self.line((x - arm, y + arm), (x + arm, y - arm), ink, width);
    }

    /// A text whose middle stands at the point's height.
    pub fn text(&mut self, text: &str, at: Point, align: Align, kind: Type) {
        // Control characters may not stand in XML.
        let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = style(kind).pos(Pos::new(horizontal, VPos::Center));
        let result = self.backend.draw_text(&text, &style, on_grid(at));
        self.keep(result);
    }

    /// Ends the drawing; what the backend refused, if it did.
    pub fn finish(mut self) -> Option<String> {
        let result = self.backend.present();
        self.keep(result);
        self.failure.take()
    }
}

/// Width of a text in CSS pixels.
pub fn width(text: &str, kind: Type) -> f64 {
    if !*FONTS {
        return 0.0;
    }
    let size = kind.size * UNITS * BACKEND_FONT_FACTOR;
    let font = (FONT_STACK, size).into_font().style(weight(kind));
    font.box_size(text).map_or(0.0, |(width, _)| f64::from(width) / UNITS)
}

/// A text in lines no wider than `limit`; at most `lines`, the last one cut with an ellipsis.
pub fn wrap(text: &str, kind: Type, limit: f64, lines: usize) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || width(&longer, kind) <= limit {
            line = longer;
        } else if done.len() + 1 == lines {
            line.push('…');
            break;
        } else {
            done.push(std::mem::replace(&mut line, word.to_owned()));
        }
    }
    while width(&line, kind) > limit && line.chars().count() > 1 {
        line.truncate(line.trim_end_matches('…').len());
        line.pop();
        line.push('…');
    }
    done.push(line);
    done
}

#[expect(clippy::cast_possible_truncation, reason = "a chart is a few thousand units wide; a cast saturates")]
fn units(pixels: f64) -> i32 {
    (pixels * UNITS).round() as i32
}

fn on_grid((x, y): Point) -> (i32, i32) {
    (units(x), units(y))
}

fn colour(ink: Ink) -> RGBColor {
    let [red, green, blue] = ink.light;
    RGBColor(red, green, blue)
}

fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ShapeStyle { color: colour(ink).into(), filled: false, stroke_width: units(width).unsigned_abs() }
}

fn fill(ink: Ink) -> ShapeStyle {
    ShapeStyle { color: colour(ink).into(), filled: true, stroke_width: 0 }
}

fn weight(kind: Type) -> FontStyle {
    if kind.bold { FontStyle::Bold } else { FontStyle::Normal }
}

fn style(kind: Type) -> TextStyle<'static> {
    let size = kind.size * UNITS * BACKEND_FONT_FACTOR;
    let mut style = TextStyle::from((FONT_STACK, size).into_font().style(weight(kind)));
    style.color = colour(kind.ink).to_backend_color();
    style
}
