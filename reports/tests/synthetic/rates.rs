//! Values of the made-up run: months, quarters and years; everyone, organizations and groups.

use super::measures::{MEASURES, Made};
use super::tables::Value;
use super::{MONTHS, day, month};

/// Identifiers of the first two organizations.
pub const TWO_ORGANIZATIONS: [Option<&str>; 2] = [Some(ORGANIZATIONS[0].0), Some(ORGANIZATIONS[1].0)];

const ORGANIZATIONS: [(&str, &str); 5] = [
    ("o-4", "St. Brigid Medical Center"),
    ("o-2", "Éastside <img src=x onerror=alert(1)> Clinic"),
    ("o-1", "Harbor \"Community\" & Family Health"),
    ("o-5", ""),
    ("o-3", "Lakeshore General"),
];

const STRATA: [(&str, &[&str]); 5] = [
    ("age_band", &["0-17", "18-44", "45-64", "65-74", "75-84", "85+"]),
    ("sex", &["female", "male", "unknown"]),
    ("race", &["Asian", "Black or African American", "White", "unknown"]),
    ("ethnicity", &["Hispanic or Latino", "Not Hispanic or Latino"]),
    ("language", &["English", "Español", "unknown"]),
];

/// A number that stays the same from run to run, between -1 and 1.
fn wobble(seed: usize) -> f64 {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    state ^= state >> 29;
    state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state ^= state >> 32;
    f64::from(u32::try_from(state & 0xFFFF).expect("sixteen bits")) / 32_767.5 - 1.0
}

/// What a row says.
enum Shown {
    Value { numerator: f64, denominator: f64 },
    Suppressed(&'static str),
    Undefined,
}

struct Where<'a> {
    kind: &'static str,
    period: i32,
    level: (&'static str, &'a str, &'a str),
    stratum: (&'static str, &'static str),
    mature: bool,
}

fn row(made: &Made, place: &Where, shown: &Shown) -> Vec<Value> {
    use Value::{Date, Integer, None, Number, Owned, Text};
    let mut row = vec![
        Text(made.id),
        Text(place.kind),
        Date(place.period),
        Text(place.level.0),
        Owned(place.level.1.to_owned()),
        Owned(place.level.2.to_owned()),
        Text(place.stratum.0),
        Text(place.stratum.1),
    ];
    let (state, reason) = match shown {
        Shown::Value { numerator, denominator } => {
            let half = match made.kind {
                "proportion" => {
                    1.96 * ((numerator / denominator) * (1.0 - numerator / denominator) / denominator).sqrt()
                }
                "rate" if made.level < 1.0 => 1.96 * numerator.sqrt() / denominator,
                "rate" => 1.96 * made.level * 2.6 / denominator.sqrt(),
                _ => 1.96 * made.level * 0.28 / denominator.sqrt(),
            };
            let value = numerator / denominator;
            #[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
            row.extend([
                Number(*numerator),
                Number(*denominator),
                Integer(*denominator as i64),
                Integer(12),
                Integer(0),
                Integer(0),
            ]);
            row.extend([value, (value - half).max(0.0), value + half].map(|value| Number(value * made.multiplier)));
            row.push(Text(match made.kind {
                "proportion" => "wilson",
                "rate" if made.level < 1.0 => "poisson_exact",
                _ => "t_mean",
            }));
            ("shown", "")
        }
        Shown::Suppressed(reason) => {
            row.extend(std::iter::repeat_n(None, 10));
            ("suppressed", *reason)
        }
        Shown::Undefined => {
            row.extend([
                Number(0.0),
                Number(0.0),
                Integer(0),
                Integer(0),
                Integer(0),
                Integer(0),
                None,
                None,
                None,
                None,
            ]);
            ("undefined", "no_denominator")
        }
    };
    row.extend([Text(if place.mature { "final" } else { "provisional" }), Text(state), Text(reason)]);
    row
}

fn drawn(made: &Made, size: f64, level: f64, seed: usize) -> Shown {
    let denominator = (size * (1.0 + 0.12 * wobble(seed))).round().max(1.0);
    let spread = match made.kind {
        "proportion" => (level * (1.0 - level) / denominator).sqrt(),
        "rate" if made.level < 1.0 => (level / denominator).sqrt(),
        _ => level * 0.3 / denominator.sqrt(),
    };
    let numerator = denominator * (level + 1.1 * spread * wobble(seed * 31 + 7));
    let numerator = if made.level < 1.0 { numerator.round() } else { (numerator * 100.0).round() / 100.0 };
    if made.kind == "proportion" && numerator < 11.0 {
        return Shown::Suppressed("small_cell");
    }
    Shown::Value { numerator, denominator }
}

/// Rows of a table.
pub type Rows = Vec<Vec<Value>>;

/// Rows of `rate`, of `signal` and of `chart`.
pub fn rows() -> (Rows, Rows, Rows) {
    let (mut rates, mut signals, mut charts) = (Vec::new(), Vec::new(), Vec::new());
    for (number, made) in MEASURES.iter().enumerate().filter(|(_, made)| made.family != "transition") {
        let everyone = ("all", "all", "");
        let mut series = Vec::new();
        for index in 0..MONTHS {
            let mature = index < MONTHS - made.open;
            let place = Where { kind: "month", period: month(index), level: everyone, stratum: ("all", "all"), mature };
            let seed = number * 1000 + usize::try_from(index).expect("a month");
            let level = made.level + if index >= made.shift.1 { made.shift.0 } else { 0.0 };
            let shown = if made.undefined.contains(&index) {
                Shown::Undefined
            } else if made.suppressed.contains(&index) {
                Shown::Suppressed(if index % 2 == 0 { "small_cell" } else { "would_reveal" })
            } else {
                drawn(made, if mature { made.size } else { made.size * 0.6 }, level, seed)
            };
            if let Shown::Value { numerator, denominator } = shown {
                series.push((index, mature, numerator / denominator * made.multiplier));
            }
            rates.push(row(made, &place, &shown));
        }
        if let Some((chart, months)) = signal(made, &series) {
            charts.push(chart);
            signals.extend(months);
        }
        for (kind, period, months, mature) in [
            ("year", day(2025, 1, 1), 12.0, true),
            ("year", day(2026, 1, 1), 8.0, false),
            ("quarter", day(2026, 7, 1), 3.0, false),
        ] {
            let mut add = |level, stratum, size: f64, lift: f64, seed| {
                let shown = drawn(made, made.size * months * size, made.level * lift, seed);
                rates.push(row(made, &Where { kind, period, level, stratum, mature }, &shown));
            };
            let seed = number * 7_919 + usize::try_from(period).expect("after 1970");
            add(everyone, ("all", "all"), 1.0, 1.0, seed);
            for (index, (id, name)) in ORGANIZATIONS.into_iter().enumerate() {
                let size = [0.34, 0.27, 0.2, 0.01, 0.18][index];
                add(
                    ("organization", id, name),
                    ("all", "all"),
                    size,
                    1.0 + 0.15 * wobble(seed + index),
                    seed + index + 1,
                );
            }
            if kind == "year" {
                for (at, (stratum_kind, groups)) in STRATA.into_iter().enumerate() {
                    for (index, group) in groups.iter().enumerate() {
                        let size = if *group == "unknown" { 0.01 } else { 0.9 / groups.len() as f64 };
                        let seed = seed + 100 * (at + 1) + index;
                        add(everyone, (stratum_kind, group), size, 1.0 + 0.12 * wobble(seed), seed);
                    }
                }
            }
        }
    }
    (rates, signals, charts)
}

/// What the engine says of a measure's months, made up: a line, limits two fifths away, and the last run of more than
/// seven final months on one side as a signal.
fn signal(made: &Made, series: &[(i32, bool, f64)]) -> Option<(Vec<Value>, Vec<Vec<Value>>)> {
    use Value::{Date, Integer, None, Number, Text};
    let mut finals: Vec<f64> = series.iter().filter(|(_, mature, _)| *mature).map(|(_, _, value)| *value).collect();
    finals.sort_by(f64::total_cmp);
    if finals.is_empty() {
        return Option::None;
    }
    let centre = f64::midpoint(finals[(finals.len() - 1) / 2], finals[finals.len() / 2]);
    let last: Vec<&(i32, bool, f64)> = series.iter().filter(|(_, mature, _)| *mature).collect();
    let above = last.last().is_some_and(|(_, _, value)| *value > centre);
    let run = last.iter().rev().take_while(|(_, _, value)| (*value > centre) == above).count();
    let meaning = match (made.better, above) {
        ("none", true) => "high",
        ("none", false) => "low",
        ("lower", false) | ("higher", true) => "improvement",
        _ => "concern",
    };
    let is_signal = run > 7;
    let marked: Vec<i32> =
        last.iter().rev().take(if is_signal { run } else { 0 }).map(|(index, _, _)| *index).collect();
    let months = series
        .iter()
        .map(|(index, _, value)| {
            let mut row =
                vec![Text(made.id), Text("all"), Text("all"), Date(month(*index)), Number(*value), Integer(0)];
            row.extend([centre, centre * 0.6, centre * 1.4].map(Number));
            let fired = marked.contains(index);
            row.extend(if fired { [Text("long_run"), Text(meaning)] } else { [None, None] });
            row
        })
        .collect();
    let mut chart = vec![
        Text(made.id),
        Text("all"),
        Text("all"),
        Text("p"),
        Text("A proportion of units."),
        Text("anhoej_shewhart"),
    ];
    chart.push(Integer(i64::try_from(finals.len()).expect("a few")));
    chart.extend([centre, centre * 0.6, centre * 1.4, centre * 1.1].map(Number));
    chart.push(Text(if is_signal { meaning } else { "common_cause" }));
    chart.push(marked.last().map_or(None, |index| Date(month(*index))));
    chart.push(Text("hit_or_miss"));
    chart.push(if is_signal { Text("long_run") } else { None });
    chart.extend([20, i64::try_from(run).expect("a few"), 7, 9, 6].map(Integer));
    // One phase, assessed, no month hidden.
    chart.extend([None, None, None, None, None, None, Integer(0)]);
    Some((chart, months))
}

/// Rows of `funnel` and `funnel_curve`: the first measure's organizations, the first of them outside.
pub fn funnels() -> (Vec<Vec<Value>>, Vec<Vec<Value>>) {
    use Value::{Boolean, Date, None, Number, Text};
    let made = &MEASURES[0];
    let limits = |size: f64| {
        let half = 60.0 / size.sqrt();
        [12.0 - half, 12.0 + half, 12.0 - 1.5 * half, 12.0 + 1.5 * half].map(Number)
    };
    let site = |(index, (id, name)): (usize, (&'static str, &'static str))| {
        let size = 200.0 + 300.0 * index as f64;
        let mut row =
            vec![Text(made.id), Text("organization"), Text(id), Text(name), Date(day(2025, 1, 1)), Text("final")];
        row.extend([size, if index == 0 { 21.0 } else { 12.5 }, 12.0].map(Number));
        row.extend(limits(size));
        row.push(Boolean(false));
        row.extend(if index == 0 { [Text("alarm"), Text("worse")] } else { [Text("within"), None] });
        row
    };
    let curve = |point: i32| {
        let units = 100.0 + 100.0 * f64::from(point);
        let mut row = vec![Text(made.id), Number(units)];
        row.extend(limits(units));
        row
    };
    (ORGANIZATIONS.into_iter().enumerate().map(site).collect(), (0..20).map(curve).collect())
}
