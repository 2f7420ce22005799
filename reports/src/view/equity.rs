//! Gaps between groups of people that chance does not explain.

use serde::Serialize;

use super::measure::MeasureRows;
use crate::format;
use crate::model::Disparity;
use crate::words;

/// A gap in words.
#[derive(Debug, Serialize)]
pub struct GapRow {
    measure: String,
    anchor: String,
    year: String,
    split: String,
    gap: String,
    interval: String,
    /// Whether it is to the disadvantage of the group named.
    worse: bool,
    suppressed: String,
}

/// Every credible gap, and every slope over deprivation whose interval leaves out 0; those to a group's disadvantage
/// first, then in the order of the measures.
pub fn gaps(measures: &[MeasureRows], disparities: &[Disparity]) -> Vec<GapRow> {
    let mut found = Vec::new();
    for rows in measures {
        for row in disparities.iter().filter(|row| row.measure_id == rows.measure.measure_id) {
            found.extend(widest(rows, row));
            found.extend(slope(rows, row));
        }
    }
    found.sort_by_key(|row| !row.worse);
    found
}

fn worse(rows: &MeasureRows, gap: f64) -> bool {
    match rows.measure.better.as_str() {
        "lower" => gap > 0.0,
        "higher" => gap < 0.0,
        _ => false,
    }
}

fn row(rows: &MeasureRows, row: &Disparity, gap: f64, text: String, interval: (f64, f64)) -> GapRow {
    let (lower, upper) = interval;
    let interval = match rows.format.suffix {
        "%" => {
            let number = |value| format::number(value, rows.format.decimals);
            format!("{} to {} points", number(lower), number(upper))
        }
        _ => format!("{} to {}", rows.format.value(lower), rows.format.value(upper)),
    };
    GapRow {
        measure: rows.measure.title.clone(),
        anchor: rows.anchor(),
        year: format!("{}{}", format::period("year", row.year), if row.is_final { "" } else { " so far" }),
        split: words::stratum_kind(&row.stratum_kind),
        gap: text,
        interval,
        worse: worse(rows, gap),
        suppressed: match row.suppressed {
            0 => String::new(),
            1 => "1 group suppressed".to_owned(),
            more => format!("{more} groups suppressed"),
        },
    }
}

fn size(rows: &MeasureRows, gap: f64) -> String {
    let direction = if gap > 0.0 { "higher" } else { "lower" };
    let size = match rows.format.suffix {
        "%" => format!("{} points", format::number(gap.abs(), rows.format.decimals)),
        _ => rows.format.value(gap.abs()),
    };
    format!("{size} {direction}")
}

fn widest(rows: &MeasureRows, disparity: &Disparity) -> Option<GapRow> {
    let (gap, lower, upper) = (disparity.gap?, disparity.gap_lower?, disparity.gap_upper?);
    let text = format!(
        "{}: {} than {}",
        group(&disparity.stratum_kind, &disparity.widest),
        size(rows, gap),
        group(&disparity.stratum_kind, &disparity.reference)
    );
    Some(row(rows, disparity, gap, text, (lower, upper)))
}

fn slope(rows: &MeasureRows, disparity: &Disparity) -> Option<GapRow> {
    let (slope, lower, upper) = (disparity.slope_index?, disparity.slope_lower?, disparity.slope_upper?);
    if lower <= 0.0 && upper >= 0.0 {
        return None;
    }
    let text = format!("most deprived end: {} than the least deprived end (slope index)", size(rows, slope));
    Some(row(rows, disparity, slope, text, (lower, upper)))
}

fn group(kind: &str, name: &str) -> String {
    match (kind, name) {
        ("deprivation", "1") => "fifth 1 (least deprived)".to_owned(),
        ("deprivation", "5") => "fifth 5 (most deprived)".to_owned(),
        ("deprivation", fifth) => format!("fifth {fifth}"),
        _ => words::stratum(name),
    }
}
