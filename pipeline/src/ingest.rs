//! The whole way: find the files, load each, merge each table's buckets, publish a snapshot.
//!
//! Tables are taken in the order of the contracts, referenced tables first, so that references can be checked and
//! values looked up. Nothing is in force before the last step.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use carecoord_lake::contract::{self, CheckKind, Contract};
use carecoord_lake::manifest::{Accounting, Extract, FileEntry, Finding, Manifest, TableEntry};
use carecoord_lake::snapshot::{Draft, Snapshot, Store};
use jiff::civil::Date;
use polars::prelude::{
    Column, DataFrame, LazyFrame, ParquetReader, PlRefPath, PolarsError, ScanArgsParquet, SerReader, col,
};
use rayon::prelude::*;
use serde::Deserialize;

use crate::checks::{CheckSettings, Failure};
use crate::error::{PipelineError, Result};
use crate::load::{FoundCell, Load, Loaded, Lookup};
use crate::mapping::{FileMapping, Mapping, check_time_zone, fits, needed};
use crate::merge::{self, Merged, References};
use crate::plan::Plan;
use crate::quarantine;
use crate::spill::{Spill, SpilledBucket, read_parquet};
use crate::survey::Survey;

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
    let mut run = Run { options, mapping, draft, current, manifest, files: Vec::new(), loaded: HashSet::new() };
    for contract in contract::tables()? {
        run.table(contract, &found)?;
    }
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

struct Run<'a> {
    options: &'a Options<'a>,
    mapping: Mapping,
    draft: Draft,
    current: Option<Snapshot>,
    manifest: Manifest,
    files: Vec<FileOutcome>,
    /// Hash, fingerprint and table of what this run has seen.
    loaded: HashSet<(String, String, String)>,
}

impl Run<'_> {
    fn table(&mut self, contract: &'static Contract, found: &Found) -> Result<()> {
        let spill_folder = self.draft.path().join("spill").join(&contract.name);
        let buckets = if contract.bucket_by.is_some() { self.manifest.buckets } else { 1 };
        let mut spill = Spill::new(&spill_folder, buckets);
        let mut offered = BTreeSet::new();
        let mapping = self.mapping.clone();
        for (index, path, name) in &found.files {
            let file = &mapping.files[*index];
            if file.table == contract.name {
                (self.options.progress)(&format!("{name} → {}", contract.name));
                spill = self.file(contract, &mapping, file, path, name, spill, &mut offered)?;
            }
        }
        self.link_quarantine(contract)?;
        if spill.is_empty() && offered.is_empty() && !self.manifest.tables.contains_key(&contract.name) {
            return Ok(());
        }
        (self.options.progress)(&format!("sorting {}", contract.name));
        self.merge(contract, spill, offered)
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
    ) -> Result<Spill> {
        let survey = Survey::take(path, name, file.delimiter)?;
        let fingerprint = file.fingerprint(mapping);
        let here = |extract: &&Extract| extract.hash == survey.hash && extract.mapping == fingerprint;
        let already = |extract: &Extract| extract.tables.iter().find(|entry| entry.table == contract.name).cloned();
        let identity = (survey.hash.clone(), fingerprint.clone(), contract.name.clone());
        let this_run = !self.loaded.insert(identity);
        let known = self.manifest.extracts.iter().filter(here).find_map(already);
        if let Some(accounting) = known.filter(|_| !self.options.again || this_run) {
            self.files.push(FileOutcome { file: name.to_owned(), known: true, accounting, examples: Vec::new() });
            return Ok(spill);
        }
        if let Some(condition) = file.only_where.as_ref().filter(|condition| survey.column(&condition.column).is_none())
        {
            let reason = format!(
                "line 1 has no column {}, which only_where asks for; it has {}",
                condition.column,
                survey.header.join(", ")
            );
            return Err(PipelineError::File { file: name.to_owned(), reason });
        }
        let lookup = self.lookup(contract, file, &survey)?;
        let plan = Plan::new(contract, mapping, file, &survey, &self.options.checks, lookup.is_some());
        if let Some(missing) = needed(contract).find(|column| !plan.offers(column)) {
            let rule = file.columns.get(missing).map(crate::mapping::Source::rule).unwrap_or_default();
            let wanted: Vec<String> = rule.column.into_iter().chain(rule.join).collect();
            return Err(PipelineError::File {
                file: name.to_owned(),
                reason: format!(
                    "line 1 has no column {} for {}.{missing}; it has {}",
                    wanted.join(" or "),
                    contract.name,
                    survey.header.join(", ")
                ),
            });
        }
        let id = self.extract_id(name, &survey.hash, &fingerprint, &contract.name);
        let scratch = self.draft.path().join("spill");
        let load = Load { contract, survey: &survey, plan: &plan, extract: id, scratch: &scratch, lookup };
        let (spill, loaded) = load.run(spill)?;
        offered.extend(plan.offered.iter().cloned());
        quarantine::write(self.draft.path(), id, &contract.name, &survey, &loaded.quarantined)?;
        self.record(id, name, &survey, loaded)?;
        Ok(spill)
    }

    fn record(&mut self, id: i64, name: &str, survey: &Survey, loaded: Loaded) -> Result<()> {
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
        self.files.push(FileOutcome { file: name.to_owned(), known: false, accounting: accounting.clone(), examples });
        if let Some(extract) = self.manifest.extracts.iter_mut().find(|extract| extract.id == id) {
            extract.tables.push(accounting);
        }
        Ok(())
    }

    /// The number of a file: one file that feeds several tables has one; read again, it is a new extract.
    fn extract_id(&mut self, name: &str, hash: &str, fingerprint: &str, table: &str) -> i64 {
        let newest = self.manifest.extracts.iter().rev().find(|extract| extract.hash == hash && extract.file == name);
        if let Some(extract) = newest
            .filter(|extract| extract.mapping == fingerprint && extract.tables.iter().all(|entry| entry.table != table))
        {
            return extract.id;
        }
        let id = self.manifest.extracts.iter().map(|extract| extract.id).max().unwrap_or(0) + 1;
        let (file, hash, mapping) = (name.to_owned(), hash.to_owned(), fingerprint.to_owned());
        self.manifest.extracts.push(Extract { id, file, hash, mapping, tables: Vec::new() });
        id
    }

    /// The values that a file lacks and another table holds, for example a referral's patient.
    fn lookup(&self, contract: &Contract, file: &FileMapping, survey: &Survey) -> Result<Option<Lookup>> {
        let Some(column) = contract.columns.iter().find(|column| column.filled_from.is_some()) else { return Ok(None) };
        let rule = file.columns.get(&column.name).map(crate::mapping::Source::rule).unwrap_or_default();
        if rule.column.iter().any(|name| survey.column(name).is_some()) || rule.constant.is_some() {
            return Ok(None);
        }
        let from = column.filled_from.as_deref().unwrap_or_default();
        let reference = contract.columns.iter().find_map(|other| {
            other.reference().filter(|(table, _)| *table == from).map(|(_, key)| (other.name.clone(), key))
        });
        let (Some((reference, key)), Some(entry)) = (reference, self.manifest.tables.get(from)) else {
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

    fn merge(&mut self, contract: &'static Contract, spill: Spill, offered: BTreeSet<String>) -> Result<()> {
        let old = self.manifest.tables.get(&contract.name).cloned().unwrap_or_default();
        if spill.is_empty() {
            if let Some(current) = &self.current {
                for file in &old.files {
                    self.draft.link(current, Path::new(&file.path))?;
                }
            }
            let entry = self.manifest.tables.entry(contract.name.clone()).or_default();
            let all: BTreeSet<String> = entry.columns.drain(..).chain(offered).collect();
            entry.columns = all.into_iter().collect();
            return Ok(());
        }
        let fixed = self.fixed_references(contract)?;
        let large = spill.bucket_bytes() > LARGE_BUCKET;
        let buckets: Vec<(u32, SpilledBucket)> = (0..).zip(spill.into_buckets()).collect();
        let one = |(number, new)| self.bucket(contract, &old, &fixed, number, new);
        // Large buckets go one after the other: memory is bounded by one of them, and sorting uses all cores anyway.
        let written: Vec<Bucket> = if large {
            buckets.into_iter().map(one).collect::<Result<_>>()?
        } else {
            buckets.into_par_iter().map(one).collect::<Result<_>>()?
        };
        let mut written = written;
        self.one_place_for_each_key(contract, &fixed, &mut written)?;
        self.account(contract, old, written, offered);
        Ok(())
    }

    /// Where one key stands in two buckets (a patient's number was corrected), the later row stays and the earlier one
    /// is superseded, as within a bucket.
    fn one_place_for_each_key(&self, contract: &Contract, fixed: &References, written: &mut [Bucket]) -> Result<()> {
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
        for bucket in written.iter_mut() {
            let rows = self.written_rows(contract, bucket.number)?;
            let stays: Vec<bool> = merge::places(contract, &rows, &twice)?
                .into_iter()
                .map(|found| found.is_none_or(|(key, place)| latest.get(&key) == Some(&place)))
                .collect();
            if stays.iter().all(|stays| *stays) {
                continue;
            }
            let (kept, gone) = merge::split(&rows, &stays)?;
            let mut references = fixed.clone();
            self.bucket_references(contract, bucket.number, &mut references)?;
            let mut again = merge::merge(contract, &self.options.checks, &kept, &references)?;
            again.duplicate.clone_from(&bucket.merged.duplicate);
            again.superseded.clone_from(&bucket.merged.superseded);
            for extract in gone {
                *again.superseded.entry(extract).or_default() += 1;
            }
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

    fn written_rows(&self, contract: &Contract, number: u32) -> Result<DataFrame> {
        merge::conform(contract, &read_parquet(&self.draft.path().join(bucket_path(contract, number)))?)
    }

    /// One bucket: read, merged, written or linked.
    fn bucket(
        &self,
        contract: &Contract,
        old: &TableEntry,
        fixed: &References,
        number: u32,
        new: SpilledBucket,
    ) -> Result<Bucket> {
        let relative = bucket_path(contract, number);
        let older = self.current.as_ref().filter(|_| old.files.iter().any(|file| file.bucket == number));
        let mut frames = Vec::new();
        if let Some(current) = older {
            frames.push(merge::conform(contract, &read_parquet(&current.path.join(&relative))?)?);
        }
        let old_rows = frames.first().map_or(0, DataFrame::height);
        let untouched = new.is_empty();
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
        let mut merged = merge::merge(contract, &self.options.checks, &rows, &references)?;
        drop(rows);
        let height = merged.rows.height();
        let same = untouched || (height == old_rows && merged.superseded.is_empty());
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
    fn keys(&self, table: &str, key: &str, number: u32) -> Result<Option<HashSet<String>>> {
        let Some(entry) = self.manifest.tables.get(table).filter(|entry| entry.rows > 0) else { return Ok(None) };
        let Some(file) = entry.files.iter().find(|file| file.bucket == number) else { return Ok(Some(HashSet::new())) };
        let path = self.draft.path().join(&file.path);
        let opened = fs::File::open(&path).map_err(|error| PipelineError::read(&path, error))?;
        let failed = |error: PolarsError| PipelineError::engine(format!("cannot read {}", path.display()), error);
        let rows = ParquetReader::new(opened).with_columns(Some(vec![key.to_owned()])).finish().map_err(failed)?;
        let keys = rows.column(key).and_then(Column::str).map_err(failed)?;
        Ok(Some(keys.iter().flatten().map(str::to_owned).collect()))
    }

    /// Writes what the merge found into the manifest and into this run's outcomes.
    fn account(&mut self, contract: &Contract, old: TableEntry, written: Vec<Bucket>, offered: BTreeSet<String>) {
        let mut entry = TableEntry::default();
        let mut accepted: BTreeMap<i64, u64> = BTreeMap::new();
        let mut duplicate: BTreeMap<i64, u64> = BTreeMap::new();
        let mut superseded: BTreeMap<i64, u64> = BTreeMap::new();
        let mut findings: BTreeMap<merge::FindingKey, (carecoord_lake::contract::Severity, u64)> = BTreeMap::new();
        let mut dates: Option<(i32, i32)> = None;
        for bucket in written {
            let Bucket { number, merged, rows } = bucket;
            let path = bucket_path(contract, number).to_string_lossy().into_owned();
            entry.files.push(FileEntry { bucket: number, path, rows });
            entry.rows += rows;
            for (total, part) in [
                (&mut accepted, &merged.accepted),
                (&mut duplicate, &merged.duplicate),
                (&mut superseded, &merged.superseded),
            ] {
                for (extract, rows) in part {
                    *total.entry(*extract).or_default() += rows;
                }
            }
            for (key, (severity, rows)) in merged.findings {
                findings.entry(key).or_insert((severity, 0)).1 += rows;
            }
            if let Some((first, last)) = merged.dates {
                dates = Some(dates.map_or((first, last), |(one, other)| (one.min(first), other.max(last))));
            }
        }
        entry.first_date = dates.map(|(first, _)| iso_date(first));
        entry.last_date = dates.map(|(_, last)| iso_date(last));
        entry.columns = old.columns.into_iter().chain(offered).collect::<BTreeSet<_>>().into_iter().collect();
        self.manifest.tables.insert(contract.name.clone(), entry);
        let of_several_rows = |name: &str| {
            name == "dangling_reference"
                || contract.checks.iter().any(|check| check.kind != CheckKind::NotBefore && check.name == name)
        };
        for extract in &mut self.manifest.extracts {
            let id = extract.id;
            let Some(counts) = extract.tables.iter_mut().find(|counts| counts.table == contract.name) else { continue };
            counts.accepted = accepted.get(&id).copied().unwrap_or(0);
            counts.duplicate += duplicate.get(&id).copied().unwrap_or(0);
            counts.superseded += superseded.get(&id).copied().unwrap_or(0);
            counts.findings.retain(|finding| {
                finding.severity == carecoord_lake::contract::Severity::Reject || !of_several_rows(&finding.check)
            });
            for ((_, check, column), (severity, rows)) in findings.iter().filter(|((file, _, _), _)| *file == id) {
                counts.findings.push(Finding {
                    check: check.clone(),
                    column: column.clone(),
                    severity: *severity,
                    rows: *rows,
                });
            }
            let name = extract.file.clone();
            for outcome in &mut self.files {
                if outcome.file == name && outcome.accounting.table == contract.name {
                    outcome.accounting = counts.clone();
                }
            }
        }
    }
}

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

fn iso_date(days: i32) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.saturating_add(jiff::Span::new().days(days)).to_string()
}
