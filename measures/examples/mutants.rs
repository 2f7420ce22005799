//! Whether the decks would notice: every comparison, bound, number and sort in the SQL of the catalogue is changed, one at a
//! time, and the decks are run. A change that no deck notices is printed.
//!
//! ```sh
//! cargo run --release -p carecoord-measures --example mutants -- measures [ID-PREFIX]
//! cargo run --release -p carecoord-measures --example mutants -- rules [ID-PREFIX]
//! cargo run --release -p carecoord-measures --example mutants -- cohorts [NAME-PREFIX]
//! cargo run --release -p carecoord-measures --example mutants -- prepared [NAME-PREFIX]
//! ```
//!
//! `measures` changes the SQL of definitions that are no rules, `rules` that of rules, `cohorts` that of cohorts, against the decks of all
//! rules on them, `prepared` prepared views, against the decks of all measures that rest on them. `examples/survivors.toml` lists the
//! changes that no deck can notice, with the reason; any other survivor ends the program with exit code 1.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use carecoord_measures::definition::{self, Measure, View};
use carecoord_measures::instrument::{self, Instrument};
use carecoord_measures::{deck, rule};
use serde::Deserialize;

/// Changes that no deck can notice.
#[derive(Deserialize)]
struct Survivors {
    survivor: Vec<Survivor>,
}

/// Such a change.
#[derive(Deserialize)]
struct Survivor {
    /// The file, below `measures`.
    file: String,
    /// The line without the spaces around it.
    line: String,
    from: String,
    to: String,
    /// Why no row can differ.
    #[allow(dead_code)] // For readers.
    why: String,
}

/// What was tried.
#[derive(Default)]
struct Tally {
    tried: usize,
    /// Changes that nobody noticed and that are listed.
    listed: usize,
    /// Those that are not.
    survivors: usize,
}

impl Tally {
    fn add(&mut self, file: &str, mutant: &Mutant, noticed: bool, known: &[Survivor]) {
        self.tried += 1;
        if noticed {
            return;
        }
        let is_it = |one: &&Survivor| {
            one.file == file && one.line == mutant.text && one.from == mutant.from && one.to == mutant.to
        };
        if known.iter().any(|one| is_it(&one)) {
            self.listed += 1;
            return;
        }
        self.survivors += 1;
        println!("SURVIVES {file} line {}: {} -> {}\n         {}", mutant.line, mutant.from, mutant.to, mutant.text);
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (kind, prefix) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known: Survivors =
        toml::from_str(&std::fs::read_to_string(home.join("examples/survivors.toml")).unwrap()).unwrap();
    let known = known.survivor;
    let tally = match kind.as_str() {
        "measures" => definitions(&prefix, &known, false),
        "rules" => definitions(&prefix, &known, true),
        "cohorts" => cohorts(&prefix, &known),
        "prepared" => prepared(&prefix, &known),
        _ => {
            println!("say what to change: measures, rules, cohorts or prepared");
            return ExitCode::from(2);
        }
    };
    let Tally { tried, listed, survivors } = tally;
    println!("{tried} changes: {} noticed, {listed} listed, {survivors} survive", tried - listed - survivors);
    if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Definitions by folder.
fn folders(wanted: impl Fn(&Measure) -> bool) -> BTreeMap<String, Vec<Measure>> {
    let mut folders: BTreeMap<String, Vec<Measure>> = BTreeMap::new();
    for measure in definition::catalog().unwrap().into_iter().filter(wanted) {
        folders.entry(measure.folder.clone()).or_default().push(measure);
    }
    folders
}

/// The decks that expect something of these measures, their own or others.
fn decks_of(measures: &[Measure]) -> Vec<PathBuf> {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let speaks = |place: &PathBuf| {
        let text = std::fs::read_to_string(place.join("deck.toml")).unwrap_or_default();
        measures.iter().any(|measure| text.contains(&format!("{:?}", measure.id)))
    };
    deck::decks_in(&catalog).into_iter().filter(speaks).collect()
}

/// The text of a definition as its file has it.
fn own_text(measure: &Measure) -> String {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    std::fs::read_to_string(catalog.join(&measure.folder).join(measure.sql_file)).unwrap()
}

/// The SQL of a rule, with that of its cohort.
fn with_cohort(measure: &Measure, text: &str) -> String {
    if is_rule(measure) { rule::with_cohort(text, rule::cohort_sql(&measure.cohort).unwrap()) } else { text.to_owned() }
}

fn is_rule(measure: &Measure) -> bool {
    measure.sql_file == "rule.sql"
}

/// Changes definitions.
fn definitions(prefix: &str, known: &[Survivor], rules: bool) -> Tally {
    let instruments = instrument::instruments(&[]).unwrap();
    let mut tally = Tally::default();
    for (folder, variants) in folders(|measure| measure.id.starts_with(prefix) && is_rule(measure) == rules) {
        let decks = decks_of(&variants);
        let file = format!("catalog/{folder}/{}", variants[0].sql_file);
        let text = own_text(&variants[0]);
        assert!(
            !noticed(&decks, &variants, &instruments, |measure| with_cohort(measure, &text)),
            "{folder}: its decks fail"
        );
        for mutant in mutants(&text) {
            let found = noticed(&decks, &variants, &instruments, |measure| with_cohort(measure, &mutant.sql));
            tally.add(&file, &mutant, found, known);
        }
        println!("{folder}: done ({} changes so far, {} survive)", tally.tried, tally.survivors);
    }
    tally
}

/// Changes cohorts.
fn cohorts(prefix: &str, known: &[Survivor]) -> Tally {
    let instruments = instrument::instruments(&[]).unwrap();
    let mut tally = Tally::default();
    for cohort in rule::cohorts().into_iter().filter(|cohort| cohort.starts_with(prefix)) {
        let rules: Vec<(Vec<Measure>, Vec<PathBuf>)> = folders(|measure| is_rule(measure) && measure.cohort == cohort)
            .into_values()
            .map(|variants| (variants.clone(), decks_of(&variants)))
            .collect();
        let file = format!("cohorts/{cohort}.sql");
        for mutant in mutants(rule::cohort_sql(&cohort).unwrap()) {
            let found = rules.iter().any(|(variants, decks)| {
                let text = own_text(&variants[0]);
                noticed(decks, variants, &instruments, |_| rule::with_cohort(&text, &mutant.sql))
            });
            tally.add(&file, &mutant, found, known);
        }
        println!("{cohort}: done ({} changes so far, {} survive)", tally.tried, tally.survivors);
    }
    tally
}

/// Changes prepared views.
fn prepared(prefix: &str, known: &[Survivor]) -> Tally {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let measures = definition::catalog().unwrap();
    let instruments = instrument::instruments(&[]).unwrap();
    let views = [definition::prepared_views(), definition::whole_views()];
    let all: Vec<&View> = views.iter().flatten().collect();
    let mut tally = Tally::default();
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
        let file = format!("prepared/{}.sql", view.name);
        for mutant in mutants(&view.sql) {
            let mut changed = views.to_vec();
            for one in changed.iter_mut().flatten().filter(|one| one.name == view.name) {
                one.sql.clone_from(&mutant.sql);
            }
            let noticed = decks.iter().any(|folder| {
                deck::run_with(folder, None, &measures, &instruments, &changed)
                    .map_or(true, |comparisons| comparisons.iter().any(|found| !found.passed))
            });
            tally.add(&file, &mutant, noticed, known);
        }
        println!("{}: done ({} changes so far, {} survive)", view.name, tally.tried, tally.survivors);
    }
    tally
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

/// Whether any deck disagrees, or the SQL breaks, when the measures have other texts.
fn noticed(
    decks: &[PathBuf],
    variants: &[Measure],
    instruments: &[Instrument],
    sql: impl Fn(&Measure) -> String,
) -> bool {
    let ids: BTreeSet<&str> = variants.iter().map(|measure| measure.id.as_str()).collect();
    let changed: Vec<Measure> =
        variants.iter().map(|measure| Measure { sql: sql(measure), ..measure.clone() }).collect();
    decks.iter().any(|folder| match deck::run(folder, None, &changed, instruments) {
        Ok(comparisons) => comparisons.iter().any(|found| ids.contains(found.measure.as_str()) && !found.passed),
        Err(_) => true,
    })
}
