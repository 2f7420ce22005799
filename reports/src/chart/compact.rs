//! A drawing's elements in few bytes, as HTML within the page (not as XML): neighbours of one kind become one path, what all texts share stands in the
//! style sheet. Nothing changes its place or its order.

use std::fmt::Write as _;

/// Size of labels in drawing units, which the style sheet gives.
const LABEL_UNITS: &str = "24";
/// Drawing units in a CSS pixel, as [`crate::theme::UNITS`].
const UNITS_A_PIXEL: i64 = 2;
/// Width in drawing units of most lines, which the style sheet gives.
const LINE_UNITS: i64 = 2;

/// An element whose colours are classes already.
struct Element<'a> {
    tag: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    text: String,
}

impl<'a> Element<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    /// A length in CSS pixels: the drawing has half pixels, which no one sees in a page.
    fn number(&self, name: &str) -> Option<i64> {
        whole(self.get(name)?)
    }
}

fn whole(units: &str) -> Option<i64> {
    let units: i64 = units.parse().ok()?;
    Some((units + 1).div_euclid(UNITS_A_PIXEL))
}

/// Lines of elements as the backend writes them, each tag on a line, a text's words on lines of their own.
fn elements(svg: &str) -> Vec<Element<'_>> {
    let mut found: Vec<Element> = Vec::new();
    for line in svg.lines().filter(|line| *line != "</text>") {
        match line.strip_prefix('<') {
            Some(rest) => {
                let rest = rest.trim_end_matches('>').trim_end_matches('/');
                let (tag, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                // Values never hold a quote: the backend escapes it.
                let attributes = rest
                    .split("\" ")
                    .filter_map(|part| part.trim_end_matches('"').split_once("=\""))
                    .map(|(key, value)| (key.trim(), value))
                    .collect();
                found.push(Element { tag, attributes, text: String::new() });
            }
            None => {
                if let Some(last) = found.last_mut() {
                    last.text.push_str(line);
                }
            }
        }
    }
    found
}

/// A path under way: its class, what is drawn so far, and where the pen is.
struct Path {
    class: String,
    d: String,
    pen: Point,
    /// Lengths of the strokes and of the gaps between them, while all lie on one level line one after the other.
    dashes: Option<Vec<(i64, i64)>>,
    /// Whether the last thing drawn was a step of an unbroken line.
    steps: bool,
}

type Point = (i64, i64);

impl Path {
    fn new(class: String) -> Self {
        Self { class, d: String::new(), pen: (0, 0), dashes: Some(Vec::new()), steps: false }
    }

    fn to(&mut self, from: Point, to: Point) {
        let level = from.1 == to.1 && (self.d.is_empty() || from.1 == self.pen.1) && to.0 > from.0;
        let gap = if self.d.is_empty() { 0 } else { from.0 - self.pen.0 };
        match self.dashes.as_mut().filter(|_| level && gap >= 0) {
            Some(dashes) => dashes.push((to.0 - from.0, gap)),
            None => self.dashes = None,
        }
        let step_from = (from.0 - self.pen.0, from.1 - self.pen.1);
        // Writing to a text cannot fail.
        if self.d.is_empty() {
            let _ = write!(self.d, "M{} {}", from.0, from.1);
            self.pen = from;
        } else if from != self.pen {
            self.steps = false;
            self.pen = from;
            self.d.push('m');
            pair(&mut self.d, step_from);
        }
        let _ = match (to.0 - from.0, to.1 - from.1) {
            (across, 0) => write!(self.d, "h{across}"),
            (0, down) => write!(self.d, "v{down}"),
            step => {
                // One letter for all steps of an unbroken line.
                if from == self.pen && self.steps {
                    if step.0 >= 0 {
                        self.d.push(' ');
                    }
                } else {
                    self.d.push('l');
                }
                pair(&mut self.d, step);
                self.steps = true;
                self.pen = to;
                return;
            }
        };
        self.steps = false;
        self.pen = to;
    }

    /// A closed shape.
    fn shape(&mut self, points: &[Point]) {
        self.dashes = None;
        self.steps = false;
        let Some(first) = points.first() else { return };
        if self.d.is_empty() {
            let _ = write!(self.d, "M{} {}", first.0, first.1);
        } else {
            self.d.push('m');
            pair(&mut self.d, (first.0 - self.pen.0, first.1 - self.pen.1));
        }
        let mut last = *first;
        self.d.push('l');
        for (place, point) in points.iter().enumerate().skip(1) {
            let step = (point.0 - last.0, point.1 - last.1);
            if place > 1 && step.0 >= 0 {
                self.d.push(' ');
            }
            pair(&mut self.d, step);
            last = *point;
        }
        self.d.push('z');
        self.pen = *first;
    }

    /// The whole stroke and the lengths of dash and gap, where it is a dashed level line.
    fn dashed(&self) -> Option<(i64, i64, i64)> {
        let dashes = self.dashes.as_ref().filter(|dashes| dashes.len() > 4)?;
        let (dash, gap) = (dashes.first()?.0, dashes.get(1)?.1);
        let alike = dashes.iter().skip(1).rev().skip(1).all(|one| *one == (dash, gap));
        (alike && gap > 0).then(|| (dashes.iter().map(|(dash, gap)| dash + gap).sum(), dash, gap))
    }
}

/// Two numbers, with a blank between them only where the second has no sign.
fn pair(out: &mut String, (x, y): Point) {
    let _ = if y < 0 { write!(out, "{x}{y}") } else { write!(out, "{x} {y}") };
}

/// The same drawing in fewer bytes.
pub fn compact(svg: &str) -> String {
    let mut out = String::with_capacity(svg.len() / 3);
    let mut path: Option<Path> = None;
    let mut texts: Option<Texts> = None;
    for element in elements(svg) {
        let Some(Drawn { class, points, closed }) = drawn(&element) else {
            flush(&mut out, path.take());
            match texts.as_mut() {
                Some(under_way) if element.tag == "text" && under_way.takes(&element) => under_way.add(&element),
                _ => {
                    write_texts(&mut out, texts.take());
                    if element.tag == "text" {
                        texts = Some(Texts::begin(&element));
                    } else {
                        plain(&mut out, &element);
                    }
                }
            }
            continue;
        };
        write_texts(&mut out, texts.take());
        if path.as_ref().is_some_and(|path| path.class != class) {
            flush(&mut out, path.take());
        }
        let under_way = path.get_or_insert_with(|| Path::new(class));
        if closed {
            under_way.shape(&points);
        } else {
            for pair in points.windows(2) {
                under_way.to(pair[0], pair[1]);
            }
        }
    }
    flush(&mut out, path);
    write_texts(&mut out, texts);
    out
}

/// Texts of one kind under way.
struct Texts {
    /// Class and attributes of all.
    kind: String,
    /// Place and words of each.
    parts: Vec<(String, String, String)>,
}

impl Texts {
    fn begin(element: &Element) -> Self {
        let mut texts = Self { kind: kind(element), parts: Vec::new() };
        texts.add(element);
        texts
    }

    fn takes(&self, element: &Element) -> bool {
        self.kind == kind(element)
    }

    fn add(&mut self, element: &Element) {
        let at = |name| element.number(name).unwrap_or(0).to_string();
        self.parts.push((at("x"), at("y"), element.text.clone()));
    }
}

/// What texts have in common, but for their place.
fn kind(element: &Element) -> String {
    let mut kind = String::new();
    for (key, value) in &element.attributes {
        let known = match *key {
            "x" | "y" | "dy" | "text-anchor" => true,
            "font-size" => *value == LABEL_UNITS,
            _ => false,
        };
        let anchor = match element.get("text-anchor") {
            Some("middle") => " m",
            Some("end") => " e",
            _ => "",
        };
        // Sizes are made by division and carry its dust.
        let mut value =
            value.parse::<f64>().map_or_else(|_| (*value).to_owned(), |number| format!("{:.1}", number / 2.0));
        if *key == "class" {
            value.push_str(anchor);
        }
        if !known {
            let _ = write!(kind, " {key}=\"{value}\"");
        }
    }
    kind
}

fn write_texts(out: &mut String, texts: Option<Texts>) {
    let Some(Texts { kind, parts }) = texts else { return };
    if let [(x, y, words)] = &parts[..] {
        let _ = write!(out, "<text{kind} x={x} y={y}>{words}</text>");
        return;
    }
    let y = parts.first().map(|part| &part.1).filter(|one| parts.iter().all(|part| part.1 == **one));
    let _ = write!(out, "<text{kind}");
    if let Some(y) = y {
        let _ = write!(out, " y={y}");
    }
    out.push('>');
    for part in &parts {
        out.push_str("<tspan");
        // Every part needs a place of its own to be a text of its own.
        let _ = write!(out, " x={}", part.0);
        if y.is_none() {
            let _ = write!(out, " y={}", part.1);
        }
        let _ = write!(out, ">{}</tspan>", part.2);
    }
    out.push_str("</text>");
}

fn flush(out: &mut String, path: Option<Path>) {
    let Some(path) = path else { return };
    let Path { class, d, .. } = &path;
    let _ = match path.dashed() {
        Some((whole, dash, gap)) => {
            let start = d.split_once('h').map_or(d.as_str(), |(start, _)| start);
            write!(
                out,
                "<path class=\"{class}\" stroke-dasharray=\"{dash} {gap}\" stroke-linecap=\"butt\" d=\"{start}h{whole}\"/>"
            )
        }
        None => write!(out, "<path class={} d=\"{d}\"/>", quoted(class)),
    };
}

/// An attribute's value, in quotes only where HTML needs them.
fn quoted(value: &str) -> String {
    if value.contains(' ') { format!("\"{value}\"") } else { value.to_owned() }
}

/// What an element draws: its class, with that of its width, and its points.
struct Drawn {
    class: String,
    points: Vec<Point>,
    closed: bool,
}

/// A line, an open polygon, a filled point or a filled shape; nothing for other elements.
fn drawn(element: &Element) -> Option<Drawn> {
    let class = element.get("class")?;
    let at = |x, y| Some((element.number(x)?, element.number(y)?));
    let points = || -> Option<Vec<Point>> {
        let pairs = element.get("points")?.split_whitespace();
        pairs.map(|pair| pair.split_once(',').and_then(|(x, y)| Some((whole(x)?, whole(y)?)))).collect()
    };
    let units = |name| element.get(name)?.parse::<i64>().ok();
    let stroke = |width: i64, points| {
        let class = if width == LINE_UNITS { class.to_owned() } else { format!("{class} w{width}") };
        Some(Drawn { class, points, closed: false })
    };
    match element.tag {
        "line" => stroke(units("stroke-width")?, vec![at("x1", "y1")?, at("x2", "y2")?]),
        "polyline" => stroke(units("stroke-width")?, points()?),
        "polygon" => Some(Drawn { class: class.to_owned(), points: points()?, closed: true }),
        "circle" if element.get("fill").is_none() && element.get("stroke") == Some("none") => {
            let (at, width) = (at("cx", "cy")?, 2 * units("r")?);
            // A line of no length with round ends is a point.
            let class = format!("{} w{width}", class.replacen("f-", "s-", 1));
            Some(Drawn { class, points: vec![at, at], closed: false })
        }
        _ => None,
    }
}

/// An element as it is, without what says nothing.
fn plain(out: &mut String, element: &Element) {
    let _ = write!(out, "<{}", element.tag);
    for (key, value) in &element.attributes {
        if matches!((*key, *value), ("stroke-width", "0") | ("stroke" | "fill", "none")) {
            continue;
        }
        let length = element.number(key).filter(|_| matches!(*key, "cx" | "cy" | "x" | "y" | "width" | "height"));
        // Thin lines and small points keep their half pixels.
        let half = element
            .get(key)
            .and_then(|value| value.parse::<f64>().ok())
            .filter(|_| matches!(*key, "r" | "stroke-width"));
        let _ = match (length, half) {
            (Some(length), _) => write!(out, " {key}=\"{length}\""),
            (_, Some(units)) => write!(out, " {key}=\"{}\"", units / UNITS_A_PIXEL as f64),
            _ => write!(out, " {key}=\"{}\"", value.trim_end()),
        };
    }
    out.push_str("/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_points_of_one_kind_become_one_path() {
        let svg = "<line class=\"s-data\" stroke-width=\"2\" x1=\"0\" y1=\"10\" x2=\"16\" y2=\"10\"/>\n\
                   <line class=\"s-data\" stroke-width=\"2\" x1=\"24\" y1=\"10\" x2=\"40\" y2=\"10\"/>\n\
                   <polyline class=\"s-data\" fill=\"none\" stroke-width=\"2\" points=\"40,10 60,18 \"/>\n\
                   <circle class=\"f-data\" cx=\"8\" cy=\"12\" r=\"7\" stroke=\"none\" stroke-width=\"0\"/>\n\
                   <text class=\"f-muted\" x=\"2\" y=\"4\" dy=\"0.5ex\" text-anchor=\"end\" font-size=\"24\">\n0%\n</text>\n\
                   <text class=\"f-muted\" x=\"2\" y=\"18\" dy=\"0.5ex\" text-anchor=\"end\" font-size=\"24\">\n5%\n</text>\n";
        assert_eq!(
            compact(svg),
            "<path class=s-data d=\"M0 5h8m4 0h8l10 4\"/><path class=\"s-data w14\" d=\"M4 6h0\"/>\
             <text class=\"f-muted e\"><tspan x=1 y=2>0%</tspan><tspan x=1 y=9>5%</tspan></text>"
        );
    }
}
