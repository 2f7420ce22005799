//! The whole way: find the files, load each, merge each table's buckets, publish a snapshot.
//!
//! Tables are taken in the order of the contracts, referenced tables first, so that references can be checked and
//! values looked up. Nothing is in force before the last step.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carecoord_lake::contract::{self, CheckKind, Contract, Severity};
use carecoord_lake::manifest::{Accounting, Extract, FileEntry, Finding, Manifest, TableEntry};
use carecoord_lake::snapshot::{Draft, Snapshot, Store};
use jiff::civil::Date;
use polars::prelude::{
    Column, DataFrame, LazyFrame, ParquetReader, PlRefPath, PolarsError, ScanArgsParquet, SerReader, col,
};
use rayon::prelude::*;
use serde::Deserialize;

use crate::checks::{CheckSettings, Failure};
use crate::conventions::{self, Conventions};
use crate::error::{PipelineError, Result};
use crate::identifiers;
use crate::layout::Layout;
use crate::load::{FoundCell, Load, Loaded, Lookup};
use crate::mapping::{FileMapping, Mapping, Mode, check_time_zone, fits, needed};
use crate::merge::plausibility::{SINGLE_FROM, SINGLE_VALUE, Single};
use crate::merge::{self, Context, FoundRow, Keys, Life, Merged, References};
use crate::people::People;
use crate::plan::{Making, Plan};
use crate::quarantine;
use crate::reach::Reach;
use crate::spill::{Spill, SpilledBucket, read_parquet};
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
    /// Read files again that the lake already holds, for example after their checks or references have changed.
    pub again: bool,
    /// Publish nothing; say what would happen.
    pub dry_run: bool,
    /// Told the name of each file and table as work on it begins.
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

/// `extract.toml`, which may lie beside the extracts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtractNote {
    extract_date: Option<DateText>,
    time_zone: Option<String>,
}

/// A date with or without quotes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum DateText {
    Text(String),
    Date(toml::value::Datetime),
}

impl DateText {
    fn date(&self) -> std::result::Result<Date, String> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::Date(date) => date.to_string(),
        };
        text.parse().map_err(|_| format!("extract_date {text:?} is no date; write it like 2026-11-20"))
    }
}

/// Bytes of a bucket in memory from which buckets are merged one after the other.
const LARGE_BUCKET: usize = 48 << 20;
/// Examples for messages, for each file.
const EXAMPLES: usize = 10;

/// Brings extracts into the lake.
///
/// # Errors
/// When nothing fits the mapping, a file cannot be used at all, or the machine refuses. Rows that do not pass the
/// checks are no error: they are in the outcome, and so are thresholds not passed.
pub fn ingest(options: &Options<'_>) -> Result<Outcome> {
    let note = extract_note(options.extracts)?;
    let mut mapping = options.mapping.clone();
    let refuse = |reason: String| PipelineError::File { file: "extract.toml".to_owned(), reason };
    if let Some(zone) = note.time_zone {
        check_time_zone(&zone).map_err(refuse)?;
        mapping.time_zone = zone;
    }
    let noted = note.extract_date.map(|date| date.date().map_err(refuse)).transpose()?;
    let found = find_files(options.extracts, &mapping)?;
    // A dry run leaves nothing in the project; what it needs on disk lies in a folder that goes with it.
    let aside = if options.dry_run { Some(temporary_folder()?) } else { None };
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
    let surveys = surveys(&found, &mapping, extract_day, options.progress)?;
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
    let Run { draft, manifest, files, .. } = run;
    let _ = fs::remove_dir_all(draft.path().join("spill"));
    let changed =
        old.as_ref().is_none_or(|old| old.extracts != manifest.extracts || old.extract_date != manifest.extract_date);
    let snapshot = if options.dry_run || !failures.is_empty() || !changed {
        None
    } else {
        let identity = manifest.write(draft.path())?;
        Some(draft.publish(&identity)?)
    };
    Ok(Outcome { snapshot, manifest, files, unused_files: found.unused, failures })
}

/// Buckets for extracts of this size: one for each 96 MB of text (a packed file counts six times), 8 to 64. A bucket of
/// the largest table then fits into memory a few times over.
fn buckets_for(found: &Found) -> u32 {
    let bytes = |path: &PathBuf| {
        let packed = path.extension().is_some_and(|ending| ending == "gz" || ending == "zst");
        fs::metadata(path).map_or(0, |file| file.len()) * if packed { 6 } else { 1 }
    };
    let all: u64 = found.files.iter().map(|(_, path, _)| bytes(path)).sum();
    u32::try_from(all.div_ceil(96 << 20)).unwrap_or(u32::MAX).clamp(8, 64)
}

/// The extract date after a run: what the user says; what the folder says, but never back to an earlier day; with new
/// files and no word, none, so that the last date in the data stands in; else what it was.
fn extract_date(stated: Option<Date>, noted: Option<Date>, fresh: bool, before: Option<String>) -> Option<String> {
    match (stated, noted) {
        (Some(date), _) => Some(date.to_string()),
        // ISO dates sort as text.
        (None, Some(date)) => Some(date.to_string()).max(before),
        (None, None) if fresh => None,
        (None, None) => before,
    }
}

fn temporary_folder() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .prefix("carecoord-check-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir()
        .map_err(|error| PipelineError::read(&std::env::temp_dir(), error))
}

fn extract_note(folder: &Path) -> Result<ExtractNote> {
    let path = folder.join("extract.toml");
    match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text)
            .map_err(|error| PipelineError::File { file: "extract.toml".to_owned(), reason: error.to_string() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ExtractNote::default()),
        Err(error) => Err(PipelineError::read(&path, error)),
    }
}

struct Found {
    /// Index of the file mapping → files in order of name.
    files: Vec<(usize, PathBuf, String)>,
    unused: Vec<String>,
}

fn find_files(folder: &Path, mapping: &Mapping) -> Result<Found> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| PipelineError::read(folder, error))? {
        let entry = entry.map_err(|error| PipelineError::read(folder, error))?;
        if entry.path().is_file() {
            let name = entry.file_name().into_string().map_err(|name| PipelineError::File {
                file: name.to_string_lossy().into_owned(),
                reason: "the file's name is not UTF-8".to_owned(),
            })?;
            names.push(name);
        }
    }
    names.sort();
    let mut files = Vec::new();
    let mut unused = Vec::new();
    for name in names {
        let before = files.len();
        for (index, file) in mapping.files.iter().enumerate() {
            if file.files.iter().any(|pattern| fits(pattern, &name)) {
                files.push((index, folder.join(&name), name.clone()));
            }
        }
        if files.len() == before && name != "extract.toml" {
            unused.push(name);
        }
    }
    if files.is_empty() {
        let patterns: BTreeSet<&str> = mapping.files.iter().flat_map(|file| &file.files).map(String::as_str).collect();
        return Err(PipelineError::NoFiles {
            folder: folder.to_owned(),
            mapping: mapping.name.clone(),
            patterns: patterns.into_iter().collect::<Vec<_>>().join(", "),
        });
    }
    Ok(Found { files, unused })
}

/// The first look at every file, once for each layout that the mapping states of it.
type Surveys = HashMap<(PathBuf, Layout), Arc<Survey>>;

fn surveys(found: &Found, mapping: &Mapping, extract_day: i32, progress: &(dyn Fn(&str) + Sync)) -> Result<Surveys> {
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
            progress(&format!("looking at {name}"));
            let survey = Survey::take(path, name, &layout, &wanted(&blocks, extract_day)?)?;
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

    /// Whether any file of a block is new, so that a full load replaces what the block brought before.
    fn block_changed(&self, contract: &Contract, mapping: &Mapping, index: usize, found: &Found) -> Result<bool> {
        for (_, path, name) in found.files.iter().filter(|(other, _, _)| *other == index) {
            let survey = self.survey(mapping, &mapping.files[index], path, name)?;
            let fingerprint = self.fingerprint(mapping, &mapping.files[index]);
            if self.options.again || self.known(contract, &survey, &fingerprint).is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fingerprint(&self, mapping: &Mapping, file: &FileMapping) -> String {
        let own = file.fingerprint(mapping);
        let words = self.options.words.fingerprint();
        if words == Words::default().fingerprint() {
            return own;
        }
        blake3::hash(format!("{own} {words}").as_bytes()).to_hex()[..16].to_owned()
    }

    fn survey(&self, mapping: &Mapping, file: &FileMapping, path: &Path, name: &str) -> Result<Arc<Survey>> {
        let refuse = |reason: String| PipelineError::Mapping { path: mapping.name.clone(), reason };
        let layout = file.layout(mapping).map_err(refuse)?;
        self.surveys
            .get(&(path.to_owned(), layout))
            .cloned()
            .ok_or_else(|| PipelineError::File { file: name.to_owned(), reason: "was not looked at".to_owned() })
    }

    /// What became of this very file before, read in this very way.
    fn known(&self, contract: &Contract, survey: &Survey, fingerprint: &str) -> Option<(i64, Accounting)> {
        let mut here = self
            .manifest
            .extracts
            .iter()
            .filter(|extract| extract.hash == survey.hash && extract.mapping == fingerprint);
        here.find_map(|extract| {
            let accounting = extract.tables.iter().find(|entry| entry.table == contract.name)?;
            Some((extract.id, accounting.clone()))
        })
    }

    #[allow(clippy::too_many_arguments)] // One file of one table needs to know all of these.
    fn file(
        &mut self,
        contract: &'static Contract,
        mapping: &Mapping,
        file: &FileMapping,
        path: &Path,
        name: &str,
        spill: Spill,
        offered: &mut BTreeSet<String>,
        again: bool,
    ) -> Result<Spill> {
        let survey = self.survey(mapping, file, path, name)?;
        let fingerprint = self.fingerprint(mapping, file);
        let identity = (survey.hash.clone(), fingerprint.clone(), contract.name.clone());
        let this_run = !self.loaded.insert(identity);
        let known = self.known(contract, &survey, &fingerprint);
        if let Some((extract, accounting)) = known.filter(|_| !(self.options.again || again) || this_run) {
            let (file, headers, examples) = (name.to_owned(), BTreeMap::new(), Vec::new());
            self.files.push(FileOutcome { file, extract, headers, known: true, accounting, examples });
            return Ok(spill);
        }
        let refuse = |reason: String| PipelineError::File { file: name.to_owned(), reason };
        let line = survey.header_line();
        for condition in file.only_where.iter().chain(&file.deleted_where) {
            if survey.column(&condition.column).is_none() {
                return Err(refuse(format!(
                    "line {line} has no column {}, which a condition of the mapping asks for; it has {}",
                    condition.column,
                    survey.header.join(", ")
                )));
            }
        }
        let lookup = self.lookup(contract, file, &survey)?;
        let conventions = Conventions::new(&survey, mapping, file, &self.pooled).map_err(&refuse)?;
        let plan = Plan::new(Making {
            contract,
            mapping,
            file,
            survey: &survey,
            conventions: &conventions,
            words: &self.options.words,
            settings: &self.options.checks,
            extract_day: self.extract_day,
            filled: lookup.is_some(),
        });
        let placed = needed(contract).chain(contract.bucket_by.as_deref());
        if let Some(missing) = placed.into_iter().find(|column| !plan.offers(column)) {
            let rule = file.columns.get(missing).map(crate::mapping::Source::rule).unwrap_or_default();
            let wanted: Vec<String> = rule.column.into_iter().chain(rule.join).collect();
            return Err(refuse(format!(
                "line {line} has no column {} for {}.{missing}; it has {}{}",
                wanted.join(" or "),
                contract.name,
                survey.header.join(", "),
                if survey.header.iter().all(|name| !name.contains(char::REPLACEMENT_CHARACTER)) {
                    ""
                } else {
                    "; its letters are not UTF-8: state encoding in the mapping, for example encoding = \"windows-1252\""
                }
            )));
        }
        if let Some(second) = file.names_read(&survey).find_map(|name| survey.second_column(name)) {
            return Err(refuse(format!(
                "line {line}: the column {} stands twice (second time as column {}), and the mapping uses it; rename one",
                survey.header[second],
                second + 1
            )));
        }
        let id = self.extract_id(name, &survey.hash, &fingerprint, &file.block(contract), &contract.name);
        let scratch = self.draft.path().join("spill");
        let merged = self.people.merged();
        let load = Load { contract, survey: &survey, plan: &plan, extract: id, scratch: &scratch, lookup, merged };
        let (spill, loaded) = load.run(spill)?;
        offered.extend(plan.offered.iter().cloned());
        self.by_extract.insert(id, Arc::clone(&survey));
        quarantine::write(self.draft.path(), id, &contract.name, &survey, &loaded.quarantined)?;
        self.record(id, name, &survey, plan.headers, loaded)?;
        Ok(spill)
    }

    fn record(
        &mut self,
        id: i64,
        name: &str,
        survey: &Survey,
        headers: BTreeMap<String, String>,
        loaded: Loaded,
    ) -> Result<()> {
        let Loaded { accounting, quarantined, warned } = loaded;
        let cells: Vec<&FoundCell> = quarantined.iter().take(EXAMPLES).chain(&warned).collect();
        let texts = survey.texts(&cells.iter().map(|cell| cell.record).collect())?;
        let example = |cell: &&FoundCell| Example {
            line: texts.get(&cell.record).map_or(0, |row| row.line),
            column: cell.column.clone(),
            check: cell.check.clone(),
            value: cell.value.clone(),
        };
        let examples = cells.iter().map(example).collect();
        self.files.push(FileOutcome {
            file: name.to_owned(),
            extract: id,
            headers,
            known: false,
            accounting: accounting.clone(),
            examples,
        });
        if let Some(extract) = self.manifest.extracts.iter_mut().find(|extract| extract.id == id) {
            extract.tables.push(accounting);
        }
        Ok(())
    }

    /// The number of a file: one for each part of the mapping that reads it; read again, it is a new extract.
    fn extract_id(&mut self, name: &str, hash: &str, fingerprint: &str, block: &str, table: &str) -> i64 {
        let newest = self.manifest.extracts.iter().rev().find(|extract| extract.hash == hash && extract.file == name);
        if let Some(extract) = newest
            .filter(|extract| extract.mapping == fingerprint && extract.tables.iter().all(|entry| entry.table != table))
        {
            return extract.id;
        }
        let id = self.manifest.extracts.iter().map(|extract| extract.id).max().unwrap_or(0) + 1;
        let (file, hash, mapping, block) = (name.to_owned(), hash.to_owned(), fingerprint.to_owned(), block.to_owned());
        self.manifest.extracts.push(Extract { id, file, hash, mapping, block, tables: Vec::new() });
        id
    }

    /// The values that a file lacks and another table holds, for example a referral's patient.
    fn lookup(&self, contract: &Contract, file: &FileMapping, survey: &Survey) -> Result<Option<Lookup>> {
        let Some(column) = contract.columns.iter().find(|column| column.filled_from.is_some()) else { return Ok(None) };
        let rule = file.columns.get(&column.name).map(crate::mapping::Source::rule).unwrap_or_default();
        if rule.column.iter().chain(&rule.join).any(|name| survey.column(name).is_some()) || rule.constant.is_some() {
            return Ok(None);
        }
        let from = column.filled_from.as_deref().unwrap_or_default();
        let reference = contract.columns.iter().find_map(|other| {
            other.reference().filter(|(table, _)| *table == from).map(|(_, key)| (other.name.clone(), key))
        });
        let offers = |name: &str| {
            let rule = file.columns.get(name).map(crate::mapping::Source::rule).unwrap_or_default();
            rule.constant.is_some() || rule.column.iter().chain(&rule.join).any(|name| survey.column(name).is_some())
        };
        let reference = reference.filter(|(name, _)| offers(name));
        let (Some((reference, key)), Some(entry)) = (reference, self.manifest.tables.get(from)) else {
            if contract.column(&column.name).is_some_and(|column| column.required) {
                // The caller names the column that the file lacks.
                return Ok(None);
            }
            return Err(PipelineError::File {
                file: survey.name.clone(),
                reason: format!(
                    "has no column for {}.{} and there is no table {from} to look it up in",
                    contract.name, column.name
                ),
            });
        };
        let mut paths = Vec::new();
        for file in &entry.files {
            let path = self.draft.path().join(&file.path);
            paths.push(PlRefPath::new(path.to_string_lossy().as_ref()));
        }
        let frame =
            LazyFrame::scan_parquet_files(paths.into(), ScanArgsParquet { glob: false, ..ScanArgsParquet::default() })
                .map_err(|error| PipelineError::engine(format!("cannot look up {from}"), error))?
                .select([col(key).alias("key"), col(column.name.as_str()).alias("value")]);
        Ok(Some(Lookup { frame, reference, column: column.name.clone() }))
    }

    fn link_quarantine(&self, contract: &Contract) -> Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        for extract in &self.manifest.extracts {
            let path = quarantine::path(extract.id, &contract.name);
            if current.path.join(&path).exists() && !self.draft.path().join(&path).exists() {
                self.draft.link(current, &path)?;
            }
        }
        Ok(())
    }

    fn merge(
        &mut self,
        contract: &'static Contract,
        mut spill: Spill,
        offered: BTreeSet<String>,
        context: &Context,
    ) -> Result<()> {
        let old = self.manifest.tables.get(&contract.name).cloned().unwrap_or_default();
        let moving = self.move_people(contract, &old, &mut spill)?;
        if spill.is_empty() && context.replaced.is_empty() && !moving {
            if let Some(current) = &self.current {
                for file in &old.files {
                    self.draft.link(current, Path::new(&file.path))?;
                }
            }
            let entry = self.manifest.tables.entry(contract.name.clone()).or_default();
            let all: BTreeSet<String> = entry.columns.drain(..).chain(offered).collect();
            entry.columns = all.into_iter().collect();
            return self.learn(contract);
        }
        let fixed = self.fixed_references(contract)?;
        let large = spill.bucket_bytes() > LARGE_BUCKET;
        let buckets: Vec<(u32, SpilledBucket)> = (0..).zip(spill.into_buckets()).collect();
        let one = |(number, new)| self.bucket(contract, &old, &fixed, context, number, new);
        // Large buckets go one after the other: memory is bounded by one of them, and sorting uses all cores anyway.
        let written: Vec<Bucket> = if large {
            buckets.into_iter().map(one).collect::<Result<_>>()?
        } else {
            buckets.into_par_iter().map(one).collect::<Result<_>>()?
        };
        let mut written = written;
        self.one_place_for_each_key(contract, &fixed, context, &mut written)?;
        self.follow_elsewhere(contract, &mut written)?;
        self.account(contract, old, written, offered);
        self.learn(contract)
    }

    /// Rows of the lake that stand under a number merged into another's go to the number that stays. Says whether there
    /// were any.
    fn move_people(&self, contract: &Contract, old: &TableEntry, spill: &mut Spill) -> Result<bool> {
        let merged = self.people.merged();
        let (Some(patient), Some(current)) = (&contract.bucket_by, &self.current) else { return Ok(false) };
        let buckets: BTreeSet<u32> =
            merged.keys().map(|id| crate::spill::bucket_of(id, self.manifest.buckets)).collect();
        let mut moved = false;
        for file in old.files.iter().filter(|file| buckets.contains(&file.bucket)) {
            let rows = merge::conform(contract, &read_parquet(&current.path.join(&file.path))?)?;
            if let Some(rows) = merge::moved(&rows, patient, &merged)? {
                moved = true;
                spill.push(rows, Some(patient))?;
            }
        }
        Ok(moved)
    }

    /// What later tables need to know of this one.
    fn learn(&mut self, contract: &Contract) -> Result<()> {
        let rows = self.manifest.tables.get(&contract.name).map_or(0, |entry| entry.rows);
        if contract.name == "patient" && rows > 0 {
            // A run that brings no patients still compares its rows with those of the lake.
            if self.people.is_empty() {
                let entry = self.manifest.tables.get("patient").cloned().unwrap_or_default();
                for file in &entry.files {
                    for id in self.keys("patient", "patient_id", file.bucket)?.unwrap_or_default().patients.keys() {
                        self.people.meet(id);
                    }
                }
            }
            self.people.table_is_loaded();
        }
        if contract.name != "patient_merge" || rows == 0 {
            return Ok(());
        }
        let mut steps = BTreeMap::new();
        for bucket in 0..1 {
            let rows = self.written_rows(contract, bucket)?;
            let text = |name: &str| {
                rows.column(name)
                    .and_then(Column::str)
                    .cloned()
                    .map_err(|error| PipelineError::engine("cannot read the merges of patients", error))
            };
            let (old, new) = (text("old_patient_id")?, text("patient_id")?);
            let pairs = old.iter().zip(new.iter()).filter_map(|(old, new)| Some((old?.to_owned(), new?.to_owned())));
            steps.extend(pairs.filter(|(old, new)| old != new));
        }
        self.people.merge(&steps).map_err(|circle| PipelineError::File {
            file: "patient_merge".to_owned(),
            reason: format!("the merges of patient {} lead back to it; take one of them out", circle.0),
        })
    }

    /// Where one key stands in two buckets (a patient's number was corrected), the later row stays and the earlier one
    /// is superseded, as within a bucket.
    fn one_place_for_each_key(
        &self,
        contract: &Contract,
        fixed: &References,
        context: &Context,
        written: &mut [Bucket],
    ) -> Result<()> {
        let mut hashes: Vec<u64> =
            written.iter_mut().flat_map(|bucket| std::mem::take(&mut bucket.merged.keys)).collect();
        hashes.sort_unstable();
        let twice: merge::KeyHashes = hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        if twice.is_empty() {
            return Ok(());
        }
        let mut latest: BTreeMap<Vec<u8>, (i64, i64)> = BTreeMap::new();
        for bucket in written.iter() {
            let rows = self.written_rows(contract, bucket.number)?;
            for (key, place) in merge::places(contract, &rows, &twice)?.into_iter().flatten() {
                let newest = latest.entry(key).or_insert(place);
                *newest = (*newest).max(place);
            }
        }
        let settled = Context {
            offered: context.offered.clone(),
            last_day: context.last_day,
            patients: context.patients.clone(),
            ..Context::default()
        };
        for bucket in written.iter_mut() {
            let rows = self.written_rows(contract, bucket.number)?;
            let places = merge::places(contract, &rows, &twice)?;
            let stays: Vec<bool> = places
                .iter()
                .map(|found| found.as_ref().is_none_or(|(key, place)| latest.get(key) == Some(place)))
                .collect();
            if stays.iter().all(|stays| *stays) {
                continue;
            }
            let (kept, gone) = merge::split(&rows, &stays)?;
            let mut references = fixed.clone();
            self.bucket_references(contract, bucket.number, &mut references)?;
            let lives = self.lives(contract, bucket.number)?;
            let mut again = merge::merge(contract, &self.options.checks, &kept, &references, &lives, &settled)?;
            again.duplicate.clone_from(&bucket.merged.duplicate);
            again.superseded.clone_from(&bucket.merged.superseded);
            again.combined.clone_from(&bucket.merged.combined);
            again.withdrawn.clone_from(&bucket.merged.withdrawn);
            for extract in gone {
                *again.superseded.entry(extract).or_default() += 1;
            }
            for (row, found) in places.into_iter().enumerate() {
                let Some((key, place)) = found.filter(|_| !stays[row]) else { continue };
                let other = latest.get(&key).copied().unwrap_or(place);
                again.two_patients(contract, &self.options.checks, context, &rows, row, place, other);
            }
            // What was found among rows that are now settled stays found.
            again.keep_settled(&mut bucket.merged);
            let path = self.draft.path().join(bucket_path(contract, bucket.number));
            // The file may be a link into an older snapshot: it is replaced, never written over.
            fs::remove_file(&path).map_err(|error| PipelineError::read(&path, error))?;
            bucket.rows = again.rows.height() as u64;
            merge::write(&path, &mut again.rows)?;
            again.rows = DataFrame::default();
            bucket.merged = again;
        }
        Ok(())
    }

    /// References that a bucket could not follow: to another patient's row, to nobody's, or to a patient under another
    /// spelling of the number.
    fn follow_elsewhere(&mut self, contract: &'static Contract, written: &mut [Bucket]) -> Result<()> {
        self.meet_people(contract, written)?;
        for column in &contract.columns {
            let Some((table, key)) = column.reference() else { continue };
            let name = &column.name;
            let values: HashSet<String> = written
                .iter()
                .flat_map(|bucket| &bucket.merged.missing)
                .filter(|missing| missing.column == *name)
                .map(|missing| missing.value.clone())
                .collect();
            if values.is_empty() {
                continue;
            }
            let patients = table == "patient";
            let elsewhere =
                if patients || table == contract.name { HashSet::new() } else { self.elsewhere(table, key, &values)? };
            let suspects: HashSet<String> = if patients {
                values.iter().filter(|value| self.people.knows_variant(value)).cloned().collect()
            } else {
                values
            };
            let spelled = self.spelled(table, key, &suspects)?;
            let settings = &self.options.checks;
            let wrong = settings.severity(&contract.name, name, merge::WRONG_PATIENT).unwrap_or(Severity::Fail);
            let variant = settings.severity(&contract.name, name, ID_VARIANTS).unwrap_or(Severity::Fail);
            let dangling = merge::dangling_severity(settings, contract, name);
            let bucketed = contract::table(table)?.bucket_by.is_some() && table != contract.name;
            for bucket in written.iter_mut() {
                let missing = std::mem::take(&mut bucket.merged.missing);
                for missing in missing {
                    if missing.column != *name {
                        bucket.merged.missing.push(missing);
                        continue;
                    }
                    let (extract, record, value) = (missing.extract, missing.record, missing.value.as_str());
                    if elsewhere.contains(value) && !missing.nobody {
                        bucket.merged.find(extract, record, merge::WRONG_PATIENT, name, wrong, value);
                    } else if bucketed && !patients {
                        bucket.merged.find(extract, record, merge::DANGLING, name, dangling, value);
                    }
                    if let Some(other) = spelled.get(value) {
                        let both = format!("{value} beside {other}");
                        bucket.merged.find(extract, record, ID_VARIANTS, name, variant, &both);
                    }
                }
            }
        }
        Ok(())
    }

    /// The keys among `values` that some bucket of a table holds.
    fn elsewhere(&self, table: &str, key: &str, values: &HashSet<String>) -> Result<HashSet<String>> {
        let mut found = HashSet::new();
        let Some(entry) = self.manifest.tables.get(table) else { return Ok(found) };
        if contract::table(table)?.bucket_by.is_none() {
            return Ok(found);
        }
        for file in &entry.files {
            let Some(keys) = self.keys(table, key, file.bucket)? else { continue };
            let known = self.people.numbers();
            // A row of a patient whom nobody knows is not another patient's.
            let somebody = |patient: &u64| known.as_ref().is_none_or(|known| known.contains(patient));
            found.extend(values.iter().filter(|value| keys.patients.get(*value).is_some_and(somebody)).cloned());
        }
        Ok(found)
    }

    /// The identifiers among `values` that a table holds under another spelling, each with that spelling.
    fn spelled(&self, table: &str, key: &str, values: &HashSet<String>) -> Result<HashMap<String, String>> {
        let bare: HashMap<String, &String> = values.iter().map(|value| (identifiers::bare(value), value)).collect();
        let mut found = HashMap::new();
        // References to tables of many rows are not looked at: their keys are not written by hand.
        let few = contract::table(table)?.bucket_by.is_none() || table == "patient";
        let entry = self.manifest.tables.get(table).filter(|_| few && !values.is_empty());
        for file in entry.map(|entry| entry.files.as_slice()).unwrap_or_default() {
            let Some(keys) = self.keys(table, key, file.bucket)? else { continue };
            for other in keys.patients.keys() {
                if let Some(value) = bare.get(&identifiers::bare(other)) {
                    found.insert((*value).clone(), other.clone());
                }
            }
        }
        Ok(found)
    }

    /// Looks for numbers of patients that stand for one another, and for one person under two numbers: in the table of
    /// patients, or where there is none, in every table.
    fn meet_people(&mut self, contract: &'static Contract, written: &mut [Bucket]) -> Result<()> {
        let Some(patient) = contract.bucket_by.as_ref().filter(|_| !self.people.is_whole()) else { return Ok(()) };
        let severity = self.options.checks.severity(&contract.name, patient, ID_VARIANTS).unwrap_or(Severity::Fail);
        let twice = self.options.checks.severity(&contract.name, "", SAME_PERSON_TWICE).unwrap_or(Severity::Warn);
        let mut persons: HashSet<u64> = HashSet::new();
        for bucket in written.iter_mut() {
            let rows = self.written_rows(contract, bucket.number)?;
            let people = &mut self.people;
            merge::each_patient(&rows, patient, |id, extract, record| {
                if people.meet(id) {
                    bucket.merged.find(extract, record, ID_VARIANTS, patient, severity, id);
                }
            })?;
            if contract.name == "patient" {
                merge::each_person(&rows, |person, extract, record| {
                    if !persons.insert(person) {
                        bucket.merged.find(extract, record, SAME_PERSON_TWICE, "", twice, "");
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Feeds that broke off, told with the newest file of their table.
    fn feeds(&mut self) {
        let clock = self.reach.broke_off(merge::plausibility::month_of(self.extract_day));
        for feed in clock {
            let severity = self.options.checks.severity(&feed.table, "", FEED_BROKE_OFF).unwrap_or(Severity::Warn);
            let reason = format!(
                "no rows after {}, although a month brought about {} before; ask for the missing months, or state the \
                 extract date if the extract was taken then",
                crate::reach::iso_month(feed.last),
                feed.usual
            );
            let finding = Finding {
                check: FEED_BROKE_OFF.to_owned(),
                column: String::new(),
                severity,
                rows: u64::try_from(feed.silent).unwrap_or(0),
                of: None,
                reason,
            };
            self.tell(&feed.table, finding, None);
        }
    }

    fn written_rows(&self, contract: &Contract, number: u32) -> Result<DataFrame> {
        merge::conform(contract, &read_parquet(&self.draft.path().join(bucket_path(contract, number)))?)
    }

    /// One bucket: read, merged, written or linked.
    fn bucket(
        &self,
        contract: &Contract,
        old: &TableEntry,
        fixed: &References,
        context: &Context,
        number: u32,
        new: SpilledBucket,
    ) -> Result<Bucket> {
        let relative = bucket_path(contract, number);
        let older = self.current.as_ref().filter(|_| old.files.iter().any(|file| file.bucket == number));
        let mut frames = Vec::new();
        let mut old_rows = 0;
        if let Some(current) = older {
            let rows = merge::conform(contract, &read_parquet(&current.path.join(&relative))?)?;
            old_rows = rows.height();
            frames.push(match &contract.bucket_by {
                Some(patient) => merge::without(&rows, patient, &self.people.merged())?,
                None => rows,
            });
        }
        if let Some(rows) = new.read()? {
            frames.push(merge::conform(contract, &rows)?);
        }
        // A bucket without rows has its file too: with one file for each bucket, SQL keeps the physical order.
        let rows = match crate::spill::concat_frames(frames)? {
            Some(rows) => rows,
            None => merge::empty(contract)?,
        };
        let mut references = fixed.clone();
        self.bucket_references(contract, number, &mut references)?;
        let lives = self.lives(contract, number)?;
        let mut merged = merge::merge(contract, &self.options.checks, &rows, &references, &lives, context)?;
        drop(rows);
        let height = merged.rows.height();
        let settled = merged.superseded.is_empty() && merged.combined.is_empty() && merged.withdrawn.is_empty();
        let same = height == old_rows && settled && context.replaced.is_empty() && self.people.merged().is_empty();
        match older {
            // Every old row stayed and no new one came in: the file is what it was.
            Some(current) if same => self.draft.link(current, &relative)?,
            _ => merge::write(&self.draft.path().join(&relative), &mut merged.rows)?,
        }
        merged.rows = DataFrame::default();
        Ok(Bucket { number, merged, rows: height as u64 })
    }

    /// Keys of referenced tables that have a single bucket.
    fn fixed_references(&self, contract: &Contract) -> Result<References> {
        let mut references = References::new();
        for column in &contract.columns {
            let Some((table, key)) = column.reference() else { continue };
            if contract::table(table)?.bucket_by.is_none()
                && table != contract.name
                && let Some(keys) = self.keys(table, key, 0)?
            {
                references.insert(column.name.clone(), keys);
            }
        }
        Ok(references)
    }

    /// Keys of referenced tables in the same bucket: the same patient's rows.
    fn bucket_references(&self, contract: &Contract, number: u32, references: &mut References) -> Result<()> {
        for column in &contract.columns {
            let Some((table, key)) = column.reference() else { continue };
            if contract::table(table)?.bucket_by.is_some()
                && table != contract.name
                && let Some(keys) = self.keys(table, key, number)?
            {
                references.insert(column.name.clone(), keys);
            }
        }
        Ok(())
    }

    /// The keys of one bucket of a table; none where the table holds no rows at all, so that nothing can dangle.
    fn keys(&self, table: &str, key: &str, number: u32) -> Result<Option<Keys>> {
        let Some(entry) = self.manifest.tables.get(table).filter(|entry| entry.rows > 0) else { return Ok(None) };
        let patient = contract::table(table)?.bucket_by.as_deref().filter(|patient| *patient != key);
        let Some(file) = entry.files.iter().find(|file| file.bucket == number) else {
            return Ok(Some(Keys { partial: patient.is_some(), ..Keys::default() }));
        };
        let path = self.draft.path().join(&file.path);
        let opened = fs::File::open(&path).map_err(|error| PipelineError::read(&path, error))?;
        let failed = |error: PolarsError| PipelineError::engine(format!("cannot read {}", path.display()), error);
        let columns: Vec<String> = std::iter::once(key).chain(patient).map(str::to_owned).collect();
        let rows = ParquetReader::new(opened).with_columns(Some(columns)).finish().map_err(failed)?;
        let keys = rows.column(key).and_then(Column::str).map_err(failed)?;
        let mut known = HashMap::with_capacity(keys.len());
        match patient {
            None => known.extend(keys.iter().flatten().map(|key| (key.to_owned(), 0))),
            Some(patient) => {
                let patients = rows.column(patient).and_then(Column::str).map_err(failed)?;
                for (key, patient) in keys.iter().zip(patients.iter()) {
                    if let (Some(key), Some(patient)) = (key, patient) {
                        known.insert(key.to_owned(), merge::hash_of(patient.as_bytes()));
                    }
                }
            }
        }
        Ok(Some(Keys { patients: known, partial: patient.is_some() }))
    }

    /// When the patients of a bucket were born and died.
    fn lives(&self, contract: &Contract, number: u32) -> Result<HashMap<String, Life>> {
        let mut lives = HashMap::new();
        if contract.bucket_by.is_none() || contract.name == "patient" || contract.time.is_none() {
            return Ok(lives);
        }
        let entry = self.manifest.tables.get("patient").filter(|entry| entry.rows > 0);
        let Some(file) = entry.and_then(|entry| entry.files.iter().find(|file| file.bucket == number)) else {
            return Ok(lives);
        };
        let path = self.draft.path().join(&file.path);
        let opened = fs::File::open(&path).map_err(|error| PipelineError::read(&path, error))?;
        let failed = |error: PolarsError| PipelineError::engine(format!("cannot read {}", path.display()), error);
        let columns = ["patient_id", "birth_date", "deceased_date"].map(str::to_owned).to_vec();
        let rows = ParquetReader::new(opened).with_columns(Some(columns)).finish().map_err(failed)?;
        let ids = rows.column("patient_id").and_then(Column::str).map_err(failed)?;
        let births = rows.column("birth_date").and_then(Column::date).map_err(failed)?;
        let deaths = rows.column("deceased_date").and_then(Column::date).map_err(failed)?;
        for (id, life) in ids.iter().zip(births.physical().iter().zip(deaths.physical().iter())) {
            if let (Some(id), (Some(_), _) | (_, Some(_))) = (id, life) {
                lives.insert(id.to_owned(), life);
            }
        }
        Ok(lives)
    }

    /// Writes what the merge found into the manifest and into this run's outcomes.
    fn account(&mut self, contract: &Contract, old: TableEntry, written: Vec<Bucket>, offered: BTreeSet<String>) {
        let mut entry = TableEntry::default();
        let mut accepted: BTreeMap<i64, u64> = BTreeMap::new();
        let mut duplicate: BTreeMap<i64, u64> = BTreeMap::new();
        let mut superseded: BTreeMap<i64, u64> = BTreeMap::new();
        let mut combined: BTreeMap<i64, u64> = BTreeMap::new();
        let mut withdrawn: BTreeMap<i64, u64> = BTreeMap::new();
        let mut referring: BTreeMap<(i64, String), u64> = BTreeMap::new();
        let mut findings: BTreeMap<merge::FindingKey, (Severity, u64)> = BTreeMap::new();
        let mut examples: Vec<FoundRow> = Vec::new();
        let mut dates: Option<(i32, i32)> = None;
        let mut happened: Vec<i32> = Vec::new();
        let mut months: BTreeMap<i32, u64> = BTreeMap::new();
        let mut singles: BTreeMap<String, Single> = BTreeMap::new();
        for bucket in written {
            let Bucket { number, merged, rows } = bucket;
            let path = bucket_path(contract, number).to_string_lossy().into_owned();
            entry.files.push(FileEntry { bucket: number, path, rows });
            entry.rows += rows;
            for (total, part) in [
                (&mut accepted, &merged.accepted),
                (&mut duplicate, &merged.duplicate),
                (&mut superseded, &merged.superseded),
                (&mut combined, &merged.combined),
                (&mut withdrawn, &merged.withdrawn),
            ] {
                for (extract, rows) in part {
                    *total.entry(*extract).or_default() += rows;
                }
            }
            for (key, (severity, rows)) in merged.findings {
                let entry = findings.entry(key).or_insert((severity, 0));
                *entry = (entry.0.max(severity), entry.1 + rows);
            }
            for (key, cells) in merged.referring {
                *referring.entry(key).or_default() += cells;
            }
            for (month, rows) in merged.months {
                *months.entry(month).or_default() += rows;
            }
            examples.extend(merged.examples);
            for (column, single) in &merged.singles {
                singles.entry(column.clone()).or_default().add(single);
            }
            happened.extend(merged.happened);
            if let Some((first, last)) = merged.dates {
                dates = Some(dates.map_or((first, last), |(one, other)| (one.min(first), other.max(last))));
            }
        }
        entry.first_date = dates.map(|(first, _)| merge::iso_date(first));
        entry.last_date = dates.map(|(_, last)| merge::iso_date(last));
        entry.last_happened = last_happened(happened, months.values().sum()).map(merge::iso_date);
        self.reach.note(&contract.name, months);
        entry.columns = old.columns.into_iter().chain(offered).collect::<BTreeSet<_>>().into_iter().collect();
        self.manifest.tables.insert(contract.name.clone(), entry);
        let of_several_rows = |name: &str| {
            MERGE_CHECKS.contains(&name)
                || contract.checks.iter().any(|check| check.kind != CheckKind::NotBefore && check.name == name)
        };
        for extract in &mut self.manifest.extracts {
            let id = extract.id;
            let Some(counts) = extract.tables.iter_mut().find(|counts| counts.table == contract.name) else { continue };
            counts.accepted = accepted.get(&id).copied().unwrap_or(0);
            counts.duplicate += duplicate.get(&id).copied().unwrap_or(0);
            counts.superseded += superseded.get(&id).copied().unwrap_or(0);
            counts.combined += combined.get(&id).copied().unwrap_or(0);
            counts.withdrawn += withdrawn.get(&id).copied().unwrap_or(0);
            counts.findings.retain(|finding| finding.severity == Severity::Reject || !of_several_rows(&finding.check));
            for ((_, check, column), (severity, rows)) in findings.iter().filter(|((file, _, _), _)| *file == id) {
                counts.findings.push(Finding {
                    check: check.clone(),
                    column: column.clone(),
                    severity: *severity,
                    rows: *rows,
                    of: (check == merge::DANGLING).then(|| referring.get(&(id, column.clone())).copied()).flatten(),
                    reason: String::new(),
                });
            }
            for outcome in &mut self.files {
                if outcome.extract == id && outcome.accounting.table == contract.name {
                    outcome.accounting = counts.clone();
                }
            }
        }
        self.tell_rows(contract, examples);
        self.tell_singles(contract, &singles);
    }

    /// Columns that should vary and do not, told with the newest file of the table.
    fn tell_singles(&mut self, contract: &Contract, singles: &BTreeMap<String, Single>) {
        for (column, single) in singles.iter().filter(|(_, single)| single.filled >= SINGLE_FROM) {
            let Some(value) = &single.value else { continue };
            let severity = self.options.checks.severity(&contract.name, column, SINGLE_VALUE).unwrap_or(Severity::Warn);
            let finding = Finding {
                check: SINGLE_VALUE.to_owned(),
                column: column.clone(),
                severity,
                rows: single.filled,
                of: Some(single.filled),
                reason: String::new(),
            };
            self.tell(&contract.name, finding, Some(value));
        }
    }

    /// Adds a finding about a whole table to its newest file of this run.
    fn tell(&mut self, table: &str, finding: Finding, value: Option<&String>) {
        let newest = self.files.iter_mut().rev().find(|file| file.accounting.table == table && !file.known);
        let Some(outcome) = newest else { return };
        if let Some(value) = value {
            let (check, column, value) = (finding.check.clone(), finding.column.clone(), value.clone());
            outcome.examples.push(Example { line: 0, column, check, value });
        }
        outcome.accounting.findings.push(finding.clone());
        let extract = self.manifest.extracts.iter_mut().find(|extract| extract.id == outcome.extract);
        if let Some(counts) = extract.and_then(|extract| extract.tables.iter_mut().find(|counts| counts.table == table))
        {
            counts.findings.push(finding);
        }
    }

    /// Adds rows that the merge found to the examples of their files, with their lines.
    fn tell_rows(&mut self, contract: &Contract, found: Vec<FoundRow>) {
        let mut by_extract: BTreeMap<i64, Vec<FoundRow>> = BTreeMap::new();
        for row in found {
            let rows = by_extract.entry(row.extract).or_default();
            let same = rows.iter().filter(|other| other.check == row.check && other.column == row.column).count();
            if same < EXAMPLES_OF_ONE {
                rows.push(row);
            }
        }
        for (id, rows) in by_extract {
            let Some(survey) = self.by_extract.get(&id) else { continue };
            let outcome = self
                .files
                .iter_mut()
                .find(|outcome| outcome.extract == id && outcome.accounting.table == contract.name && !outcome.known);
            let Some(outcome) = outcome else { continue };
            // A file that can no longer be read leaves its examples without a line.
            let texts = survey.texts(&rows.iter().map(|row| row.record).collect()).unwrap_or_default();
            outcome.examples.extend(rows.into_iter().map(|row| Example {
                line: texts.get(&row.record).map_or(0, |text| text.line),
                column: row.column,
                check: row.check,
                value: row.value,
            }));
        }
    }
}

/// The last day on which something happened. One day that lies far from all others does not count: a typing error must not
/// make every month final. Of a few rows nobody can say what is far.
fn last_happened(mut days: Vec<i32>, rows: u64) -> Option<i32> {
    days.sort_unstable_by(|one, other| other.cmp(one));
    days.dedup();
    match days.as_slice() {
        [last, before, ..] if rows >= ENOUGH && last - before > FAR_FROM_ALL => Some(*before),
        [last, ..] => Some(*last),
        [] => None,
    }
}

/// Days between the last day and the one before from which the last one is taken for an error.
const FAR_FROM_ALL: i32 = 180;
/// Rows from which a day can be told to be far from all others.
const ENOUGH: u64 = 20;
/// Examples of one check in one column.
const EXAMPLES_OF_ONE: usize = 3;
/// A check's name for identifiers that stand for one another.
const ID_VARIANTS: &str = "id_variants";
/// A check's name for one person under two numbers.
const SAME_PERSON_TWICE: &str = "same_person_twice";
/// A check's name for a feed without recent rows.
const FEED_BROKE_OFF: &str = "feed_broke_off";
/// Checks of the merge, found anew by every run.
const MERGE_CHECKS: [&str; 9] = [
    SINGLE_VALUE,
    FEED_BROKE_OFF,
    merge::DANGLING,
    merge::WRONG_PATIENT,
    merge::TWO_PATIENTS,
    ID_VARIANTS,
    SAME_PERSON_TWICE,
    merge::plausibility::BEFORE_BIRTH,
    merge::plausibility::AFTER_DEATH,
];

struct Bucket {
    number: u32,
    merged: Merged,
    rows: u64,
}

fn bucket_path(contract: &Contract, number: u32) -> PathBuf {
    let folder = Path::new(&contract.name);
    if contract.bucket_by.is_some() {
        folder.join(format!("bucket={number:02}")).join("part.parquet")
    } else {
        folder.join("part.parquet")
    }
}
