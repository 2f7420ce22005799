//! A made-up results folder: nine measures over 24 months, five organizations, strata, months that are suppressed,
//! undefined or provisional, a refused measure, and names that try to break out of HTML. No patient stands behind it.

#![allow(dead_code, unused_imports, reason = "each test uses its own part")]

mod measures;
pub mod more;
mod rates;
pub mod small;
mod tables;
pub mod units;

use std::path::Path;

pub use measures::{HOSTILE_TITLE, MEASURES, Made as Measure};
pub use tables::{Table, Value};

/// First month measured.
pub const FIRST: (i16, i8) = (2024, 11);
/// Months measured; the last one is October 2026.
pub const MONTHS: i32 = 24;

/// Writes every results table into `folder`.
pub fn write(folder: &Path) {
    Table::write(folder, "run", &run());
    Table::write(folder, "measure", &MEASURES.iter().map(measures::row).collect::<Vec<_>>());
    let (rates, signals, charts) = rates::rows();
    Table::write(folder, "rate", &rates);
    Table::write(folder, "signal", &signals);
    Table::write(folder, "chart", &charts);
    let (sites, curve) = rates::funnels();
    Table::write(folder, "funnel", &sites);
    Table::write(folder, "funnel_curve", &curve);
    Table::write(folder, "annotation", &annotations());
    Table::write(folder, "exclusion", &exclusions());
    Table::write(folder, "preparation", &preparations());
    Table::write(folder, "quality", &quality());
    Table::write(folder, "check_result", &checks());
}

/// The row of the table `measure` of a made-up measure.
pub fn measure_row(made: &Measure) -> Vec<Value> {
    measures::row(made)
}

/// Sets a column of a row of the table `measure`.
pub fn set_measure(row: &mut [Value], column: &str, value: Value) {
    let contract = carecoord_lake::contract::result("measure").expect("a results table");
    let place = contract.columns.iter().position(|each| each.name == column);
    row[place.expect("a column of measure")] = value;
}

/// Writes `rate` again with a number in every row that is suppressed.
pub fn leak(folder: &Path, number: f64) {
    let (mut rates, _, _) = rates::rows();
    for row in &mut rates {
        if row.iter().any(|value| matches!(value, Value::Text("suppressed"))) {
            for value in row.iter_mut().filter(|value| matches!(value, Value::None)) {
                *value = Value::Number(number);
            }
        }
    }
    Table::write(folder, "rate", &rates);
}

/// Writes `rate` again with these rows changed, or left out where `change` says no.
pub fn change_rates(folder: &Path, mut change: impl FnMut(&mut [Value]) -> bool) {
    let (mut rates, _, _) = rates::rows();
    rates.retain_mut(|row| change(row));
    Table::write(folder, "rate", &rates);
}

/// Days since 1970 of the first day of the month so many months after the first.
pub fn month(index: i32) -> i32 {
    let months = i32::from(FIRST.0) * 12 + i32::from(FIRST.1) - 1 + index;
    let year = i16::try_from(months.div_euclid(12)).expect("a year");
    let month = i8::try_from(months.rem_euclid(12) + 1).expect("a month");
    day(year, month, 1)
}

/// Days since 1970.
pub fn day(year: i16, month: i8, day: i8) -> i32 {
    let span = jiff::civil::date(year, month, day) - jiff::civil::date(1970, 1, 1);
    span.get_days()
}

fn exclusions() -> Vec<Vec<Value>> {
    use Value::{Date, Integer, None, Text};
    let row = |kind, reason, units: Option<i64>| {
        let (units, state) = units.map_or((None, "suppressed"), |units| (Integer(units), "shown"));
        vec![Text(MEASURES[0].id), Date(day(2026, 1, 1)), Text(kind), Text(reason), units, Text(state)]
    };
    vec![
        row("excluded", "died", Option::None),
        row("excluded", "left_against_advice", Option::None),
        row("excluded", "transferred_out", Some(1204)),
        row("immature", "follow_up_not_over", Some(310)),
    ]
}

fn annotations() -> Vec<Vec<Value>> {
    use Value::{Boolean, Date, Text};
    vec![vec![Text(MEASURES[0].id), Date(day(2025, 10, 1)), Text("Calls <b>begin</b>"), Boolean(true)]]
}

fn run() -> Vec<Vec<Value>> {
    use Value::{Boolean, Date, Integer, Text};
    vec![vec![
        Text("b3e1f0a94c27d58e"),
        Text("2026-11-05T06-12-44Z-1f9c"),
        Text("synthea"),
        Text("0.1.0"),
        Date(month(MONTHS - 1)),
        Date(day(2026, 11, 5)),
        Boolean(true),
        Date(month(0)),
        Integer(11),
        Integer(48_213),
        Text("{}"),
    ]]
}

fn preparations() -> Vec<Vec<Value>> {
    use Value::{Integer, Text};
    vec![
        vec![Text("stay_rows"), Integer(1), Text("inpatient rows"), Integer(51_727)],
        vec![Text("stay_rows"), Integer(2), Text("left out: copy of <another> row"), Integer(7)],
    ]
}

/// The hash of a made-up file, whose bytes are its name.
pub fn file_hash(file: &str) -> String {
    blake3::hash(file.as_bytes()).to_hex().to_string()
}

/// Made-up files.
pub const FILES: [&str; 4] =
    ["encounters_2026-10.csv", "referrals_2026-10.csv", "survey <b>wave 2</b>.csv", "claims.csv"];

fn quality() -> Vec<Vec<Value>> {
    use Value::{Integer, Text};
    let row = |id, file, table, read: i64, parts: [i64; 7]| {
        let mut row = vec![Integer(id), Text(file), Text(table), Value::Owned(file_hash(file)), Integer(read)];
        row.extend(parts.map(Integer));
        row
    };
    vec![
        row(1, FILES[0], "encounter", 1_204_332, [0, 1_203_870, 211, 240, 11, 0, 0]),
        row(2, FILES[1], "referral", 88_410, [0, 88_398, 12, 0, 0, 0, 0]),
        row(3, FILES[2], "survey_response", 4_120, [6, 4_100, 10, 0, 0, 0, 0]),
        row(4, FILES[3], "claim_line", 2_480_115, [12_044, 2_467_990, 58, 21, 2, 0, 0]),
    ]
}

fn checks() -> Vec<Vec<Value>> {
    use Value::{Integer, Text};
    let row = |id, file, table, column, check, severity, rows| {
        vec![Integer(id), Text(file), Text(table), Text(column), Text(check), Text(severity), Integer(rows)]
    };
    vec![
        row(1, "encounters_2026-10.csv", "encounter", "end_date", "invalid_date", "reject", 211),
        row(1, "encounters_2026-10.csv", "encounter", "", "overlap", "warn", 1_933),
        row(2, "referrals_2026-10.csv", "referral", "patient_id", "unknown_reference", "reject", 12),
    ]
}

/// Writes the same tables again for so many measures and sites: copies of the first measure's rows.
pub fn enlarge(folder: &Path, number_of_measures: usize, sites: usize) {
    let id = |number: usize| format!("readmission.copy_{number:02}");
    let renamed = |row: &[Value], number: usize| {
        let mut row = row.to_vec();
        row[0] = Value::Owned(id(number));
        row
    };
    let copies = |rows: Vec<Vec<Value>>| -> Vec<Vec<Value>> {
        let of_first: Vec<Vec<Value>> =
            rows.into_iter().filter(|row| matches!(&row[0], Value::Text(text) if *text == MEASURES[0].id)).collect();
        (0..number_of_measures).flat_map(|number| of_first.iter().map(move |row| renamed(row, number))).collect()
    };
    let several = |rows: Vec<Vec<Value>>, level: usize| -> Vec<Vec<Value>> {
        let mut made: Vec<Vec<Value>> = Vec::new();
        for row in rows {
            match (&row[level], &row[level + 1]) {
                // The first organization stands for one site, the second for all others.
                (Value::Text("organization"), id) if rates::TWO_ORGANIZATIONS.contains(&id.text()) => {
                    let which = if id.text() == rates::TWO_ORGANIZATIONS[0] { 0..1 } else { 1..sites };
                    made.extend(which.map(|site| {
                        let mut row = row.clone();
                        row[level + 1] = Value::Owned(format!("o-{site}"));
                        row[level + 2] = Value::Owned(format!("Family Health Clinic {site}"));
                        row
                    }));
                }
                (Value::Text("organization"), _) => {}
                _ => made.push(row),
            }
        }
        made
    };
    let (rates, signals, charts) = rates::rows();
    let (funnel, curve) = rates::funnels();
    Table::write(folder, "measure", &copies(MEASURES.iter().map(measures::row).collect()));
    Table::write(folder, "rate", &several(copies(rates), 3));
    Table::write(folder, "signal", &copies(signals));
    Table::write(folder, "chart", &copies(charts));
    Table::write(folder, "exclusion", &copies(exclusions()));
    Table::write(folder, "funnel", &several(copies(funnel), 1));
    Table::write(folder, "funnel_curve", &copies(curve));
}

/// Writes `rate` again with the first organization's rows as those of a payer too, and as those of no program.
pub fn add_levels(folder: &Path) {
    let (mut rates, _, _) = rates::rows();
    let of_first = |row: &&Vec<Value>| row[4].text() == rates::TWO_ORGANIZATIONS[0];
    let copies: Vec<Vec<Value>> = rates.iter().filter(of_first).cloned().collect();
    for (level, id, name) in [("payer", "p1", "Blue & Green"), ("program", "unknown", "")] {
        rates.extend(copies.iter().cloned().map(|mut row| {
            (row[3], row[4], row[5]) = (Value::Text(level), Value::Text(id), Value::Text(name));
            row
        }));
    }
    Table::write(folder, "rate", &rates);
}

/// Writes the tables again for so many measures, months and sites, all made from the first measure; how many values.
pub fn at_scale(folder: &Path, measures: usize, months: i32, sites: usize) -> usize {
    use Value::{Date, Owned, Text};
    enlarge(folder, measures, sites);
    let (rates, signals, _) = rates::rows();
    let own = |row: &&Vec<Value>| row[0].text() == Some(MEASURES[0].id);
    let first_month = rates.iter().filter(own).find(|row| row[1].text() == Some("month")).expect("a month").clone();
    let site = rates.iter().filter(own).find(|row| row[3].text() == Some("organization")).expect("a site").clone();
    let others: Vec<Vec<Value>> = rates
        .iter()
        .filter(own)
        .filter(|row| row[1].text() != Some("month") && row[3].text() != Some("organization"))
        .cloned()
        .collect();
    let named = |row: &[Value], measure: usize| {
        let mut row = row.to_vec();
        row[0] = Owned(format!("readmission.copy_{measure:02}"));
        row
    };
    let of_site = |row: &[Value], number: usize, kind: &'static str, period: i32| {
        let mut row = row.to_vec();
        (row[1], row[2]) = (Text(kind), Date(period));
        (row[4], row[5]) = (Owned(format!("o-{number}")), Owned(format!("Family Health Clinic {number}")));
        row
    };
    let of_month = |index: i32| month(MONTHS - months + index);
    let mut written = 0;
    Table::write_each(
        folder,
        "rate",
        (0..measures).map(|measure| {
            let mut rows: Vec<Vec<Value>> = others.iter().map(|row| named(row, measure)).collect();
            for index in 0..months {
                let mut row = named(&first_month, measure);
                row[2] = Date(of_month(index));
                rows.push(row);
                rows.extend((0..sites).map(|number| of_site(&named(&site, measure), number, "month", of_month(index))));
            }
            rows.extend((0..sites).map(|number| of_site(&named(&site, measure), number, "year", day(2026, 1, 1))));
            written += rows.len();
            rows
        }),
    );
    let signal = signals.iter().find(own).expect("a month").clone();
    Table::write_each(
        folder,
        "signal",
        (0..measures).map(|measure| {
            let of = |index: i32| {
                let mut row = named(&signal, measure);
                row[3] = Date(of_month(index));
                row
            };
            (0..months).map(of).collect()
        }),
    );
    written
}
