//! The whole way: find the files, load each, merge each table's buckets, publish a snapshot.
//!
//! Tables are taken in the order of the contracts, referenced tables first, so that references can be checked and
//! values looked up. Nothing is in force before the last step.

mod account;
mod buckets;
mod extracts;
mod file;
mod references;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carecoord_lake::contract::{self, Contract};
use carecoord_lake::manifest::{Accounting, Manifest};
use carecoord_lake::scratch::Scratch;
use carecoord_lake::snapshot::{Draft, Snapshot, Store};
use jiff::civil::Date;
use rayon::prelude::*;

use self::extracts::{Found, buckets_for, extract_date, extract_note, find_files};
use crate::checks::{CheckSettings, Failure};
use crate::conventions;
use crate::error::{PipelineError, Result};
use crate::layout::Layout;
use crate::mapping::{FileMapping, Mapping, Mode, check_time_zone};
use crate::merge::{self, Context};
use crate::people::People;
use crate::reach::Reach;
use crate::source::Unpacking;
use crate::spill::Spill;
use crate::survey::Survey;
use crate::tally::OrderTally;
use crate::wanted::wanted;
use crate::words::Words;

/// What to ingest and how.
pub struct Options<'a> {
    /// Mapping.
    pub mapping: Mapping,
    /// Folder with the extracts.
    pub extracts: &'a Path,
    /// Project folder.
    pub project: &'a Path,
    /// Settings of the checks.
    pub checks: CheckSettings,
    /// Number of buckets of a new lake; chosen by the size of the extracts unless stated.
    pub buckets: Option<u32>,
    /// Day on which the extracts were taken, where the user stated it; else `extract.toml` in the folder may.
    pub extract_date: Option<Date>,
    /// Today, after which nothing has happened, where nobody says when the extracts were taken.
    pub today: Date,
    /// Words for codes.
    pub words: Words,
    /// How much packed files may hold.
    pub unpacking: Unpacking,
    /// Read files again that the lake already holds, for example after their checks or references have changed.
    pub again: bool,
    /// Publish nothing; say what would happen.
    pub dry_run: bool,
    /// Called with the name of each file and table as work on it begins.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// What happened.
#[derive(Debug)]
pub struct Outcome {
    /// The published snapshot; none for a dry run, for a failed one, and where nothing changed.
    pub snapshot: Option<Snapshot>,
    /// The manifest of what is, or would be, in force.
    pub manifest: Manifest,
    /// Files of this run in order, with what became of their rows.
    pub files: Vec<FileOutcome>,
    /// Files in the folder that the mapping does not look for.
    pub unused_files: Vec<String>,
    /// Thresholds that the data did not pass; then nothing was published.
    pub failures: Vec<Failure>,
}

/// What became of one file.
#[derive(Debug, Clone)]
pub struct FileOutcome {
    /// File name within the extracts folder.
    pub file: String,
    /// Number of the extract in the lake: one for each part of the mapping that reads the file.
    pub extract: i64,
    /// Where the columns of the table come from: column → header name.
    pub headers: BTreeMap<String, String>,
    /// Whether the lake already holds this very file, so that it was skipped.
    pub known: bool,
    /// Counts.
    pub accounting: Accounting,
    /// The first cells that put rows into quarantine or drew a warning, with line, for messages.
    pub examples: Vec<Example>,
}

/// A cell that did not pass, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Line of the file.
    pub line: u64,
    /// Column of the table; empty for the whole row.
    pub column: String,
    /// Check.
    pub check: String,
    /// The value.
    pub value: String,
}

/// Brings extracts into the lake.
///
/// # Errors
/// When nothing fits the mapping, a file cannot be used at all, or the machine refuses. Rows that do not pass the
/// checks are no error: they are in the outcome, and so are thresholds not passed.
pub fn ingest(options: &Options<'_>) -> Result<Outcome> {
    let note = extract_note(options.extracts)?;
    let mut mapping = options.mapping.clone();
    let refuse = |reason: String| PipelineError::Setting { file: "extract.toml".to_owned(), reason };
    if let Some(zone) = note.time_zone {
        check_time_zone(&zone).map_err(refuse)?;
        mapping.time_zone = zone;
    }
    let noted = note.extract_date.map(|date| date.date().map_err(refuse)).transpose()?;
    let found = find_files(options.extracts, &mapping)?;
    // A dry run leaves nothing in the project; what it needs on disk lies in a folder that goes with it.
    let aside = if options.dry_run { Some(Scratch::create(options.project)?) } else { None };
    let current_store = Store::lake(options.project);
    let current = current_store.current_if_any()?;
    let store = aside.as_ref().map_or(current_store, |aside| Store::lake(aside.path()));
    let draft = store.begin()?;
    // Read again under the lock: another run may have published in between.
    let current = if options.dry_run { current } else { store.current_if_any()? };
    let old = current.as_ref().map(Manifest::read).transpose()?;
    let mut manifest = old
        .clone()
        .unwrap_or_else(|| Manifest::new(&mapping.name, options.buckets.unwrap_or_else(|| buckets_for(&found))));
    if mapping.reference {
        if old.is_none() {
            manifest.source.clone_from(&mapping.name);
        }
    } else {
        manifest.source.clone_from(&mapping.name);
        // A lake that so far holds reference tables only has no patients in buckets yet: their number is still free.
        if manifest.tables.keys().all(|name| contract::table(name).is_ok_and(|table| table.bucket_by.is_none())) {
            manifest.buckets = options.buckets.unwrap_or_else(|| buckets_for(&found));
        }
    }
    let dated = options.extract_date.or(noted).unwrap_or(options.today);
    let extract_day = merge::day_of(dated);
    let surveys = surveys(&found, &mapping, extract_day, options)?;
    let pooled = conventions::evidence(surveys.values().map(AsRef::as_ref));
    let mut run = Run {
        options,
        mapping,
        draft,
        current,
        manifest,
        files: Vec::new(),
        loaded: HashSet::new(),
        extract_day,
        surveys,
        pooled,
        by_extract: HashMap::new(),
        people: People::default(),
        reach: Reach::default(),
    };
    for contract in contract::tables()? {
        run.table(contract, &found)?;
    }
    run.feeds();
    let fresh = run.files.iter().any(|file| !file.known);
    if !run.mapping.reference {
        run.manifest.extract_date = extract_date(options.extract_date, noted, fresh, run.manifest.extract_date.take());
    }
    let failures: Vec<Failure> = run
        .files
        .iter()
        .filter(|file| !file.known)
        .flat_map(|file| options.checks.failures(&file.file, &file.accounting))
        .collect();
    sort_examples(&mut run.files);
    let Run { draft, mut manifest, files, .. } = run;
    let _ = fs::remove_dir_all(draft.path().join("spill"));
    let changed =
        old.as_ref().is_none_or(|old| old.extracts != manifest.extracts || old.extract_date != manifest.extract_date);
    let snapshot = if options.dry_run || !failures.is_empty() || !changed {
        None
    } else {
        let identity = manifest.write(&draft)?;
        Some(draft.publish(&identity)?)
    };
    Ok(Outcome { snapshot, manifest, files, unused_files: found.unused, failures })
}

/// The first look at every file, once for each layout that the mapping states of it.
type Surveys = HashMap<(PathBuf, Layout), Arc<Survey>>;

fn surveys(found: &Found, mapping: &Mapping, extract_day: i32, options: &Options<'_>) -> Result<Surveys> {
    let refuse = |reason: String| PipelineError::Mapping { path: mapping.name.clone(), reason };
    let mut looks: BTreeMap<(&PathBuf, String), (Layout, Vec<&FileMapping>)> = BTreeMap::new();
    for (index, path, _) in &found.files {
        let file = &mapping.files[*index];
        let layout = file.layout(mapping).map_err(refuse)?;
        let key = (path, format!("{layout:?}"));
        looks.entry(key).or_insert_with(|| (layout, Vec::new())).1.push(file);
    }
    let names: HashMap<&PathBuf, &String> = found.files.iter().map(|(_, path, name)| (path, name)).collect();
    let looks: Vec<_> = looks.into_iter().collect();
    looks
        .into_par_iter()
        .map(|((path, _), (layout, blocks))| {
            let name = names.get(path).map_or("", |name| name.as_str());
            (options.progress)(&format!("looking at {name}"));
            let survey = Survey::take(path, name, &layout, &wanted(&blocks, extract_day, options.unpacking)?)?;
            Ok(((path.clone(), layout), Arc::new(survey)))
        })
        .collect()
}

/// Examples of the gravest checks first, so that a list cut short shows what matters.
fn sort_examples(files: &mut [FileOutcome]) {
    for file in files {
        let severity = |check: &str, column: &str| {
            let found =
                file.accounting.findings.iter().find(|finding| finding.check == check && finding.column == column);
            std::cmp::Reverse(found.map(|finding| finding.severity))
        };
        let mut examples = std::mem::take(&mut file.examples);
        examples.sort_by_key(|example| (severity(&example.check, &example.column), example.line));
        file.examples = examples;
    }
}

struct Run<'a> {
    options: &'a Options<'a>,
    mapping: Mapping,
    draft: Draft,
    current: Option<Snapshot>,
    manifest: Manifest,
    files: Vec<FileOutcome>,
    /// Hash, fingerprint and table of what this run has seen.
    loaded: HashSet<(String, String, String)>,
    /// The day after which nothing can have happened.
    extract_day: i32,
    surveys: Surveys,
    /// What the dates of all files say about the order of day and month.
    pooled: OrderTally,
    /// The files of this run by their number in the lake.
    by_extract: HashMap<i64, Arc<Survey>>,
    people: People,
    reach: Reach,
}

impl Run<'_> {
    fn table(&mut self, contract: &'static Contract, found: &Found) -> Result<()> {
        let spill_folder = self.draft.path().join("spill").join(&contract.name);
        let buckets = if contract.bucket_by.is_some() { self.manifest.buckets } else { 1 };
        let mut spill = Spill::new(&spill_folder, buckets);
        let mut offered = BTreeSet::new();
        let mapping = self.mapping.clone();
        let before: HashSet<i64> = self.manifest.extracts.iter().map(|extract| extract.id).collect();
        let mut full: BTreeSet<String> = BTreeSet::new();
        for (index, path, name) in &found.files {
            let file = &mapping.files[*index];
            if file.table == contract.name {
                let again = file.mode == Mode::Full && self.block_changed(contract, &mapping, *index, found)?;
                if again {
                    full.insert(file.block(contract));
                }
                (self.options.progress)(&format!("{name} → {}", contract.name));
                spill = self.file(contract, &mapping, file, path, name, spill, &mut offered, again)?;
            }
        }
        self.link_quarantine(contract)?;
        if spill.is_empty() && offered.is_empty() && !self.manifest.tables.contains_key(&contract.name) {
            return Ok(());
        }
        (self.options.progress)(&format!("sorting {}", contract.name));
        let mut context =
            Context { last_day: Some(self.extract_day), patients: self.people.numbers(), ..Context::default() };
        for extract in &self.manifest.extracts {
            if !before.contains(&extract.id) || self.by_extract.contains_key(&extract.id) {
                context.fresh.insert(extract.id);
            } else if full.contains(&extract.block) {
                context.replaced.insert(extract.id);
            }
            let accounting = extract.tables.iter().find(|entry| entry.table == contract.name);
            if let Some(columns) = accounting.map(|entry| &entry.columns).filter(|columns| !columns.is_empty()) {
                context.offered.insert(extract.id, columns.iter().cloned().collect());
            }
        }
        self.merge(contract, spill, offered, &context)
    }
}
