//! No date ends a run: every measure and every work list is computed over rows with dates from before the calendar to long after it.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use carecoord_lake::contract::{self, Column, ColumnType, Contract};
use carecoord_measures::{deck, definition, instrument};

/// Days since 1970-01-01: about 200,000 BC, the year 1, 1676, 1899, two days of 2025, the day after nanoseconds end, the dummy of
/// 4700, the last day with four digits, and about 200,000.
const DAYS: [i64; 10] =
    [-72_000_000, -719_162, -107_000, -25_568, 20_110, 20_200, 106_752, 997_476, 2_932_896, 72_000_000];
/// An ordinary day beside the odd ones: 2025-02-01.
const ORDINARY: i64 = 20_120;
const ROWS: usize = 180;
const PATIENTS: usize = 30;

/// A cell of row `row`: dates are all odd, or the first is, or all but the first are.
fn cell(table: &Contract, column: &Column, row: usize) -> String {
    let day = {
        let dates = table.columns.iter().filter(|one| matches!(one.kind, ColumnType::Date | ColumnType::Timestamp));
        let first = dates.map(|one| &one.name).next() == Some(&column.name);
        let odd = match (row / DAYS.len()) % 3 {
            0 => true,
            1 => first,
            _ => !first,
        };
        if odd { DAYS[row % DAYS.len()] } else { ORDINARY }
    };
    let id = |name: &str, row: usize| {
        let row = if name == "patient" { row % PATIENTS } else { row };
        format!("'{name}{row}'")
    };
    match column.kind {
        ColumnType::Date => format!("cast({day} as date)"),
        ColumnType::Timestamp => format!("to_timestamp_micros({})", day * 86_400_000_000),
        ColumnType::Text if !column.allowed.is_empty() => {
            format!("'{}'", column.allowed[(row / 7) % column.allowed.len()])
        }
        ColumnType::Text => match &column.references {
            Some(of) => id(of.split_once('.').unwrap().0, row),
            None if table.key.len() == 1 && table.key.contains(&column.name) => id(&table.name, row),
            None => "'01'".to_owned(),
        },
        ColumnType::Boolean => row.is_multiple_of(2).to_string(),
        ColumnType::Integer | ColumnType::Number | ColumnType::Decimal => "1".to_owned(),
    }
}

#[test]
fn no_date_ends_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "[tables]\n".to_owned();
    for table in contract::tables().unwrap() {
        let rows = if table.name == "patient" { PATIENTS } else { ROWS };
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let row =
            |row| format!("({})", table.columns.iter().map(|one| cell(table, one, row)).collect::<Vec<_>>().join(", "));
        let values: Vec<String> = (0..rows).map(row).collect();
        let values = values.join(",\n");
        writeln!(text, "{} = \"\"\"select * from (values\n{values}\n) as t ({})\"\"\"", table.name, names.join(", "))
            .unwrap();
    }
    text += "[params]\nperiod_start = \"2025-01-01\"\nperiod_end = \"2025-12-31\"\ndata_through = \"2026-03-31\"\n";
    // Variants of a measure share their SQL: one of each will do.
    let mut measures = definition::catalog().unwrap();
    measures.sort_by(|one, other| one.folder.cmp(&other.folder));
    measures.dedup_by(|one, other| one.folder == other.folder);
    for measure in &measures {
        writeln!(text, "[[expect]]\nmeasure = \"{}\"", measure.id).unwrap();
    }
    for (list, _) in definition::worklists() {
        writeln!(text, "[[worklist]]\nlist = \"{list}\"\nrows = \"select 'none' as item_id\"").unwrap();
    }
    std::fs::write(folder.path().join("deck.toml"), text).unwrap();
    let instruments = instrument::instruments(&[]).unwrap();
    // What comes of such rows does not matter; that it comes does.
    deck::run(folder.path(), None, &measures, &instruments).unwrap();
}
