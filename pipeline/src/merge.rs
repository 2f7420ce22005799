//! One bucket of one table: old rows and new, one row for each key, in physical order, with the checks that need
//! more than one row.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::Arc;

use carecoord_lake::contract::{Check, CheckKind, ColumnType, Contract, EXTRACT_COLUMN, RECORD_COLUMN, Severity};
use carecoord_lake::files;
use polars::chunked_array::ops::row_encode::_get_rows_encoded_ca;
use polars::prelude::*;

use crate::checks::CheckSettings;
use crate::error::{PipelineError, Result};
use crate::load::{FATE, MOVED, STAYS};

pub mod plausibility;
mod survivors;

pub use survivors::TWO_PATIENTS;

/// Rows of a row group: enough to compress well, few enough to skip.
const ROW_GROUP: usize = 131_072;

/// Keys of the tables that this one refers to: column → keys present, or nothing where the table is not loaded.
pub type References = BTreeMap<String, Keys>;

/// Keys of a table, each with a hash of its patient where the table is about patients and its key is not the patient.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Hash of a key → hash of its patient, 0 where there is none.
    pub patients: FastMap<u64, u64>,
    /// Whether the keys are those of one bucket only, so that others may hold more.
    pub partial: bool,
}

/// A finding of a check over several rows: file, check, column.
pub type FindingKey = (i64, String, String);

/// Birth and death of a patient, days since 1970-01-01.
pub type Life = (Option<i32>, Option<i32>);

/// Hash of a patient → birth and death.
pub type Lives = FastMap<u64, Life>;

/// A map with a hasher that is fast for short keys, of which every row has some.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Patients whose numbers were merged: old number → number that stays.
pub type Merges = HashMap<String, String>;

/// What merging needs to know beside the rows.
#[derive(Debug, Default)]
pub struct Context {
    /// Columns that each extract offers; an extract that is not here offers all.
    pub offered: HashMap<i64, BTreeSet<String>>,
    /// Extracts of this run.
    pub fresh: HashSet<i64>,
    /// Older extracts of blocks that this run loads in full: their rows stay only where this run brought them again.
    pub replaced: HashSet<i64>,
    /// The day after which nothing can have happened.
    pub last_day: Option<i32>,
    /// Hashes of the numbers in the table of patients; none where it is not in the lake.
    pub patients: Option<Arc<HashSet<u64>>>,
}

/// A row that a check found, with its place, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    /// Extract.
    pub extract: i64,
    /// Record within the extract.
    pub record: u64,
    /// Check.
    pub check: String,
    /// Column.
    pub column: String,
    /// The value.
    pub value: String,
}

/// A reference to a row that is not in the same bucket.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Column.
    pub column: String,
    /// The value.
    pub value: String,
    /// Extract.
    pub extract: i64,
    /// Record within the extract.
    pub record: i64,
    /// Whether the row's own patient is not in the lake either.
    pub nobody: bool,
}

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
    /// Rows whose values stand in another file's row, by file.
    pub combined: BTreeMap<i64, u64>,
    /// Rows taken back, by file.
    pub withdrawn: BTreeMap<i64, u64>,
    /// What the checks over several rows found.
    pub findings: BTreeMap<FindingKey, (Severity, u64)>,
    /// A few rows of each finding.
    pub examples: Vec<FoundRow>,
    /// References that this bucket cannot follow.
    pub missing: Vec<Missing>,
    /// Cells that refer to another table, by file and column.
    pub referring: BTreeMap<(i64, String), u64>,
    /// Hashes of the keys that stay, where a key does not name its bucket, so that buckets can be compared.
    pub keys: Vec<u64>,
    /// Earliest and latest value of the time column, days since 1970-01-01.
    pub dates: Option<(i32, i32)>,
    /// The two latest days on which something happened, the latest first.
    pub happened: Vec<i32>,
    /// Rows by month of the time column, months since 1970-01.
    pub months: BTreeMap<i32, u64>,
    /// What the columns that should vary hold.
    pub singles: BTreeMap<String, plausibility::Single>,
}

impl Merged {
    /// Counts a finding, and keeps the row as an example while there are few.
    pub fn find(&mut self, extract: i64, record: i64, check: &str, column: &str, severity: Severity, value: &str) {
        let key = (extract, check.to_owned(), column.to_owned());
        let entry = self.findings.entry(key).or_insert((severity, 0));
        entry.0 = entry.0.max(severity);
        entry.1 += 1;
        if entry.1 <= EXAMPLES {
            self.examples.push(FoundRow {
                extract,
                record: u64::try_from(record).unwrap_or(0),
                check: check.to_owned(),
                column: column.to_owned(),
                value: value.to_owned(),
            });
        }
    }
}

/// Examples of each finding of a bucket.
const EXAMPLES: u64 = 3;

fn engine(error: impl std::fmt::Display) -> PipelineError {
    PipelineError::engine("cannot merge a bucket", error)
}

/// Merges the rows of one bucket. `rows` holds older rows before newer ones; `lives` says when patients were born and died,
/// where that is known.
///
/// # Errors
/// When Polars refuses.
pub fn merge(
    contract: &Contract,
    settings: &CheckSettings,
    rows: &DataFrame,
    references: &References,
    lives: &Lives,
    context: &Context,
) -> Result<Merged> {
    let mut merged = Merged::default();
    let mut kept = survivors::survivors(contract, settings, rows, context, &mut merged)?;
    let order: Vec<PlSmallStr> = contract.order.iter().map(|name| name.as_str().into()).collect();
    let options = SortMultipleOptions::default().with_nulls_last(true).with_maintain_order(true);
    kept = kept.sort(order, options).map_err(engine)?;
    kept.rechunk_mut();
    for extract in kept.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?.iter().flatten() {
        *merged.accepted.entry(extract).or_default() += 1;
    }
    if contract.bucket_by.as_ref().is_some_and(|bucket| !contract.key.contains(bucket)) {
        merged.keys = encoded(&kept, &contract.key)?.iter().map(|key| hash_of(key.unwrap_or_default())).collect();
    }
    merged.rows = kept;
    plausibility::times(contract, context, &mut merged)?;
    plausibility::singles(contract, &mut merged)?;
    for check in &contract.checks {
        let severity = settings.severity(&contract.name, &check.column, &check.name).unwrap_or(check.severity);
        match check.kind {
            // Rows that are replaced are looked at while they are still there.
            CheckKind::NotBefore | CheckKind::Reversal => {}
            CheckKind::Overlap => overlaps(contract, check, severity, &mut merged)?,
            CheckKind::SameValues => same_values(check, severity, &mut merged)?,
        }
    }
    plausibility::lives(contract, settings, lives, &mut merged)?;
    dangling(contract, settings, references, context, &mut merged)?;
    Ok(merged)
}

/// Rows encoded as bytes, so that equal bytes mean equal values, nulls included.
fn encoded(rows: &DataFrame, names: &[String]) -> Result<BinaryOffsetChunked> {
    let columns = rows.select(names.iter().map(String::as_str)).map_err(engine)?;
    let flags = vec![false; names.len()];
    _get_rows_encoded_ca(PlSmallStr::EMPTY, columns.columns(), &flags, &flags, false).map_err(engine)
}

/// A hash of a key or an identifier, never 0.
#[must_use]
pub fn hash_of(key: &[u8]) -> u64 {
    // The same throughout the process, and never written down.
    foldhash::quality::FixedState::default().hash_one(key).max(1)
}

impl Merged {
    /// Counts a row whose key belongs to another patient in another bucket.
    #[allow(clippy::too_many_arguments)] // A row, its place and the place of the row that stays.
    pub fn two_patients(
        &mut self,
        contract: &Contract,
        settings: &CheckSettings,
        context: &Context,
        rows: &DataFrame,
        row: usize,
        place: (i64, i64),
        stays: (i64, i64),
    ) {
        let fresh = context.fresh.contains(&place.0) && context.fresh.contains(&stays.0);
        let stated = settings.severity(&contract.name, "", TWO_PATIENTS);
        let severity = stated.unwrap_or(if fresh { Severity::Fail } else { Severity::Warn });
        let key = contract.key.first().map_or("", String::as_str);
        let value = rows.column(key).and_then(Column::str).ok().and_then(|keys| keys.get(row)).unwrap_or_default();
        let (extract, record) = if fresh { place } else { stays };
        self.find(extract, record, TWO_PATIENTS, key, severity, value);
    }

    /// Takes over what an earlier merge of the same bucket found among rows that it settled.
    pub fn keep_settled(&mut self, earlier: &mut Self) {
        let settled = |check: &str| check == TWO_PATIENTS || check == "amount_reversed";
        for (key, found) in std::mem::take(&mut earlier.findings) {
            if settled(&key.1) {
                let entry = self.findings.entry(key).or_insert((found.0, 0));
                *entry = (entry.0.max(found.0), entry.1 + found.1);
            }
        }
        self.examples.extend(std::mem::take(&mut earlier.examples).into_iter().filter(|row| settled(&row.check)));
    }
}

/// The rows of patients whose numbers were merged, under the number that stays; none where there are none.
///
/// # Errors
/// When Polars refuses.
pub fn moved(rows: &DataFrame, patient: &str, merged: &Merges) -> Result<Option<DataFrame>> {
    let ids = rows.column(patient).and_then(Column::str).map_err(engine)?;
    let mask: BooleanChunked = ids.iter().map(|id| Some(id.is_some_and(|id| merged.contains_key(id)))).collect();
    if !mask.any() {
        return Ok(None);
    }
    let mut rows = rows.filter(&mask).map_err(engine)?;
    let ids = rows.column(patient).and_then(Column::str).map_err(engine)?;
    let stays: StringChunked = ids.iter().map(|id| id.and_then(|id| merged.get(id)).map(String::as_str)).collect();
    rows.with_column(stays.with_name(patient.into()).into_column()).map_err(engine)?;
    rows.with_column(Column::new_scalar(FATE.into(), Scalar::from(MOVED), rows.height())).map_err(engine)?;
    Ok(Some(rows))
}

/// The rows without those of patients whose numbers were merged.
///
/// # Errors
/// When Polars refuses.
pub fn without(rows: &DataFrame, patient: &str, merged: &Merges) -> Result<DataFrame> {
    if merged.is_empty() {
        return Ok(rows.clone());
    }
    let ids = rows.column(patient).and_then(Column::str).map_err(engine)?;
    let mask: BooleanChunked = ids.iter().map(|id| Some(!id.is_some_and(|id| merged.contains_key(id)))).collect();
    rows.filter(&mask).map_err(engine)
}

/// Calls `visit` with each patient's number and a row of theirs. The rows are in order of patient.
///
/// # Errors
/// When Polars refuses.
pub fn each_patient(rows: &DataFrame, patient: &str, mut visit: impl FnMut(&str, i64, i64)) -> Result<()> {
    let ids = rows.column(patient).and_then(Column::str).map_err(engine)?;
    let place = Places::new(rows)?;
    let mut before = None;
    for (row, id) in ids.iter().enumerate() {
        if id != before {
            before = id;
            let (extract, record) = place.of(row);
            visit(id.unwrap_or_default(), extract, record);
        }
    }
    Ok(())
}

/// Calls `visit` with a hash of birth date, sex and postal code of each patient in whom all three are known.
///
/// # Errors
/// When Polars refuses.
pub fn each_person(rows: &DataFrame, mut visit: impl FnMut(u64, i64, i64)) -> Result<()> {
    let births = rows.column("birth_date").and_then(Column::date).map_err(engine)?;
    let sexes = rows.column("sex").and_then(Column::str).map_err(engine)?;
    let codes = rows.column("postal_code").and_then(Column::str).map_err(engine)?;
    let place = Places::new(rows)?;
    for (row, (birth, (sex, code))) in births.physical().iter().zip(sexes.iter().zip(codes.iter())).enumerate() {
        if let (Some(birth), Some(sex), Some(code)) = (birth, sex, code) {
            let (extract, record) = place.of(row);
            visit(hash_of(format!("{birth}|{sex}|{code}").as_bytes()), extract, record);
        }
    }
    Ok(())
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

/// Which rows a check looks at.
fn looked_at(check: &Check, rows: &DataFrame) -> Result<Vec<bool>> {
    let (Some(column), Some(value)) = (&check.where_column, &check.where_value) else {
        return Ok(vec![true; rows.height()]);
    };
    let column = rows.column(column).and_then(Column::str).map_err(engine)?;
    Ok(column.iter().map(|found| found == Some(value.as_str())).collect())
}

/// Rows that begin before the running maximum of the ends of the patient's earlier rows.
fn overlaps(contract: &Contract, check: &Check, severity: Severity, merged: &mut Merged) -> Result<()> {
    let Some(patient) = &contract.bucket_by else { return Ok(()) };
    let rows = merged.rows.clone();
    let wanted = looked_at(check, &rows)?;
    let patients = rows.column(patient).and_then(Column::str).map_err(engine)?;
    let starts = rows.column(&check.other).and_then(Column::date).map_err(engine)?;
    let ends = rows.column(&check.column).and_then(Column::date).map_err(engine)?;
    let place = Places::new(&rows)?;
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
            let value = format!("{} before {}", iso_date(start), iso_date(end));
            let (extract, record) = place.of(row);
            merged.find(extract, record, &check.name, &check.column, severity, &value);
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
    // Where a column is left out of the comparison, the rows must differ in it.
    let apart = check.apart.as_ref().map(|name| rows.column(name).and_then(Column::str)).transpose().map_err(engine)?;
    let place = Places::new(&rows)?;
    let mut seen: FastMap<&[u8], usize> = FastMap::default();
    for (row, value) in values.iter().enumerate().filter(|(row, _)| wanted[*row]) {
        let Some(first) = seen.insert(value.unwrap_or_default(), row) else { continue };
        let differ = apart.is_none_or(|apart| {
            let pair = (apart.get(first), apart.get(row));
            matches!(pair, (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other))
        });
        if differ {
            let (extract, record) = place.of(row);
            merged.find(extract, record, &check.name, "", severity, "");
        }
    }
    Ok(())
}

/// Where rows came from.
struct Places<'a> {
    extracts: &'a Int64Chunked,
    records: &'a Int64Chunked,
}

impl<'a> Places<'a> {
    fn new(rows: &'a DataFrame) -> Result<Self> {
        let extracts = rows.column(EXTRACT_COLUMN).and_then(Column::i64).map_err(engine)?;
        let records = rows.column(RECORD_COLUMN).and_then(Column::i64).map_err(engine)?;
        Ok(Self { extracts, records })
    }

    fn of(&self, row: usize) -> (i64, i64) {
        (self.extracts.get(row).unwrap_or_default(), self.records.get(row).unwrap_or_default())
    }
}

/// References to rows that are not there, or that are another patient's.
fn dangling(
    contract: &Contract,
    settings: &CheckSettings,
    references: &References,
    context: &Context,
    merged: &mut Merged,
) -> Result<()> {
    let rows = merged.rows.clone();
    let place = Places::new(&rows)?;
    let patients = match &contract.bucket_by {
        Some(patient) => Some(rows.column(patient).and_then(Column::str).map_err(engine)?),
        None => None,
    };
    // Where the row's own patient is not in the lake, no other patient is taken for it: the finding is about the patient.
    let is_nobody = |row: usize| match (&context.patients, &patients) {
        (Some(people), Some(ids)) => ids.get(row).is_some_and(|id| !people.contains(&hash_of(id.as_bytes()))),
        _ => false,
    };
    for column in &contract.columns {
        let Some((table, _)) = column.reference() else { continue };
        let name = &column.name;
        let wrong = settings.severity(&contract.name, name, WRONG_PATIENT).unwrap_or(Severity::Fail);
        let values = rows.column(name).and_then(Column::str).map_err(engine)?;
        let own: HashSet<&str>;
        let (mut known, mut partial): (Option<&FastMap<u64, u64>>, bool) = (None, false);
        let mut keys: HashSet<&str> = HashSet::new();
        if table == contract.name {
            let key = contract.key.first().map_or("", String::as_str);
            own = rows.column(key).and_then(Column::str).map_err(engine)?.iter().flatten().collect();
            keys = own;
        } else if let Some(found) = references.get(name) {
            (known, partial) = (Some(&found.patients), found.partial);
        } else {
            continue;
        }
        let mut referring: HashMap<i64, u64> = HashMap::new();
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let (extract, record) = place.of(row);
            *referring.entry(extract).or_default() += 1;
            match known
                .map_or_else(|| keys.get(value).map(|_| 0), |known| known.get(&hash_of(value.as_bytes())).copied())
            {
                Some(0) => {}
                Some(patient) => {
                    let own = patients.as_ref().and_then(|patients| patients.get(row)).map(|id| hash_of(id.as_bytes()));
                    let somebody = context.patients.as_ref().is_none_or(|patients| patients.contains(&patient));
                    if own.is_some_and(|own| own != patient) && somebody && !is_nobody(row) {
                        merged.find(extract, record, WRONG_PATIENT, name, wrong, value);
                    }
                }
                None if partial => {
                    let (column, value, nobody) = (name.clone(), value.to_owned(), is_nobody(row));
                    merged.missing.push(Missing { column, value, extract, record, nobody });
                }
                None => {
                    let severity = dangling_severity(settings, contract, name);
                    merged.find(extract, record, DANGLING, name, severity, value);
                    let (column, value) = (name.clone(), value.to_owned());
                    merged.missing.push(Missing { column, value, extract, record, nobody: false });
                }
            }
        }
        for (extract, cells) in referring {
            *merged.referring.entry((extract, name.clone())).or_default() += cells;
        }
    }
    Ok(())
}

/// A check's name for a reference to a row that is not there.
pub const DANGLING: &str = "dangling_reference";
/// A check's name for a reference to a row of another patient.
pub const WRONG_PATIENT: &str = "wrong_patient";

/// What follows from a reference to a row that is not there.
#[must_use]
pub fn dangling_severity(settings: &CheckSettings, contract: &Contract, column: &str) -> Severity {
    settings.severity(&contract.name, column, DANGLING).unwrap_or(Severity::Warn)
}

/// Days since 1970-01-01 of a date.
#[must_use]
pub fn day_of(date: jiff::civil::Date) -> i32 {
    jiff::civil::date(1970, 1, 1).until((jiff::Unit::Day, date)).map_or(0, |span| span.get_days())
}

/// A day as text.
#[must_use]
pub fn iso_date(days: i32) -> String {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(days)).to_string()
}

/// Writes a bucket as one synced Parquet file, in physical order.
///
/// # Errors
/// When the disk refuses.
pub fn write(path: &Path, rows: &mut DataFrame) -> Result<()> {
    // What was to become of a row is done.
    let _ = rows.drop_in_place(FATE);
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
    Ok(files::sync_file(&again, path)?)
}

/// The lake's types of a contract, in Polars' words; a frame read back from older files is brought to them.
///
/// # Errors
/// When a column cannot be brought to its type.
pub fn conform(contract: &Contract, rows: &DataFrame) -> Result<DataFrame> {
    let mut columns = Vec::with_capacity(contract.columns.len() + 2);
    for column in &contract.columns {
        columns.push(match rows.column(&column.name) {
            Ok(found) => found.cast(&polars_type(column.kind)).map_err(engine)?,
            // A lake from before the contract had this column.
            Err(_) => Column::full_null(column.name.as_str().into(), rows.height(), &polars_type(column.kind)),
        });
    }
    for name in [EXTRACT_COLUMN, RECORD_COLUMN] {
        columns.push(rows.column(name).and_then(|column| column.cast(&DataType::Int64)).map_err(engine)?);
    }
    columns.push(match rows.column(FATE) {
        Ok(fate) => fate.clone(),
        // Rows of the lake have no fate of their own.
        Err(_) => Column::new_scalar(FATE.into(), Scalar::from(STAYS), rows.height()),
    });
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
    columns.push(Column::new_empty(FATE.into(), &DataType::UInt32));
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
