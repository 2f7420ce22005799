//! Extracts without dirt keep every rule of the contracts, whatever the seed.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::common::{date, first_fields, header, rows};
use carecoord_lake::contract::{self, CheckKind, ColumnType, Contract};
use carecoord_sample_data::{Options, generate};
use jiff::civil::date as day;

fn check(folder: &Path, contract: &Contract, keys: &mut HashMap<String, HashSet<String>>) {
    let header = header(folder, &contract.name);
    let rows = rows(folder, &contract.name);
    let mut seen = HashSet::new();
    for row in &rows {
        let key: Vec<&str> = contract
            .key
            .iter()
            .map(|name| {
                let column = contract.column(name).expect("key column");
                let instant = column.local_date_of.as_ref().unwrap_or(name);
                row.get(name).or_else(|| row.get(instant)).map_or("", String::as_str)
            })
            .collect();
        assert!(seen.insert(key.join("|")), "{}: repeated key {key:?}", contract.name);
        for name in &header {
            let column = contract.column(name).expect("a column of the contract");
            let (value, place) = (&row[name], format!("{}.{name} {:?}", contract.name, row[name]));
            assert!(!value.is_empty() || !column.required, "{place} is required");
            if value.is_empty() {
                continue;
            }
            assert!(column.allowed.is_empty() || column.allowed.contains(value), "{place}");
            match column.kind {
                ColumnType::Date => {
                    let date = date(value).expect(&place);
                    assert!(value.len() == 10 && date > day(1900, 1, 1), "{place}");
                }
                ColumnType::Timestamp => assert!(value.parse::<jiff::Timestamp>().is_ok(), "{place}"),
                ColumnType::Integer => {
                    let number: i64 = value.parse().expect(&place);
                    assert!(column.min.as_ref().is_none_or(|min| number >= min.parse().expect("a number")), "{place}");
                    assert!(column.max.as_ref().is_none_or(|max| number <= max.parse().expect("a number")), "{place}");
                }
                ColumnType::Decimal | ColumnType::Number => {
                    let number: f64 = value.parse().expect(&place);
                    // A claim line may take money back; nothing else may be negative.
                    assert!(number >= 0.0 || contract.name == "claim_line", "{place}");
                }
                ColumnType::Boolean => assert!(matches!(value.as_str(), "true" | "false"), "{place}"),
                ColumnType::Text => {}
            }
        }
        for check in contract.checks.iter().filter(|check| check.kind == CheckKind::NotBefore) {
            if let (Some(end), Some(start)) = (row.get(&check.column), row.get(&check.other)) {
                assert!(end.is_empty() || end >= start, "{} {}: {start} {end}", contract.name, check.name);
            }
        }
    }
    for column in &contract.columns {
        if let (Some((table, _)), true) = (column.reference(), header.contains(&column.name)) {
            if table == contract.name {
                continue;
            }
            for row in rows.iter().filter(|row| !row[&column.name].is_empty()) {
                assert!(keys[table].contains(&row[&column.name]), "{}.{}", contract.name, column.name);
            }
        }
    }
    keys.insert(contract.name.clone(), rows.iter().map(|row| row[&contract.key[0]].clone()).collect());
    for column in contract.columns.iter().filter(|column| header.contains(&column.name)) {
        if column.reference().is_some_and(|(table, _)| table == contract.name) {
            let inside = |value: &String| value.is_empty() || keys[&contract.name].contains(value);
            assert!(rows.iter().all(|row| inside(&row[&column.name])), "{}.{}", contract.name, column.name);
        }
    }
}

/// Within a person, no stay begins before the ones before it are over, and nothing happens after death.
fn lives_are_consistent(folder: &Path) {
    let deaths: HashMap<String, String> = rows(folder, "patient")
        .into_iter()
        .filter(|row| !row["deceased_date"].is_empty())
        .map(|row| (row["patient_id"].clone(), row["deceased_date"].clone()))
        .collect();
    let mut stays: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in rows(folder, "encounter") {
        if let Some(death) = deaths.get(&row["patient_id"]) {
            assert!(row["started_at"][..10] <= death[..], "{row:?}");
            assert!(row["ended_at"].get(..10).is_none_or(|end| end <= &death[..]), "{row:?} {death}");
        }
        assert!(row["started_at"].as_str() < "2026-11-21" && row["ended_at"].as_str() < "2026-11-21");
        if row["class"] == "inpatient" {
            stays
                .entry(row["patient_id"].clone())
                .or_default()
                .push((row["started_at"].clone(), row["ended_at"].clone()));
        }
    }
    for stays in stays.values_mut() {
        stays.sort();
        for pair in stays.windows(2) {
            assert!(!pair[0].1.is_empty() && pair[0].1 <= pair[1].0, "{pair:?}");
        }
    }
}

#[test]
fn clean_extracts_keep_every_rule_whatever_the_seed() {
    for seed in 0..6 {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { patients: 150, seed, dirty: 0.0, gzip: false, ..Options::default() };
        let summary = generate(folder.path(), &options).expect("generated");
        assert!(summary.dirty.is_empty());
        let mut keys = HashMap::new();
        for contract in contract::tables()
            .expect("contracts")
            .iter()
            .filter(|contract| !["code_set", "attribution", "patient_merge"].contains(&contract.name.as_str()))
        {
            check(folder.path(), contract, &mut keys);
        }
        lives_are_consistent(folder.path());
        for (name, written) in &summary.files {
            let table = name.strip_suffix(".csv").expect("plain CSV");
            assert_eq!(rows(folder.path(), table).len() as u64, *written, "{name} has lines that break the CSV");
        }
    }
}

#[test]
fn bundled_rows_refer_to_rows_that_are_there_except_to_the_one_unknown_patient() {
    let folder = Path::new("extracts");
    let tables = contract::tables()
        .expect("contracts")
        .iter()
        .filter(|contract| !["code_set", "attribution", "patient_merge"].contains(&contract.name.as_str()));
    // Dirt leaves keys alone, even in lines that broke off.
    let keys: HashMap<&str, HashSet<String>> =
        tables.clone().map(|contract| (contract.name.as_str(), first_fields(folder, &contract.name))).collect();
    let mut unknown = 0;
    for contract in tables {
        let header = header(folder, &contract.name);
        let rows = rows(folder, &contract.name);
        for column in contract.columns.iter().filter(|column| header.contains(&column.name)) {
            let Some((table, _)) = column.reference() else { continue };
            for value in rows.iter().map(|row| &row[&column.name]).filter(|value| !value.is_empty()) {
                if value == "P0000000" {
                    unknown += 1;
                } else {
                    assert!(keys[table].contains(value), "{}.{} {value}", contract.name, column.name);
                }
            }
        }
    }
    assert!(unknown > 10, "{unknown}");
}
