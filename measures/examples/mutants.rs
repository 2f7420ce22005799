//! Whether the decks would notice: every comparison, bound, number and sort in the SQL of the catalogue is changed, one at a
//! time, and the decks are run. A change that no deck notices is printed.
//!
//! `cargo run -p carecoord-measures --example mutants [ID-PREFIX]` changes measures, `… --example mutants -- --prepared
//! [NAME-PREFIX]` prepared views, against the decks of all measures that rest on them.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use carecoord_measures::deck;
use carecoord_measures::definition::{self, Measure, View};
use carecoord_measures::instrument::{self, Instrument};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let prefix = arguments.next().unwrap_or_default();
    if prefix == "--prepared" {
        prepared(&arguments.next().unwrap_or_default());
        return;
    }
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let measures = definition::catalog().unwrap();
    let instruments = instrument::instruments(&[]).unwrap();
    let mut folders: BTreeMap<String, Vec<Measure>> = BTreeMap::new();
    for measure in measures.into_iter().filter(|measure| measure.id.starts_with(&prefix)) {
        folders.entry(measure.folder.clone()).or_default().push(measure);
    }
    let (mut tried, mut survivors) = (0, 0);
    for (folder, variants) in folders {
        // Its own decks, and others that expect something of it.
        let speaks = |place: &PathBuf| {
            let text = std::fs::read_to_string(place.join("deck.toml")).unwrap_or_default();
            variants.iter().any(|measure| text.contains(&format!("{:?}", measure.id)))
        };
        let decks: Vec<PathBuf> = deck::decks_in(&catalog).into_iter().filter(speaks).collect();
        for mutant in mutants(&variants[0].sql) {
            tried += 1;
            if !noticed(&decks, &variants, &instruments, &mutant.sql) {
                survivors += 1;
                println!(
                    "SURVIVES {folder} line {}: {} -> {}\n         {}",
                    mutant.line, mutant.from, mutant.to, mutant.text
                );
            }
        }
        println!("{folder}: done ({tried} mutants so far, {survivors} survive)");
    }
    println!("{tried} mutants, {} noticed, {survivors} survive", tried - survivors);
}

/// Changes prepared views.
fn prepared(prefix: &str) {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let measures = definition::catalog().unwrap();
    let instruments = instrument::instruments(&[]).unwrap();
    let views = [definition::prepared_views(), definition::whole_views()];
    let all: Vec<&View> = views.iter().flatten().collect();
    let (mut tried, mut survivors) = (0, 0);
    for view in all.iter().filter(|view| view.name.starts_with(prefix)) {
        // Measures that read the view come before those that rest on it by way of others.
        let mut resting = vec![view.name.clone()];
        let mut folders: Vec<String> = Vec::new();
        let mut at = 0;
        while at < resting.len() {
            let name = format!("prepared.{}", resting[at]);
            let reads = |sql: &str| {
                sql.match_indices(&name).any(|(place, _)| {
                    !sql[place + name.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
                })
            };
            for measure in measures.iter().filter(|measure| reads(&measure.sql)) {
                if !folders.contains(&measure.folder) {
                    folders.push(measure.folder.clone());
                }
            }
            for other in all.iter().filter(|other| reads(&other.sql)) {
                if !resting.contains(&other.name) {
                    resting.push(other.name.clone());
                }
            }
            at += 1;
        }
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("prepared/cases");
        let own = deck::decks_in(&own).into_iter().filter(|folder| {
            let text = std::fs::read_to_string(folder.join("deck.toml")).unwrap_or_default();
            resting.iter().any(|name| text.contains(&format!("view = {name:?}")))
        });
        let decks: Vec<PathBuf> =
            own.chain(folders.iter().flat_map(|folder| deck::decks_in(&catalog.join(folder)))).collect();
        for mutant in mutants(&view.sql) {
            tried += 1;
            let mut changed = views.to_vec();
            for one in changed.iter_mut().flatten().filter(|one| one.name == view.name) {
                one.sql.clone_from(&mutant.sql);
            }
            let noticed = decks.iter().any(|folder| {
                deck::run_with(folder, None, &measures, &instruments, &changed)
                    .map_or(true, |comparisons| comparisons.iter().any(|found| !found.passed))
            });
            if !noticed {
                survivors += 1;
                println!(
                    "SURVIVES prepared/{} line {}: {} -> {}\n         {}",
                    view.name, mutant.line, mutant.from, mutant.to, mutant.text
                );
            }
        }
        println!("{}: done ({tried} mutants so far, {survivors} survive)", view.name);
    }
    println!("{tried} mutants, {} noticed, {survivors} survive", tried - survivors);
}

struct Mutant {
    sql: String,
    line: usize,
    from: String,
    to: String,
    text: String,
}

/// Changes of one token each. Comments are left alone.
fn mutants(sql: &str) -> Vec<Mutant> {
    let swaps = [
        (" <= ", " < "),
        (" < ", " <= "),
        (" >= ", " > "),
        (" > ", " >= "),
        (" = ", " <> "),
        (" <> ", " = "),
        (" is null", " is not null"),
        (" is not null", " is null"),
        (" between 0 ", " between 1 "),
        (" between 1 ", " between 0 "),
        (" and $window_days", " and $window_days - 1"),
        (" and $window_days", " and $window_days + 1"),
        ("min(", "max("),
        ("max(", "min("),
        (" desc", ""),
        ("left join", "join"),
        (" and not ", " and "),
        ("lead(", "lag("),
        ("lag(", "lead("),
        (" not in (", " in ("),
        ("least(", "greatest("),
    ];
    let mut found = Vec::new();
    let mut offset = 0;
    for (number, line) in sql.split_inclusive('\n').enumerate() {
        let code = line.split("--").next().unwrap_or_default();
        let mut push = |at: usize, from: &str, to: &str| {
            let (start, end) = (offset + at, offset + at + from.len());
            found.push(Mutant {
                sql: format!("{}{to}{}", &sql[..start], &sql[end..]),
                line: number + 1,
                from: from.trim().to_owned(),
                to: to.trim().to_owned(),
                text: line.trim().to_owned(),
            });
        };
        for (from, to) in swaps {
            for (at, _) in code.match_indices(from) {
                push(at, from, to);
            }
        }
        for (at, number) in numbers(code) {
            push(at, &number.to_string(), &(number + 1).to_string());
        }
        offset += line.len();
    }
    found
}

/// Whole numbers that stand alone, outside quotes.
fn numbers(code: &str) -> Vec<(usize, u64)> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        if bytes[at] == b'\'' {
            quoted = !quoted;
        }
        let word_before =
            at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'_' | b'.' | b'$'));
        if !quoted && bytes[at].is_ascii_digit() && !word_before {
            let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let next = bytes.get(at + length).copied().unwrap_or(b' ');
            if !(next.is_ascii_alphabetic() || matches!(next, b'_' | b'.')) {
                found.push((at, code[at..at + length].parse().unwrap_or(0)));
            }
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

/// Whether any deck disagrees, or the SQL breaks.
fn noticed(decks: &[PathBuf], variants: &[Measure], instruments: &[Instrument], sql: &str) -> bool {
    let ids: BTreeSet<&str> = variants.iter().map(|measure| measure.id.as_str()).collect();
    let changed: Vec<Measure> =
        variants.iter().map(|measure| Measure { sql: sql.to_owned(), ..measure.clone() }).collect();
    decks.iter().any(|folder| match deck::run(folder, None, &changed, instruments) {
        Ok(comparisons) => comparisons.iter().any(|found| ids.contains(found.measure.as_str()) && !found.passed),
        Err(_) => true,
    })
}
