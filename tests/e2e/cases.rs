//! Extracts as people really have them: every folder of `tests/cases` is a situation, and what is right there was worked out by
//! hand from its rows, not taken from what the program prints.
//!
//! `tests/cases/README.md` says how a case is written down. A test of its own holds the folders to the shared cases that they
//! were copied from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use crate::carecoord::{Project, Ran, shared};

/// Cases that run at the same time; each runs one program after the other.
const AT_A_TIME: usize = 2;

/// Settings of a project whose case states none: nothing is suppressed, half a year is measured.
const SETTINGS: &str = "suppress_below = 0\nmonths = 6\n";

/// A situation and what is right in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The situation in a sentence.
    title: String,
    /// The kind of fault by its number (see the README of the cases), and what is right about it.
    kind: String,
    /// Where the situation was reported; empty for one of our own making.
    #[serde(default)]
    source: String,
    /// Whether it is a right file that must go on loading unharmed.
    #[serde(default)]
    guard: bool,
    /// The mapping; that beside the case unless stated. Where there is neither, the extracts have the lake's own names.
    map: Option<String>,
    /// carecoord.toml; that beside the case unless stated.
    settings: Option<String>,
    /// Other files of the project, such as a list of words.
    #[serde(default)]
    files: BTreeMap<String, Extract>,
    /// Report month; `default` leaves it to the program.
    #[serde(default = "report_month")]
    month: String,
    /// Measures to compute; none without.
    #[serde(default)]
    only: Vec<String>,
    /// Day of the extracts; `assumed` leaves it to the program.
    extract_date: Option<String>,
    outcome: Outcome,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    silent: Vec<String>,
    #[serde(default)]
    accounting: Vec<Block>,
    #[serde(default)]
    extracts: BTreeMap<String, Extract>,
    /// Later loads into the same lake.
    #[serde(default)]
    then: Vec<Load>,
    /// What the tables hold after the last load.
    #[serde(default)]
    query: Vec<Query>,
}

/// One load of a folder of extracts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Load {
    extract_date: Option<String>,
    outcome: Outcome,
    /// Texts that `check` must print, letter case aside; parts of one line are joined with ` & `.
    #[serde(default)]
    says: Vec<String>,
    /// Texts that `check` must not print.
    #[serde(default)]
    silent: Vec<String>,
    /// Rows of each block; those of one file and table in the order of the mapping.
    #[serde(default)]
    accounting: Vec<Block>,
    /// Files of the folder, by name.
    #[serde(default)]
    extracts: BTreeMap<String, Extract>,
}

/// What must become of a load.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The lake has a new snapshot.
    Published,
    /// The data do not pass.
    Refused,
    /// The mapping or the settings do not pass.
    MappingRefused,
    /// Either refused, or published and then right in every query.
    RefusedOrPublished,
}

impl Outcome {
    fn fits(self, code: i32) -> bool {
        match self {
            Self::Published => code == 0,
            Self::Refused => code == 1,
            Self::MappingRefused => code == 2,
            Self::RefusedOrPublished => code == 0 || code == 1,
        }
    }
}

/// The text of an extract, or how its bytes are made from a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Extract {
    /// UTF-8.
    Text(String),
    /// A text in another encoding.
    Written { text: String, bytes: Encoding },
}

/// How characters become bytes.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Encoding {
    /// Every character below U+0100 is the byte of that number.
    OneByte,
    /// UTF-16, low byte first; a mark only where the text has one.
    Utf16le,
    /// UTF-16, high byte first.
    Utf16be,
}

impl Extract {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Written { text, bytes: Encoding::OneByte } => {
                text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
            }
            Self::Written { text, bytes: Encoding::Utf16le } => {
                text.encode_utf16().flat_map(u16::to_le_bytes).collect()
            }
            Self::Written { text, bytes: Encoding::Utf16be } => {
                text.encode_utf16().flat_map(u16::to_be_bytes).collect()
            }
        }
    }
}

/// What must become of the rows of a block; a count that is not stated may be anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    file: String,
    table: String,
    read: Option<u64>,
    left_out: Option<u64>,
    accepted: Option<u64>,
    quarantined: Option<u64>,
    duplicate: Option<u64>,
    superseded: Option<u64>,
    combined: Option<u64>,
    withdrawn: Option<u64>,
}

impl Block {
    fn counts(&self) -> [(&'static str, Option<u64>); 8] {
        [
            ("read", self.read),
            ("left_out", self.left_out),
            ("accepted", self.accepted),
            ("quarantined", self.quarantined),
            ("duplicate", self.duplicate),
            ("superseded", self.superseded),
            ("combined", self.combined),
            ("withdrawn", self.withdrawn),
        ]
    }
}

/// A query and its rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    sql: String,
    rows: Vec<String>,
}

fn report_month() -> String {
    "2026-05".to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// The cases' files in order: `case.toml` with its folder's extracts, and cases that hold their extracts themselves.
fn case_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in listed(&root()).into_iter().filter(|path| path.is_dir()) {
        let is_case = |path: &PathBuf| {
            let name = path.file_stem().unwrap_or_default();
            path.extension().is_some_and(|ending| ending == "toml") && name != "map" && name != "carecoord"
        };
        found.extend(listed(&folder).into_iter().filter(is_case));
    }
    found
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// How the table calls a case: its folder, and its file where the folder has several.
fn name_of(path: &Path) -> String {
    let name = path.strip_prefix(root()).unwrap().with_extension("").to_string_lossy().into_owned();
    name.strip_suffix("/case").map_or(name.clone(), str::to_owned)
}

/// The project that a case runs in, and what differs there from what is right.
struct Running<'a> {
    case: &'a Case,
    project: Project,
    differences: Vec<String>,
}

impl Running<'_> {
    fn differs(&mut self, text: String) {
        self.differences.push(text);
    }

    /// Writes the mapping and the settings, and the first extracts where they lie beside the case.
    fn prepare(&self, path: &Path, extracts_beside: bool) {
        let beside = path.parent().unwrap();
        let text_beside = |name: &str| fs::read_to_string(beside.join(name)).ok();
        // Without a mapping the extracts have the lake's own names.
        if let Some(map) = self.case.map.clone().or_else(|| text_beside("map.toml")) {
            fs::write(self.project.path().join("map.toml"), map).unwrap();
        }
        let settings = self.case.settings.clone().or_else(|| text_beside("carecoord.toml"));
        fs::write(self.project.path().join("carecoord.toml"), settings.unwrap_or_else(|| SETTINGS.to_owned())).unwrap();
        for (name, extract) in &self.case.files {
            fs::write(self.project.path().join(name), extract.bytes()).unwrap();
        }
        if extracts_beside {
            let into = self.project.path().join("extracts-1");
            fs::create_dir_all(&into).unwrap();
            for file in listed(&beside.join("extracts")) {
                fs::copy(&file, into.join(file.file_name().unwrap())).unwrap();
            }
        }
    }

    /// Checks and ingests one folder of extracts; says whether a snapshot was published.
    fn load(&mut self, number: usize, load: &Load) -> bool {
        let folder = self.project.path().join(format!("extracts-{number}"));
        fs::create_dir_all(&folder).unwrap();
        for (name, extract) in &load.extracts {
            fs::write(folder.join(name), extract.bytes()).unwrap();
        }
        let map = self.project.path().join("map.toml");
        let source = if map.is_file() { map.to_str().unwrap() } else { "carecoord" };
        let mut given = vec!["--source", source, "--extracts", folder.to_str().unwrap()];
        let extract_date = load.extract_date.as_deref().unwrap_or("2026-07-31");
        if extract_date != "assumed" {
            given.extend(["--extract-date", extract_date]);
        }
        if !load.says.is_empty() || !load.silent.is_empty() {
            let checked = self.project.run(&[&["check"], given.as_slice()].concat());
            self.texts(number, load, &checked);
        }
        let ran = self.project.run(&[&["ingest", "--format", "json"], given.as_slice()].concat());
        if !load.outcome.fits(ran.code) {
            let said = ran.err.lines().take(12).collect::<Vec<_>>().join("\n      ");
            self.differs(format!("load {number}: wanted {:?}, exit code {}\n      {said}", load.outcome, ran.code));
        }
        self.rows(number, load, &ran);
        ran.code == 0
    }

    /// What `check` must say and must not.
    fn texts(&mut self, number: usize, load: &Load, checked: &Ran) {
        if !load.outcome.fits(checked.code) {
            self.differs(format!("load {number}: check wanted {:?}, exit code {}", load.outcome, checked.code));
        }
        let printed = format!("{}\n{}", checked.out, checked.err).to_lowercase();
        let said = |text: &str| {
            let wanted = text.to_lowercase();
            let parts: Vec<&str> = wanted.split(" & ").collect();
            printed.lines().any(|line| parts.iter().all(|part| line.contains(part)))
        };
        for text in load.says.iter().filter(|text| !said(text)) {
            self.differs(format!("load {number}: check does not say {text:?}"));
        }
        for text in load.silent.iter().filter(|text| said(text)) {
            self.differs(format!("load {number}: check says {text:?}"));
        }
    }

    /// Row accounting of every block: it adds up, and is as the case states.
    fn rows(&mut self, number: usize, load: &Load, ran: &Ran) {
        let printed: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_default();
        let empty = Vec::new();
        let blocks: Vec<&serde_json::Value> = printed["files"]
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .filter(|file| file["already_loaded"] != true)
            .collect();
        let count = |block: &serde_json::Value, name: &str| {
            let counts = &block["accounting"];
            let called = if name == "left_out" && counts[name].is_null() { "filtered" } else { name };
            counts[called].as_u64().unwrap_or(0)
        };
        for block in &blocks {
            let parts = ["left_out", "accepted", "quarantined", "duplicate", "superseded", "combined", "withdrawn"];
            let sum: u64 = parts.iter().map(|part| count(block, part)).sum();
            if sum != count(block, "read") {
                self.differs(format!("load {number}: rows do not add up: {}", block["accounting"]));
            }
        }
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for wanted in &load.accounting {
            let place = seen.entry((&wanted.file, &wanted.table)).or_default();
            let of_block = |block: &&&serde_json::Value| {
                block["file"] == wanted.file.as_str() && block["accounting"]["table"] == wanted.table.as_str()
            };
            let found = blocks.iter().filter(of_block).nth(*place);
            *place += 1;
            let Some(found) = found else {
                let text = format!("load {number}: no rows of {} for {} (block {place})", wanted.file, wanted.table);
                self.differences.push(text);
                continue;
            };
            for (name, value) in wanted.counts() {
                let got = count(found, name);
                if value.is_some_and(|value| value != got) {
                    let text = format!(
                        "load {number}: {} for {} (block {place}): {name} {got}, right is {}",
                        wanted.file,
                        wanted.table,
                        value.unwrap_or_default()
                    );
                    self.differences.push(text);
                }
            }
        }
    }

    fn compute(&mut self) {
        let mut given = vec!["compute"];
        if self.case.month != "default" {
            given.extend(["--month", &self.case.month]);
        }
        for measure in &self.case.only {
            given.extend(["--only", measure]);
        }
        let ran = self.project.run(&given);
        if ran.code != 0 {
            self.differs(format!("compute: exit code {}: {}", ran.code, ran.err));
        }
    }

    fn query(&mut self, query: &Query) {
        let ran = self.project.run(&["sql", "--format", "csv", &query.sql]);
        let rows: Vec<&str> = ran.out.lines().skip(1).collect();
        if ran.code != 0 {
            self.differs(format!("{}\n      exit code {}: {}", query.sql, ran.code, ran.err));
        } else if rows != query.rows {
            self.differs(format!("{}\n      gives {rows:?}\n      right {:?}", query.sql, query.rows));
        }
    }
}

/// Runs a case; what differs from what is right.
fn run(path: &Path, mut case: Case) -> Vec<String> {
    // The case's own fields are its first load.
    let first = Load {
        extract_date: case.extract_date.take(),
        outcome: case.outcome,
        says: std::mem::take(&mut case.says),
        silent: std::mem::take(&mut case.silent),
        accounting: std::mem::take(&mut case.accounting),
        extracts: std::mem::take(&mut case.extracts),
    };
    let loads: Vec<Load> = std::iter::once(first).chain(std::mem::take(&mut case.then)).collect();
    let mut running = Running { case: &case, project: Project::new(), differences: Vec::new() };
    running.prepare(path, loads[0].extracts.is_empty());
    let mut published = false;
    for (place, load) in loads.iter().enumerate() {
        published |= running.load(place + 1, load);
    }
    if published {
        if !case.only.is_empty() {
            running.compute();
        }
        for query in &case.query {
            running.query(query);
        }
    }
    running.differences
}

/// Runs a case and catches what a broken one does, so that the others are still run.
fn outcome_of(path: &Path) -> (String, Vec<String>) {
    let ran = std::panic::catch_unwind(|| {
        let text = fs::read_to_string(path).unwrap();
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let guard = if case.guard { " (guard)" } else { "" };
        let from = if case.source.is_empty() { String::new() } else { format!(" [{}]", case.source) };
        (format!("{} | {}{guard}{from}", case.kind, case.title), run(path, case))
    });
    ran.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map_or("it panicked", String::as_str);
        (String::new(), vec![text.to_owned()])
    })
}

#[test]
fn every_case_gives_what_is_right_by_hand() {
    let wanted = std::env::var("CARECOORD_CASE").unwrap_or_default();
    let cases: Vec<PathBuf> = case_files().into_iter().filter(|path| name_of(path).contains(&wanted)).collect();
    assert!(!cases.is_empty(), "no case is called {wanted:?}");
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<BTreeMap<String, (String, Vec<String>)>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(path) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = outcome_of(path);
                    outcomes.lock().unwrap().insert(name_of(path), outcome);
                }
            });
        }
    });
    let mut wrong = Vec::new();
    for (name, (line, found)) in outcomes.into_inner().unwrap() {
        eprintln!("{} {name} | {line}", if found.is_empty() { "ok   " } else { "WRONG" });
        if !found.is_empty() {
            wrong.push(format!("{name}\n    {}", found.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases are not right:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_shared_cases_are_all_here_and_their_extracts_are_the_same() {
    let Some(folder) = shared("cases") else { return };
    for theirs in listed(&folder).into_iter().filter(|path| path.is_dir()) {
        let ours = root().join(theirs.file_name().unwrap());
        assert!(ours.join("case.toml").is_file(), "{} has no copy here", theirs.display());
        let names = |folder: &Path| -> Vec<_> {
            listed(&folder.join("extracts")).iter().map(|path| path.file_name().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&ours), names(&theirs), "{}", ours.display());
        for name in names(&theirs) {
            let same = fs::read(ours.join("extracts").join(&name)).unwrap()
                == fs::read(theirs.join("extracts").join(&name)).unwrap();
            assert!(same, "{}: {} differs", ours.display(), name.display());
        }
    }
}
