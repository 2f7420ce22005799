//! Every colour, size and font of a report, stated once: charts, their inline copies and the page all read them here.

use std::fmt::Write as _;

/// A colour by its job, with its value on white paper and on a dark screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    /// Name of the CSS variable and of the classes made from it.
    pub name: &'static str,
    /// Red, green and blue on white. No two inks share a value, so that a drawing's colours can be named again.
    pub light: [u8; 3],
    /// Red, green and blue on a dark screen.
    pub dark: [u8; 3],
}

const fn ink(name: &'static str, light: u32, dark: u32) -> Ink {
    const fn split(colour: u32) -> [u8; 3] {
        let [_, red, green, blue] = colour.to_be_bytes();
        [red, green, blue]
    }
    Ink { name, light: split(light), dark: split(dark) }
}

/// Background.
pub const PAPER: Ink = ink("paper", 0x00FF_FFFF, 0x0014_181E);
/// Text.
pub const TEXT: Ink = ink("text", 0x001B_2430, 0x00E8_EBEF);
/// Secondary text and axis labels.
pub const MUTED: Ink = ink("muted", 0x0056_6170, 0x00A7_B1BE);
/// Grid lines.
pub const GRID: Ink = ink("grid", 0x00E3_E7EC, 0x002C_343E);
/// Axis line and its ticks.
pub const AXIS: Ink = ink("axis", 0x0097_A1AE, 0x0060_6B79);
/// Interval band of final months.
pub const BAND: Ink = ink("band", 0x00E2_E8EF, 0x0027_3240);
/// Interval band of provisional months.
pub const BAND_PROVISIONAL: Ink = ink("band-provisional", 0x00F0_F3F7, 0x001D_242D);
/// Values.
pub const DATA: Ink = ink("data", 0x0025_5387, 0x0086_B6EC);
/// Centre line.
pub const CENTRE: Ink = ink("centre", 0x0046_5160, 0x00C0_C9D4);
/// Targets.
pub const TARGET: Ink = ink("target", 0x0061_4C86, 0x00C3_AEE6);
/// What asks for attention: concern.
pub const SIGNAL: Ink = ink("signal", 0x00B0_4A06, 0x00FF_A45E);
/// Improvement.
pub const GOOD: Ink = ink("good", 0x0000_6B8A, 0x0062_CDE4);
/// Background of tiles and table heads.
pub const SURFACE: Ink = ink("surface", 0x00F6_F8FA, 0x001B_2129);
/// Borders.
pub const BORDER: Ink = ink("border", 0x00D3_D9E1, 0x0035_3E4A);
/// Background of what asks for attention.
pub const TINT: Ink = ink("tint", 0x00FD_F4EC, 0x002E_2319);

/// All inks.
pub const INKS: [Ink; 15] =
    [PAPER, TEXT, MUTED, GRID, AXIS, BAND, BAND_PROVISIONAL, DATA, CENTRE, TARGET, SIGNAL, GOOD, SURFACE, BORDER, TINT];

/// The colour of what a signal means, beside the shape and the words that say the same: concern, improvement, or a change
/// of which neither direction is better.
pub fn meaning(meaning: &str) -> Ink {
    match meaning {
        "concern" | "worse" => SIGNAL,
        "improvement" | "better" => GOOD,
        _ => TARGET,
    }
}

/// Font families in order of preference. The first is embedded for the PNG; a browser takes the first that it has.
pub const FONT_STACK: &str = "Inter, system-ui, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif";
/// The embedded font, for body text.
pub const FONT_REGULAR: &[u8] = include_bytes!("../fonts/Inter-Regular.otf");
/// The embedded font, for what is bold.
pub const FONT_BOLD: &[u8] = include_bytes!("../fonts/Inter-SemiBold.otf");

/// Width of a chart in CSS pixels.
pub const CHART_WIDTH: f64 = 820.0;
/// Height of a chart's plotting area.
pub const PLOT_HEIGHT: f64 = 250.0;
/// Drawing units for one CSS pixel: the backend draws on whole units, so two give half-pixel precision.
pub const UNITS: f64 = 2.0;
/// Pixels of a PNG for one CSS pixel.
pub const PNG_SCALE: f32 = 2.0;
/// Size of a chart's title.
pub const TITLE_SIZE: f64 = 17.0;
/// Size of a chart's subtitle and signal sentence.
pub const SUBTITLE_SIZE: f64 = 12.5;
/// Size of labels in a chart.
pub const LABEL_SIZE: f64 = 12.0;

/// The colour as `#RRGGBB`, in capitals as the drawing backend writes it.
pub fn hex(colour: [u8; 3]) -> String {
    let [red, green, blue] = colour;
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The inks as CSS: variables for light and dark, and one fill and one stroke class for each ink.
pub fn css() -> String {
    let variables = |pick: fn(&Ink) -> [u8; 3]| {
        INKS.iter().fold(String::new(), |mut text, ink| {
            let _ = write!(text, "--{}:{};", ink.name, hex(pick(ink)));
            text
        })
    };
    let light = variables(|ink| ink.light);
    let dark = variables(|ink| ink.dark);
    let mut css = format!(
        ":root{{color-scheme:light dark;--font:{FONT_STACK};{light}}}\n\
         @media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         @media print{{:root{{color-scheme:light;{light}}}}}\n"
    );
    for Ink { name, .. } in INKS {
        let _ = writeln!(css, ".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}");
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_inks_share_a_light_colour_so_an_inline_chart_can_name_them() {
        for (index, one) in INKS.iter().enumerate() {
            assert!(INKS[index + 1..].iter().all(|other| other.light != one.light), "{}", one.name);
        }
    }

    #[test]
    fn text_is_readable_on_its_background_in_light_and_dark() {
        // Contrast ratio of WCAG 2.2, success criterion 1.4.3: at least 4.5 for normal text.
        fn luminance(colour: [u8; 3]) -> f64 {
            let [red, green, blue] = colour.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        }
        fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
            let (one, other) = (luminance(one), luminance(other));
            (one.max(other) + 0.05) / (one.min(other) + 0.05)
        }
        for text in [TEXT, MUTED, SIGNAL, GOOD, DATA, CENTRE, TARGET] {
            for ground in [PAPER, SURFACE, TINT] {
                assert!(contrast(text.light, ground.light) >= 4.5, "{} on {}", text.name, ground.name);
                assert!(contrast(text.dark, ground.dark) >= 4.5, "{} on {}, dark", text.name, ground.name);
            }
        }
    }
}
