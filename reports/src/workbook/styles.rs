//! How cells look: few formats, made once.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder};

use crate::format::ValueFormat;

/// The formats of a workbook.
#[derive(Debug)]
pub struct Styles {
    /// Heading of a column.
    pub header: Format,
    /// Short text.
    pub text: Format,
    /// Text that may need several lines.
    pub wrapped: Format,
    /// A word in a number's place.
    pub absent: Format,
    /// A day.
    pub date: Format,
    /// A whole number.
    pub whole: Format,
    /// A sum that is not whole.
    pub broken: Format,
}

impl Styles {
    /// All of them.
    pub fn new() -> Self {
        let top = || Format::new().set_align(FormatAlign::Top);
        Self {
            header: top().set_bold().set_text_wrap().set_border_bottom(FormatBorder::Thin),
            text: top(),
            wrapped: top().set_text_wrap(),
            absent: top().set_italic().set_align(FormatAlign::Right),
            date: top().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
            whole: top().set_num_format("#,##0"),
            broken: top().set_num_format("#,##0.00"),
        }
    }

    /// A sum of units: with decimals only where it has any.
    pub fn amount(&self, amount: f64) -> &Format {
        if (amount - amount.round()).abs() < 1e-9 { &self.whole } else { &self.broken }
    }

    /// A measure's values with its decimals and its sign of unit. The sign is text in the pattern: a value of 12.8 with
    /// the unit % is 12.8, not 0.128.
    pub fn value(format: &ValueFormat) -> Format {
        Format::new().set_align(FormatAlign::Top).set_num_format(pattern(format))
    }
}

fn pattern(format: &ValueFormat) -> String {
    let quoted = |sign: &str| if sign.is_empty() { String::new() } else { format!("\"{sign}\"") };
    let decimals = if format.decimals == 0 { String::new() } else { format!(".{}", "0".repeat(format.decimals)) };
    format!("{}#,##0{decimals}{}", quoted(&format.prefix), quoted(format.suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_follow_unit_and_decimals() {
        let of = |prefix: &str, suffix, decimals| {
            pattern(&ValueFormat { prefix: prefix.to_owned(), suffix, unit: String::new(), decimals })
        };
        assert_eq!(of("", "%", 1), "#,##0.0\"%\"");
        assert_eq!(of("$", "", 2), "\"$\"#,##0.00");
        assert_eq!(of("", "", 0), "#,##0");
    }
}
