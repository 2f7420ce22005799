//! One file into the buckets of one table: scan, plan, count, spread.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use carecoord_lake::contract::{Contract, EXTRACT_COLUMN, RECORD_COLUMN, Severity};
use carecoord_lake::files;
use carecoord_lake::manifest::{Accounting, Finding};
use polars::prelude::*;

use crate::error::{PipelineError, Result};
use crate::plan::{DELETED, LEAVE_OUT, Plan, RECORD, REJECT, check_name, field_name, trimmed_name};
use crate::spill::Spill;
use crate::survey::{FIELD_COUNT, SHORT_ROW, SWALLOWED_LINES, Survey};
use crate::text;

/// Quarantined rows of one file beyond which there is no point in going on.
const MOST_QUARANTINED: usize = 2_000_000;
/// Examples kept of each check, for messages.
const EXAMPLES: usize = 3;

/// A cell that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCell {
    /// Record number within the file, from 1.
    pub record: u64,
    /// Check.
    pub check: String,
    /// Column of the table; empty for the whole row.
    pub column: String,
    /// The value as it stands, trimmed.
    pub value: String,
}

/// What became of a file.
#[derive(Debug)]
pub struct Loaded {
    /// Counts so far; duplicates and superseded rows are found when buckets are merged.
    pub accounting: Accounting,
    /// The cells that put rows into quarantine, in order of record.
    pub quarantined: Vec<FoundCell>,
    /// A few cells that only drew a warning.
    pub warned: Vec<FoundCell>,
}

/// Values looked up elsewhere: a table's column by its reference, both as `r:` columns.
#[derive(Clone)]
pub struct Lookup {
    /// Columns `key` and `value`.
    pub frame: LazyFrame,
    /// The reference in this table.
    pub reference: String,
    /// The column to fill.
    pub column: String,
}

/// What is being loaded.
pub struct Load<'a> {
    /// Table.
    pub contract: &'static Contract,
    /// The file.
    pub survey: &'a Survey,
    /// The plan.
    pub plan: &'a Plan,
    /// Number of the file in the lake.
    pub extract: i64,
    /// Folder for a mended copy of a file that a column reader would stumble over.
    pub scratch: &'a Path,
    /// Values looked up elsewhere.
    pub lookup: Option<Lookup>,
    /// Patients whose numbers have been merged into another's: old number → number that stays.
    pub merged: Arc<HashMap<String, String>>,
}

/// The quote of a mended copy: a control character that no text holds, so that every quote in it is a letter.
const MENDED_QUOTE: u8 = 0x1e;

/// Column of the lake's own while rows wait: what is to become of a row.
pub const FATE: &str = "_fate";
/// A row like any other.
pub const STAYS: u32 = 0;
/// A row that takes back the row of its key.
pub const DELETES: u32 = 1;
/// A row that came under a patient's old number.
pub const MOVED: u32 = 2;

#[derive(Debug)]
struct Sink {
    spill: Spill,
    /// Filled cells of the columns with codes.
    filled: BTreeMap<String, u64>,
    rows: u64,
    filtered: u64,
    quarantined_rows: u64,
    found: Vec<u64>,
    quarantined: Vec<FoundCell>,
    warned: Vec<FoundCell>,
    error: Option<PipelineError>,
}

impl Load<'_> {
    /// Loads the file into `spill` and returns it with what became of the rows.
    ///
    /// # Errors
    /// When the file cannot be read as a table, or the disk refuses.
    pub fn run(&self, spill: Spill) -> Result<(Spill, Loaded)> {
        let odd = self.survey.needs_mending();
        let path = if odd { self.mended_copy()? } else { self.survey.path.clone() };
        let frame = self.plan.on(self.scan(&path, odd)?, |frame| self.fill(frame));
        let sink = Arc::new(Mutex::new(Sink {
            spill,
            filled: BTreeMap::new(),
            rows: 0,
            filtered: 0,
            quarantined_rows: 0,
            found: vec![0; self.plan.checks.len()],
            quarantined: Vec::new(),
            warned: Vec::new(),
            error: None,
        }));
        let shared = Arc::clone(&sink);
        let batch = Batch {
            contract: self.contract,
            plan: self.plan.clone(),
            extract: self.extract,
            merged: Arc::clone(&self.merged),
        };
        let callback = PlanCallback::new(move |rows: DataFrame| {
            let mut sink = shared.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = batch.take(&mut sink, &rows) {
                sink.error = Some(error);
                return Ok(true);
            }
            Ok(sink.quarantined.len() > MOST_QUARANTINED)
        });
        let context = || format!("{}: cannot be read as a table", self.survey.name);
        let outcome = frame
            .sink_batches(callback, true, None)
            .and_then(|frame| frame.collect_with_engine(Engine::Streaming).map(|_| ()));
        if odd {
            let _ = std::fs::remove_file(&path);
        }
        let mut sink = Arc::try_unwrap(sink)
            .map(|sink| sink.into_inner().unwrap_or_else(PoisonError::into_inner))
            .map_err(|_| PipelineError::engine(context(), "a reader is still at work"))?;
        if let Some(error) = sink.error.take() {
            return Err(error);
        }
        outcome.map_err(|error| PipelineError::engine(context(), error))?;
        self.finish(sink)
    }

    fn finish(&self, mut sink: Sink) -> Result<(Spill, Loaded)> {
        let survey = self.survey;
        if sink.quarantined.len() > MOST_QUARANTINED {
            let example = sink.quarantined.first().cloned();
            let example = example.map_or_else(String::new, |cell| {
                format!(
                    "; the first: record {}, column {}, value {:?}, {}",
                    cell.record,
                    cell.column,
                    text::shown(&cell.value),
                    cell.check
                )
            });
            let reason = format!("more than {MOST_QUARANTINED} rows do not pass the checks{example}");
            return Err(PipelineError::File { file: survey.name.clone(), reason });
        }
        let (broken, left_out) = (survey.broken.len() as u64, survey.left_out.len() as u64);
        if sink.rows + broken + left_out != survey.records {
            let reason = format!(
                "{} records were counted and {} read: the quotes may not be balanced; nothing was loaded",
                survey.records - broken - left_out,
                sink.rows
            );
            return Err(PipelineError::File { file: survey.name.clone(), reason });
        }
        let mut findings = Vec::new();
        let mut by_name: BTreeMap<(&str, &str), (Severity, u64)> = BTreeMap::new();
        for (check, rows) in self.plan.checks.iter().zip(&sink.found) {
            if *rows > 0 {
                by_name.entry((&check.column, &check.name)).or_insert((check.severity, 0)).1 += rows;
            }
        }
        for ((column, check), (severity, rows)) in by_name {
            let of = (check == "unknown_code").then(|| sink.filled.get(column).copied()).flatten();
            findings.push(Finding {
                check: check.to_owned(),
                column: column.to_owned(),
                severity,
                rows,
                of,
                reason: String::new(),
            });
        }
        findings.extend(self.plan.notes.iter().map(|note| Finding {
            check: note.check.to_owned(),
            column: note.column.clone(),
            severity: note.severity,
            rows: note.cells,
            of: None,
            reason: note.reason.clone(),
        }));
        for (check, noted) in [(SHORT_ROW, &survey.short), (SWALLOWED_LINES, &survey.swallowed)] {
            if noted.count > 0 {
                let severity = Severity::Warn;
                findings.push(finding(check, severity, noted.count));
                sink.warned.extend(noted.first.iter().map(|record| whole_row(*record, check, String::new())));
            }
        }
        for reason in survey.broken.values().collect::<BTreeSet<_>>() {
            let rows = survey.broken.values().filter(|other| other == &reason).count() as u64;
            findings.push(finding(reason, Severity::Reject, rows));
        }
        for (record, reason) in &survey.broken {
            let value = if *reason == FIELD_COUNT {
                format!("{} fields are wanted", survey.header.len())
            } else {
                String::new()
            };
            sink.quarantined.push(whole_row(*record, reason, value));
        }
        sink.quarantined.sort_by_key(|cell| cell.record);
        let quarantined = sink.quarantined_rows + broken;
        let accounting = Accounting {
            table: self.contract.name.clone(),
            read: survey.records,
            filtered: sink.filtered + left_out,
            accepted: survey.records - sink.filtered - left_out - quarantined,
            quarantined,
            columns: self.plan.offered.clone(),
            layout: survey.found.clone(),
            extra_columns: self.plan.extra_columns.clone(),
            patterns: self.plan.patterns.clone(),
            findings,
            ..Accounting::default()
        };
        Ok((sink.spill, Loaded { accounting, quarantined: sink.quarantined, warned: sink.warned }))
    }

    fn fill(&self, frame: LazyFrame) -> LazyFrame {
        let Some(lookup) = &self.lookup else { return frame };
        let raw = format!("r:{}", lookup.column);
        let reference = format!("r:{}", lookup.reference);
        frame
            .drop(by_name([raw.as_str()], true, false))
            .join(lookup.frame.clone(), [col(reference)], [col("key")], JoinArgs::new(JoinType::Left))
            .rename(["value"], [raw.as_str()], true)
    }

    fn scan(&self, path: &Path, mended: bool) -> Result<LazyFrame> {
        let mut schema = Schema::with_capacity(self.survey.header.len() + 1);
        for index in 0..self.survey.header.len() {
            schema.with_column(field_name(index).into(), DataType::String);
        }
        if mended {
            schema.with_column(RECORD.into(), DataType::Int64);
        }
        let text = path.to_str().ok_or_else(|| PipelineError::File {
            file: self.survey.name.clone(),
            reason: "the path is not UTF-8".to_owned(),
        })?;
        let reader = LazyCsvReader::new(PlRefPath::new(text))
            .with_has_header(true)
            .with_schema(Some(Arc::new(schema)))
            .with_separator(if mended { b',' } else { self.survey.delimiter })
            .with_quote_char(Some(if mended { MENDED_QUOTE } else { b'"' }))
            .with_missing_is_null(true)
            // Surplus cells are empty, or their rows are dropped below.
            .with_truncate_ragged_lines(true)
            .with_glob(false)
            .with_raise_if_empty(false)
            .with_row_index((!mended).then(|| RowIndex { name: RECORD.into(), offset: 1 }));
        let frame = reader
            .finish()
            .map_err(|error| PipelineError::engine(format!("cannot open {}", self.survey.name), error))?;
        let frame = frame.with_column(col(RECORD).cast(DataType::Int64));
        Ok(if mended { frame } else { self.without_broken(frame) })
    }

    /// Without the records that are broken or no data; a mended copy has none.
    fn without_broken(&self, frame: LazyFrame) -> LazyFrame {
        let (broken, left_out) = (&self.survey.broken, &self.survey.left_out);
        if broken.is_empty() && left_out.is_empty() {
            return frame;
        }
        let gone: HashSet<i64> =
            broken.keys().chain(left_out.keys()).filter_map(|record| i64::try_from(*record).ok()).collect();
        frame.filter(col(RECORD).map(
            move |records| {
                let records = records.i64()?;
                let kept: BooleanChunked =
                    records.iter().map(|record| Some(record.is_some_and(|record| !gone.contains(&record)))).collect();
                Ok(kept.with_name(records.name().clone()).into_column())
            },
            |_, field| Ok(Field::new(field.name().clone(), DataType::Boolean)),
        ))
    }

    /// A copy with one record on one line, the good records only, each with its number.
    fn mended_copy(&self) -> Result<PathBuf> {
        files::create_folder(self.scratch)?;
        let path = self.scratch.join("mended.csv");
        let file = files::create_file(&path)?;
        let failed = |error: csv::Error| PipelineError::engine(format!("cannot write {}", path.display()), error);
        let mut writer = csv::WriterBuilder::new().quote(MENDED_QUOTE).from_writer(std::io::BufWriter::new(file));
        let header = (0..self.survey.header.len()).map(field_name).chain([RECORD.to_owned()]);
        writer.write_record(header).map_err(failed)?;
        let survey = self.survey;
        survey.each_record(|number, _, record| {
            if survey.broken.contains_key(&number) || survey.left_out.contains_key(&number) {
                return Ok(true);
            }
            // Missing cells at the end are empty, surplus ones are.
            for index in 0..survey.header.len() {
                let cell = record.get(index).unwrap_or_default();
                if cell.iter().any(|byte| matches!(byte, 0 | &MENDED_QUOTE)) || std::str::from_utf8(cell).is_err() {
                    let text = String::from_utf8_lossy(cell).replace(['\0', char::from(MENDED_QUOTE)], "");
                    writer.write_field(text.as_bytes()).map_err(failed)?;
                } else {
                    writer.write_field(cell).map_err(failed)?;
                }
            }
            writer.write_field(number.to_string().as_bytes()).map_err(failed)?;
            writer.write_record(None::<&[u8]>).map_err(failed)?;
            Ok(true)
        })?;
        writer.flush().map_err(|error| PipelineError::read(&path, error))?;
        Ok(path)
    }
}

/// What every batch of rows needs.
struct Batch {
    contract: &'static Contract,
    plan: Plan,
    extract: i64,
    merged: Arc<HashMap<String, String>>,
}

impl Batch {
    fn take(&self, sink: &mut Sink, rows: &DataFrame) -> Result<()> {
        let engine = |error: PolarsError| PipelineError::engine("cannot check a batch of rows", error);
        sink.rows += rows.height() as u64;
        let leave_out = rows.column(LEAVE_OUT).and_then(Column::bool).map_err(engine)?;
        let left_out = leave_out.num_trues();
        let mut kept = rows.clone();
        if left_out > 0 {
            sink.filtered += left_out as u64;
            kept = rows.filter(&!leave_out).map_err(engine)?;
        }
        let reject = kept.column(REJECT).and_then(Column::bool).map_err(engine)?.clone();
        for (index, check) in self.plan.checks.iter().enumerate() {
            let found = kept.column(&check_name(index)).and_then(Column::bool).map_err(engine)?;
            let count = found.num_trues();
            if count > 0 {
                let severe = check.severity != Severity::Warn;
                sink.found[index] += count as u64;
                let cells = if severe { &mut sink.quarantined } else { &mut sink.warned };
                let room = if severe {
                    usize::MAX
                } else {
                    EXAMPLES.saturating_sub(
                        cells.iter().filter(|cell| cell.check == check.name && cell.column == check.column).count(),
                    )
                };
                if room > 0 {
                    let rows = kept.filter(found).map_err(engine)?;
                    collect_cells(cells, &rows, &check.name, &check.column, room).map_err(engine)?;
                }
            }
        }
        for column in
            self.contract.columns.iter().filter(|column| !column.allowed.is_empty() && self.plan.offers(&column.name))
        {
            let cells = kept.column(&format!("r:{}", column.name)).map_err(engine)?;
            *sink.filled.entry(column.name.clone()).or_default() += (cells.len() - cells.null_count()) as u64;
        }
        if reject.num_trues() > 0 {
            sink.quarantined_rows += reject.num_trues() as u64;
            kept = kept.filter(&!&reject).map_err(engine)?;
        }
        let (moved, fates) = self.fates(&kept).map_err(engine)?;
        if let Some(moved) = moved {
            kept.with_column(moved).map_err(engine)?;
        }
        let mut columns: Vec<Column> = Vec::with_capacity(self.contract.columns.len() + 3);
        for column in &self.contract.columns {
            columns.push(kept.column(&column.name).map_err(engine)?.clone());
        }
        columns.push(Column::new_scalar(EXTRACT_COLUMN.into(), Scalar::from(self.extract), kept.height()));
        columns.push(kept.column(RECORD).map_err(engine)?.clone().with_name(RECORD_COLUMN.into()));
        columns.push(fates);
        let accepted = DataFrame::new(kept.height(), columns).map_err(engine)?;
        sink.spill.push(accepted, self.contract.bucket_by.as_deref())
    }
}

impl Batch {
    /// What is to become of each row, and the patients' numbers where some were merged into others.
    fn fates(&self, rows: &DataFrame) -> PolarsResult<(Option<Column>, Column)> {
        let deleted = rows.column(DELETED)?.bool()?;
        let patients = self.contract.bucket_by.as_deref().filter(|_| !self.merged.is_empty());
        let Some(patient) = patients else {
            if !deleted.any() {
                return Ok((None, Column::new_scalar(FATE.into(), Scalar::from(STAYS), rows.height())));
            }
            let fates: Vec<u32> =
                deleted.iter().map(|deleted| if deleted == Some(true) { DELETES } else { STAYS }).collect();
            return Ok((None, Column::new(FATE.into(), fates)));
        };
        let old = rows.column(patient)?.str()?;
        let mut fates = Vec::with_capacity(rows.height());
        let mut numbers: Vec<Option<&str>> = Vec::with_capacity(rows.height());
        for (number, deleted) in old.iter().zip(deleted.iter()) {
            let into = number.and_then(|number| self.merged.get(number)).map(String::as_str);
            fates.push(match (deleted, into) {
                (Some(true), _) => DELETES,
                (_, Some(_)) => MOVED,
                _ => STAYS,
            });
            numbers.push(into.or(number));
        }
        Ok((Some(Column::new(patient.into(), numbers)), Column::new(FATE.into(), fates)))
    }
}

fn finding(check: &str, severity: Severity, rows: u64) -> Finding {
    Finding { check: check.to_owned(), column: String::new(), severity, rows, of: None, reason: String::new() }
}

fn whole_row(record: u64, check: &str, value: String) -> FoundCell {
    FoundCell { record, check: check.to_owned(), column: String::new(), value }
}

fn collect_cells(
    cells: &mut Vec<FoundCell>,
    rows: &DataFrame,
    check: &str,
    column: &str,
    room: usize,
) -> PolarsResult<()> {
    let records = rows.column(RECORD)?.i64()?;
    let values = rows.column(&trimmed_name(column)).ok().and_then(|column| column.str().ok());
    for (row, record) in records.iter().enumerate().take(room) {
        cells.push(FoundCell {
            record: record.and_then(|number| u64::try_from(number).ok()).unwrap_or(0),
            check: check.to_owned(),
            column: column.to_owned(),
            value: values.and_then(|values| values.get(row)).unwrap_or_default().to_owned(),
        });
    }
    Ok(())
}
