//! The two forms of a drawing: a file of its own, and the copy inside the page that follows light and dark.

use std::fmt::Write as _;

use super::compact::compact;
use crate::theme::{FONT_STACK, INKS, PAPER, UNITS, hex};

/// A finished drawing. The header (title, subtitle, signal) is kept apart: the page says it in its own text.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// Elements of the header.
    pub header: String,
    /// Elements below the month axis: bands and grid.
    pub under: String,
    /// The month axis.
    pub axis: String,
    /// Elements of the rest.
    pub body: String,
    /// Elements that say what marks mean, at the foot: the page says that once for all charts.
    pub keys: String,
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels, without the header.
    pub height: f64,
    /// Height of the foot in CSS pixels.
    pub keys_height: f64,
    /// Height of the header in CSS pixels.
    pub header_height: f64,
    /// What the chart is, for those who hear it.
    pub title: String,
    /// What the chart shows, for those who hear it.
    pub description: String,
}

impl Drawing {
    /// The elements of what the backend wrote: without its outer `svg`, and without the opacity that is always 1.
    pub fn elements(svg: &str) -> String {
        let inner = svg.split_once(">\n").map_or("", |(_, rest)| rest);
        inner.trim_end().trim_end_matches("</svg>").replace(" opacity=\"1\"", "")
    }

    /// A file of its own, in the light colours.
    pub fn file(&self) -> String {
        let whole = self.height + self.header_height;
        let (width, height) = (self.width * UNITS, whole * UNITS);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{whole}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n{}\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n{}<g transform=\"translate(0 {})\">\n{}{}{}{}</g>\n</svg>\n",
            self.width,
            self.words(),
            hex(PAPER.light),
            self.header,
            self.header_height * UNITS,
            self.under,
            self.axis,
            self.body,
            self.keys,
        )
    }

    /// The month axis in the form of the page.
    pub fn inline_axis(&self) -> String {
        compact(&classes(&self.axis))
    }

    /// The copy inside the page: no header, and a class for each colour. It stands under its measure's heading; what it shows
    /// is the page's text with this id;
    /// an axis that stands in the page already is referred to by its id.
    pub fn inline(&self, described_by: &str, known_axis: Option<(&str, &str)>) -> String {
        let axis = self.inline_axis();
        let axis = match known_axis {
            Some((id, known)) if known == axis && !axis.is_empty() => format!("<use href=#{id} />"),
            _ => axis,
        };
        format!(
            "<svg class=chart viewBox=\"0 0 {} {:.0}\" role=img aria-label=\"{}\" aria-describedby={described_by}>{}{axis}{}</svg>",
            self.width,
            self.height - self.keys_height,
            escaped(self.title.split(':').next().unwrap_or_default()),
            compact(&classes(&self.under)),
            compact(&classes(&self.body)),
        )
    }

    fn words(&self) -> String {
        format!("<title>{}</title>\n<desc>{}</desc>\n", escaped(&self.title), escaped(&self.description))
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Elements with a class in place of each colour, and without the font, which the page's style gives. The backend
/// writes one element's tag a line, and escapes quotes in text, so only attributes can match.
fn classes(elements: &str) -> String {
    let font = format!(" font-family=\"{FONT_STACK}\"");
    let mut out = String::with_capacity(elements.len());
    for line in elements.lines() {
        if !line.starts_with('<') || line.starts_with("</") {
            let _ = writeln!(out, "{line}");
            continue;
        }
        let mut line = line.replace(&font, "");
        let mut names: Vec<String> = Vec::new();
        for ink in INKS {
            let colour = hex(ink.light);
            for (attribute, prefix) in [("fill", "f"), ("stroke", "s")] {
                let wanted = format!(" {attribute}=\"{colour}\"");
                if line.contains(&wanted) {
                    line = line.replace(&wanted, "");
                    names.push(format!("{prefix}-{}", ink.name));
                }
            }
        }
        let end = line.find([' ', '>']).unwrap_or(line.len());
        let (tag, rest) = line.split_at(end);
        if names.is_empty() {
            let _ = writeln!(out, "{tag}{rest}");
        } else {
            let _ = writeln!(out, "{tag} class=\"{}\"{rest}", names.join(" "));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes() {
        let line = "<circle cx=\"4\" fill=\"none\" stroke=\"#255387\" stroke-width=\"3\"/>\n";
        assert_eq!(classes(line), "<circle class=\"s-data\" cx=\"4\" fill=\"none\" stroke-width=\"3\"/>\n");
    }
}
