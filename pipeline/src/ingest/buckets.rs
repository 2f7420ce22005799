//! The buckets of a table: each one read, merged with what the run brought, and written or linked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use carecoord_lake::contract::{self, Contract};
use carecoord_lake::manifest::{FileEntry, TableEntry};
use polars::prelude::{Column, DataFrame, ParquetReader, PolarsError, SerReader};
use rayon::prelude::*;

use super::Run;
use crate::error::{PipelineError, Result};
use crate::merge::{self, Context, FastMap, Keys, Lives, Merged, References};
use crate::spill::{Spill, SpilledBucket, read_parquet};

/// Bytes of a bucket in memory from which buckets are merged one after the other.
const LARGE_BUCKET: usize = 48 << 20;

/// A bucket of a table that this run has written or linked.
pub struct Bucket {
    /// Its number.
    pub number: u32,
    /// What the merge found.
    pub merged: Merged,
    /// Its rows.
    pub rows: u64,
}

impl Run<'_> {
    pub(super) fn merge(
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
            let relative = bucket_path(contract, bucket.number);
            // The file may be a link into an older snapshot: it is replaced, never written over.
            self.draft.remove(&relative)?;
            let path = self.draft.path().join(relative);
            bucket.rows = again.rows.height() as u64;
            merge::write(&path, &mut again.rows)?;
            again.rows = DataFrame::default();
            bucket.merged = again;
        }
        Ok(())
    }

    pub(super) fn written_rows(&self, contract: &Contract, number: u32) -> Result<DataFrame> {
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
    pub(super) fn keys(&self, table: &str, key: &str, number: u32) -> Result<Option<Keys>> {
        let Some(entry) = self.manifest.tables.get(table).filter(|entry| entry.rows > 0) else { return Ok(None) };
        let patient = contract::table(table)?.bucket_by.as_deref().filter(|patient| *patient != key);
        let partial = patient.is_some();
        let Some(file) = entry.files.iter().find(|file| file.bucket == number) else {
            return Ok(Some(Keys { partial, ..Keys::default() }));
        };
        let columns: Vec<&str> = std::iter::once(key).chain(patient).collect();
        let (path, rows) = self.columns_of(file, &columns)?;
        let failed = |error: PolarsError| PipelineError::engine(format!("cannot read {}", path.display()), error);
        let keys = rows.column(key).and_then(Column::str).map_err(failed)?;
        let mut known: FastMap<u64, u64> =
            FastMap::with_capacity_and_hasher(keys.len(), foldhash::fast::RandomState::default());
        let hash = |text: &str| merge::hash_of(text.as_bytes());
        match patient {
            None => known.extend(keys.iter().flatten().map(|key| (hash(key), 0))),
            Some(patient) => {
                let patients = rows.column(patient).and_then(Column::str).map_err(failed)?;
                // Rows are in order of patient.
                let (mut before, mut of_patient) = ("", 0);
                for (key, patient) in keys.iter().zip(patients.iter()) {
                    let (Some(key), Some(patient)) = (key, patient) else { continue };
                    if patient != before || of_patient == 0 {
                        (before, of_patient) = (patient, hash(patient));
                    }
                    known.insert(hash(key), of_patient);
                }
            }
        }
        Ok(Some(Keys { patients: known, partial }))
    }

    /// The keys of one bucket of a table as texts.
    pub(super) fn key_texts(&self, file: &FileEntry, key: &str) -> Result<Vec<String>> {
        let (path, rows) = self.columns_of(file, &[key])?;
        let failed = |error: PolarsError| PipelineError::engine(format!("cannot read {}", path.display()), error);
        Ok(rows.column(key).and_then(Column::str).map_err(failed)?.iter().flatten().map(str::to_owned).collect())
    }

    /// Some columns of a bucket that this run has written or linked.
    fn columns_of(&self, file: &FileEntry, columns: &[&str]) -> Result<(PathBuf, DataFrame)> {
        let path = self.draft.path().join(&file.path);
        let opened = fs::File::open(&path).map_err(|error| PipelineError::read(&path, error))?;
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let rows = ParquetReader::new(opened)
            .with_columns(Some(columns))
            .finish()
            .map_err(|error| PipelineError::engine(format!("cannot read {}", path.display()), error))?;
        Ok((path, rows))
    }

    /// When the patients of a bucket were born and died.
    fn lives(&self, contract: &Contract, number: u32) -> Result<Lives> {
        let mut lives = Lives::default();
        if contract.bucket_by.is_none() || contract.name == "patient" || contract.time.is_none() {
            return Ok(lives);
        }
        let entry = self.manifest.tables.get("patient").filter(|entry| entry.rows > 0);
        let Some(file) = entry.and_then(|entry| entry.files.iter().find(|file| file.bucket == number)) else {
            return Ok(lives);
        };
        let (path, rows) = self.columns_of(file, &["patient_id", "birth_date", "deceased_date"])?;
        let failed = |error: PolarsError| PipelineError::engine(format!("cannot read {}", path.display()), error);
        let ids = rows.column("patient_id").and_then(Column::str).map_err(failed)?;
        let births = rows.column("birth_date").and_then(Column::date).map_err(failed)?;
        let deaths = rows.column("deceased_date").and_then(Column::date).map_err(failed)?;
        for (id, life) in ids.iter().zip(births.physical().iter().zip(deaths.physical().iter())) {
            if let (Some(id), (Some(_), _) | (_, Some(_))) = (id, life) {
                lives.insert(merge::hash_of(id.as_bytes()), life);
            }
        }
        Ok(lives)
    }
}

/// Where a bucket's file lies in its snapshot.
pub fn bucket_path(contract: &Contract, number: u32) -> PathBuf {
    let folder = Path::new(&contract.name);
    if contract.bucket_by.is_some() {
        folder.join(format!("bucket={number:02}")).join("part.parquet")
    } else {
        folder.join("part.parquet")
    }
}
