//! One bucket of one table: old rows and new, one row for each key, in physical order, with the checks that need
//! more than one row.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use carecoord_lake::contract::{Check, CheckKind, ColumnType, Contract, EXTRACT_COLUMN, RECORD_COLUMN, Severity};
use carecoord_lake::files;
use polars::chunked_array::ops::row_encode::_get_rows_encoded_ca;
use polars::prelude::*;

use crate::checks::CheckSettings;
use crate::error::{PipelineError, Result};

/// Rows of a row group: enough to compress well, few enough to skip.
const ROW_GROUP: usize = 131_072;

/// Keys of the tables that this one refers to: column → keys present, or nothing where the table is not loaded.
pub type References = BTreeMap<String, HashSet<String>>;

/// A finding of a check over several rows: file, check, column.
pub type FindingKey = (i64, String, String);

/// A bucket after merging.
#[derive(Debug, Default)]
pub struct Merged {
    /// The rows that stay, in physical order.
    pub rows: DataFrame,
    /// Rows that stay, by file.
    pub accepted: BTreeMap<i64, u64>,
    /// Rows equal to one that stays, by file.
    pub duplicate: BTreeMap<i64, u64>,
    /// Rows replaced by a later one, by file.
    pub superseded: BTreeMap<i64, u64>,
    /// What the checks over several rows found.
    pub findings: BTreeMap<FindingKey, (Severity, u64)>,
    /// Hashes of the keys that stay, where a key does not name its bucket, so that buckets can be compared.
    pub keys: Vec<u64>,
    /// Earliest and latest value of the time column, days since 1970-01-01.
    pub dates: Option<(i32, i32)>,
}

fn engine(error: impl std::fmt::Display) -> PipelineError {
    PipelineError::engine("cannot merge a bucket", error)
}

/// Merges the rows of one bucket. `rows` holds older rows before newer ones.
///
/// # Errors
/// When Polars refuses.
pub fn merge(
    contract: &Contract,
    settings: &CheckSettings,
    rows: &DataFrame,
    references: &References,
) -> Result<Merged> {
    let mut merged = Merged::default();
    let extracts = rows.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?.clone();
    let keep = survivors(contract, rows, &extracts, &mut merged)?;
    let mut kept = match keep {
        Some(keep) => rows.filter(&keep).map_err(engine)?,
        None => rows.clone(),
    };
    let order: Vec<PlSmallStr> = contract.order.iter().map(|name| name.as_str().into()).collect();
    let options = SortMultipleOptions::default().with_nulls_last(true).with_maintain_order(true);
    kept = kept.sort(order, options).map_err(engine)?;
    kept.rechunk_mut();
    for extract in kept.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?.iter().flatten() {
        *merged.accepted.entry(extract).or_default() += 1;
    }
    if let Some(time) = &contract.time {
        let dates = kept.column(time).and_then(Column::date).map_err(engine)?;
        merged.dates = dates.physical().min().zip(dates.physical().max());
    }
    if contract.bucket_by.as_ref().is_some_and(|bucket| !contract.key.contains(bucket)) {
        merged.keys = encoded(&kept, &contract.key)?.iter().map(|key| hash_of(key.unwrap_or_default())).collect();
    }
    merged.rows = kept;
    for check in &contract.checks {
        let severity = settings.severity(&contract.name, &check.column, &check.name).unwrap_or(check.severity);
        match check.kind {
            CheckKind::NotBefore => {}
            CheckKind::Overlap => overlaps(contract, check, severity, &mut merged)?,
            CheckKind::SameValues => same_values(check, severity, &mut merged)?,
        }
    }
    dangling(contract, settings, references, &mut merged)?;
    Ok(merged)
}

/// Rows encoded as bytes, so that equal bytes mean equal values, nulls included.
fn encoded(rows: &DataFrame, names: &[String]) -> Result<BinaryOffsetChunked> {
    let columns = rows.select(names.iter().map(String::as_str)).map_err(engine)?;
    let flags = vec![false; names.len()];
    _get_rows_encoded_ca(PlSmallStr::EMPTY, columns.columns(), &flags, &flags, false).map_err(engine)
}

fn hash_of(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}

/// Hashes of keys.
pub type KeyHashes = HashSet<u64>;

/// A row's key, with its extract and record.
pub type Place = (Vec<u8>, (i64, i64));

/// For each row whose key has one of these hashes: the key, and the row's extract and record; nothing for the others.
///
/// # Errors
/// When Polars refuses.
pub fn places(contract: &Contract, rows: &DataFrame, hashes: &KeyHashes) -> Result<Vec<Option<Place>>> {
    let keys = encoded(rows, &contract.key)?;
    let extracts = rows.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?;
    let records = rows.column(RECORD_COLUMN).and_then(Column::i64).map_err(engine)?;
    let place = |(row, key): (usize, Option<&[u8]>)| {
        let key = key.filter(|key| hashes.contains(&hash_of(key)))?;
        Some((key.to_owned(), (extracts.get(row).unwrap_or_default(), records.get(row).unwrap_or_default())))
    };
    Ok(keys.iter().enumerate().map(place).collect())
}

/// The rows that stay, and the extracts of those that do not.
///
/// # Errors
/// When Polars refuses.
pub fn split(rows: &DataFrame, stays: &[bool]) -> Result<(DataFrame, Vec<i64>)> {
    let mask = BooleanChunked::from_iter_values(PlSmallStr::EMPTY, stays.iter().copied());
    let gone = rows.filter(&!&mask).map_err(engine)?;
    let extracts = gone.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?.iter().flatten().collect();
    Ok((rows.filter(&mask).map_err(engine)?, extracts))
}

/// Which rows stay: of the rows of one key the last, or the first of those equal to it. `None` when all stay.
fn survivors(
    contract: &Contract,
    rows: &DataFrame,
    extracts: &Int64Chunked,
    merged: &mut Merged,
) -> Result<Option<BooleanChunked>> {
    let keys = encoded(rows, &contract.key)?;
    let mut last_of: HashMap<&[u8], (usize, bool)> = HashMap::with_capacity(rows.height());
    let mut repeated = false;
    for (row, key) in keys.iter().enumerate() {
        let entry = last_of.entry(key.unwrap_or_default()).or_insert((row, false));
        if entry.0 != row {
            *entry = (row, true);
            repeated = true;
        }
    }
    if !repeated {
        return Ok(None);
    }
    // Only rows whose key stands more than once are compared in full.
    let several: Vec<IdxSize> = (0..)
        .zip(keys.iter())
        .filter(|(_, key)| last_of.get(key.unwrap_or_default()).is_some_and(|(_, several)| *several))
        .map(|(row, _)| row)
        .collect();
    let all: Vec<String> = contract.columns.iter().map(|column| column.name.clone()).collect();
    let subset = rows.take(&IdxCa::from_vec(PlSmallStr::EMPTY, several.clone())).map_err(engine)?;
    let contents = encoded(&subset, &all)?;
    let content_of: HashMap<usize, &[u8]> =
        several.iter().map(|row| *row as usize).zip(contents.iter().map(Option::unwrap_or_default)).collect();
    let mut keep = vec![true; rows.height()];
    let mut standing: HashSet<&[u8]> = HashSet::new();
    for row in several.into_iter().map(|row| row as usize) {
        let Some(key) = keys.get(row) else { continue };
        let Some((last, _)) = last_of.get(key) else { continue };
        let extract = extracts.get(row).unwrap_or_default();
        if content_of.get(&row) != content_of.get(last) {
            keep[row] = false;
            *merged.superseded.entry(extract).or_default() += 1;
        } else if !standing.insert(key) {
            keep[row] = false;
            *merged.duplicate.entry(extract).or_default() += 1;
        }
    }
    Ok(Some(BooleanChunked::from_iter_values(PlSmallStr::EMPTY, keep.into_iter())))
}

/// Which rows a check looks at.
fn looked_at(check: &Check, rows: &DataFrame) -> Result<Vec<bool>> {
    let (Some(column), Some(value)) = (&check.where_column, &check.where_value) else {
        return Ok(vec![true; rows.height()]);
    };
    let column = rows.column(column).and_then(Column::str).map_err(engine)?;
    Ok(column.iter().map(|found| found == Some(value.as_str())).collect())
}

fn count(merged: &mut Merged, extract: Option<i64>, check: &str, column: &str, severity: Severity) {
    let key = (extract.unwrap_or_default(), check.to_owned(), column.to_owned());
    merged.findings.entry(key).or_insert((severity, 0)).1 += 1;
}

/// Rows that begin before the running maximum of the ends of the patient's earlier rows.
fn overlaps(contract: &Contract, check: &Check, severity: Severity, merged: &mut Merged) -> Result<()> {
    let Some(patient) = &contract.bucket_by else { return Ok(()) };
    let rows = merged.rows.clone();
    let wanted = looked_at(check, &rows)?;
    let patients = rows.column(patient).and_then(Column::str).map_err(engine)?;
    let starts = rows.column(&check.other).and_then(Column::date).map_err(engine)?;
    let ends = rows.column(&check.column).and_then(Column::date).map_err(engine)?;
    let extracts = rows.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?;
    let (mut before, mut latest): (Option<&str>, Option<i32>) = (None, None);
    for (row, wanted) in wanted.into_iter().enumerate().filter(|(_, wanted)| *wanted) {
        debug_assert!(wanted);
        let patient = patients.get(row);
        if patient != before {
            (before, latest) = (patient, None);
        }
        if let (Some(start), Some(end)) = (starts.physical().get(row), latest)
            && start < end
        {
            count(merged, extracts.get(row), &check.name, &check.column, severity);
        }
        latest = latest.max(ends.physical().get(row));
    }
    Ok(())
}

/// Rows that agree with an earlier one in the check's columns though their keys differ.
fn same_values(check: &Check, severity: Severity, merged: &mut Merged) -> Result<()> {
    let rows = merged.rows.clone();
    let wanted = looked_at(check, &rows)?;
    let values = encoded(&rows, &check.columns)?;
    let extracts = rows.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?;
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for (row, value) in values.iter().enumerate() {
        if wanted[row] && !seen.insert(value.unwrap_or_default()) {
            count(merged, extracts.get(row), &check.name, "", severity);
        }
    }
    Ok(())
}

/// References to rows that are not there.
fn dangling(contract: &Contract, settings: &CheckSettings, references: &References, merged: &mut Merged) -> Result<()> {
    let rows = merged.rows.clone();
    let extracts = rows.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?;
    for column in &contract.columns {
        let Some((table, _)) = column.reference() else { continue };
        let severity = settings.severity(&contract.name, &column.name, "dangling_reference").unwrap_or(Severity::Warn);
        let values = rows.column(&column.name).and_then(Column::str).map_err(engine)?;
        let own: HashSet<&str>;
        let known: Box<dyn Fn(&str) -> bool + '_> = if table == contract.name {
            let key = contract.key.first().map_or("", String::as_str);
            own = rows.column(key).and_then(Column::str).map_err(engine)?.iter().flatten().collect();
            Box::new(|value| own.contains(value))
        } else if let Some(keys) = references.get(&column.name) {
            Box::new(|value| keys.contains(value))
        } else {
            continue;
        };
        for (row, value) in values.iter().enumerate() {
            if value.is_some_and(|value| !known(value)) {
                count(merged, extracts.get(row), "dangling_reference", &column.name, severity);
            }
        }
    }
    Ok(())
}

/// Writes a bucket as one synced Parquet file, in physical order.
///
/// # Errors
/// When the disk refuses.
pub fn write(path: &Path, rows: &mut DataFrame) -> Result<()> {
    if let Some(parent) = path.parent() {
        files::create_folder(parent)?;
    }
    let file = files::create_file(path)?;
    let again = file.try_clone().map_err(|error| PipelineError::read(path, error))?;
    ParquetWriter::new(std::io::BufWriter::with_capacity(1 << 20, file))
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .with_row_group_size(Some(ROW_GROUP))
        .finish(rows)
        .map_err(|error| PipelineError::engine(format!("cannot write {}", path.display()), error))?;
    again.sync_all().map_err(|error| PipelineError::engine(format!("cannot write {}", path.display()), error))
}

/// The lake's types of a contract, in Polars' words; a frame read back from older files is brought to them.
///
/// # Errors
/// When a column cannot be brought to its type.
pub fn conform(contract: &Contract, rows: &DataFrame) -> Result<DataFrame> {
    let mut columns = Vec::with_capacity(contract.columns.len() + 2);
    for column in &contract.columns {
        let found = rows.column(&column.name).map_err(engine)?;
        columns.push(found.cast(&polars_type(column.kind)).map_err(engine)?);
    }
    for name in [EXTRACT_COLUMN, RECORD_COLUMN] {
        columns.push(rows.column(name).and_then(|column| column.cast(&DataType::Int64)).map_err(engine)?);
    }
    DataFrame::new(rows.height(), columns).map_err(engine)
}

/// A bucket without rows.
///
/// # Errors
/// When Polars refuses.
pub fn empty(contract: &Contract) -> Result<DataFrame> {
    let mut columns: Vec<Column> = contract
        .columns
        .iter()
        .map(|column| Column::new_empty(column.name.as_str().into(), &polars_type(column.kind)))
        .collect();
    for name in [EXTRACT_COLUMN, RECORD_COLUMN] {
        columns.push(Column::new_empty(name.into(), &DataType::Int64));
    }
    DataFrame::new(0, columns).map_err(engine)
}

fn polars_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::String,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Decimal => DataType::Decimal(18, 2),
        ColumnType::Number => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date,
        ColumnType::Timestamp => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
    }
}
