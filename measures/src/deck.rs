//! Decks: small worked examples with the expected answer for each unit, and the reason in words.
//!
//! A deck is a folder of CSV files with `deck.toml`, which says how its columns become tables of the lake (SQL over
//! the CSV files, all text), which prepared views it gives itself, its parameters, and what is expected.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use carecoord_lake::{contract, files, sql};
use datafusion::prelude::SessionContext;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use crate::definition::{
    Feed, Kind, Measure, StoreUnits, View, prepared_views, views_for, views_read, whole_views, worklists,
};
use crate::engine;
use crate::error::{MeasureError, Result};
use crate::gaps::Gaps;
use crate::instrument::Instrument;
use crate::people::{Dictionaries, People};
use crate::rates::{Counts, Exact, Rate, Sums, Tree, composite, rates};
use crate::span::Span;
use crate::spellings;
use crate::tally::Tally;
use crate::unit_table::Naming;
use crate::units::{Pass, Source};
use crate::waits::{Waits, waits};
use crate::workbench::{MEMORY_BYTES, Shipped, Workbench, number_at, shipped, text_at};
use crate::worklists::worklist;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeckFile {
    /// Table of the lake → SQL over the deck's CSV files.
    tables: BTreeMap<String, String>,
    /// Prepared view → SQL over the deck's CSV files.
    #[serde(default)]
    views: BTreeMap<String, String>,
    /// `period_start`, `period_end`, `data_through`: a date, or SQL that yields one.
    params: BTreeMap<String, String>,
    /// What is expected of measures.
    #[serde(default)]
    expect: Vec<Expectation>,
    /// What is expected of prepared views.
    #[serde(default)]
    prepared: Vec<PreparedExpectation>,
    /// What is expected of work lists.
    #[serde(default)]
    worklist: Vec<WorklistExpectation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorklistExpectation {
    /// Id of the list.
    list: String,
    /// SQL with `item_id`, any of the list's columns, and `explanation`: every row of the list.
    rows: String,
    /// SQL with `reason` and `rows`: how many are not on the list, and why.
    left_out: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreparedExpectation {
    /// Name of the view, without schema.
    view: String,
    /// Columns that name a row.
    key: Vec<String>,
    /// SQL with the key, any of the view's columns, and `explanation`: every row of the view.
    rows: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    measure: String,
    /// SQL with `unit_id`, any of the unit's columns, and `explanation`.
    units: Option<String>,
    /// SQL with `denominator` and `numerator` of the mature units, and `value` if there is one.
    rate: Option<String>,
    /// SQL with `organization_id`, optional `component`, `n` and `value`.
    groups: Option<String>,
    /// Largest difference of values; 1e-6 unless stated.
    tolerance: Option<f64>,
    /// Holds for the persons of this very deck, not for others of the same columns.
    #[serde(default)]
    only_here: bool,
}

/// One comparison of a deck.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Measure.
    pub measure: String,
    /// Unit, group, or `total`.
    pub what: String,
    /// Column compared.
    pub column: String,
    /// What the deck expects; `null` for nothing.
    pub expected: String,
    /// What came.
    pub found: String,
    /// The deck's reason in words.
    pub explanation: String,
    /// Whether they agree.
    pub passed: bool,
}

/// Runs a deck for those of `measures` that it expects something of. `elsewhere` is a folder with other tables of the same
/// names and columns: they take the place of the deck's own, and what holds for its own persons only is left out.
///
/// # Errors
/// When the deck is broken, or a measure fails to run on it.
pub fn run(
    folder: &Path,
    elsewhere: Option<&Path>,
    measures: &[Measure],
    instruments: &[Instrument],
) -> Result<Vec<Comparison>> {
    run_with(folder, elsewhere, measures, instruments, &[prepared_views(), whole_views()])
}

/// The same with other prepared views: each list is made in order.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    folder: &Path,
    elsewhere: Option<&Path>,
    measures: &[Measure],
    instruments: &[Instrument],
    views: &[Vec<View>],
) -> Result<Vec<Comparison>> {
    crate::compute::runtime()?.block_on(run_deck(folder, elsewhere, measures, instruments, views))
}

/// The folders at or below `root` whose CSV files have the names and columns of this deck's.
#[must_use]
pub fn same_tables(deck: &Path, root: &Path) -> Vec<PathBuf> {
    let own = csv_files(deck);
    let headers = |path: &Path| -> Vec<String> {
        let header = csv::Reader::from_path(path).ok().and_then(|mut reader| reader.headers().ok().cloned());
        header.iter().flatten().map(str::to_owned).collect()
    };
    let fits = |folder: &PathBuf| {
        own.iter().all(|file| {
            let other = headers(&folder.join(file.file_name().unwrap_or_default()));
            headers(file).iter().all(|column| other.contains(column))
        })
    };
    if own.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<PathBuf> = [root.to_owned()].into_iter().filter(fits).collect();
    for folder in folders_in(root) {
        found.extend(same_tables(deck, &folder));
    }
    found
}

fn csv_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect();
    found.sort();
    found
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// The decks below a folder: folders with a `deck.toml`, in order of name.
#[must_use]
pub fn decks_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if folder.join("deck.toml").is_file() {
        found.push(folder.to_owned());
    }
    found.extend(folders_in(folder).iter().flat_map(|folder| decks_in(folder)));
    found
}

struct Deck {
    name: String,
    csv: SessionContext,
    file: DeckFile,
}

impl Deck {
    fn broken(&self, reason: impl std::fmt::Display) -> MeasureError {
        MeasureError::Deck { deck: self.name.clone(), reason: reason.to_string() }
    }

    fn open(folder: &Path, tables: &Path) -> Result<Self> {
        let name = tables.display().to_string();
        let broken = |reason: String| MeasureError::Deck { deck: name.clone(), reason };
        let text =
            fs::read_to_string(folder.join("deck.toml")).map_err(|error| broken(format!("deck.toml: {error}")))?;
        let file: DeckFile = toml::from_str(&text).map_err(|error| broken(format!("deck.toml: {error}")))?;
        let csv = SessionContext::new();
        for path in csv_files(tables) {
            let table = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let batch = read_csv(&path).map_err(|error| broken(format!("{}: {error}", path.display())))?;
            csv.register_batch(&table, batch).map_err(|error| broken(error.strip_backtrace()))?;
        }
        Ok(Self { name: name.clone(), csv, file })
    }

    async fn query(&self, what: &str, text: &str) -> Result<Vec<RecordBatch>> {
        let failed =
            |error: datafusion::error::DataFusionError| self.broken(format!("{what}: {}", error.strip_backtrace()));
        let frame = carecoord_lake::sql::read_only(&self.csv, text).await.map_err(failed)?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let mut batches = frame.collect().await.map_err(failed)?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    }

    async fn date(&self, name: &str) -> Result<Date> {
        let text = self.file.params.get(name).ok_or_else(|| self.broken(format!("params has no {name}")))?;
        let text = if text.to_lowercase().starts_with("select") {
            let batches = self.query(name, text).await?;
            let found =
                batches.first().filter(|batch| batch.num_rows() > 0).and_then(|batch| text_at(batch.column(0), 0));
            found.ok_or_else(|| self.broken(format!("params.{name} yields nothing")))?
        } else {
            text.clone()
        };
        text.parse().map_err(|error| self.broken(format!("params.{name}: {text}: {error}")))
    }
}

fn read_csv(path: &Path) -> std::result::Result<RecordBatch, String> {
    let mut reader = csv::Reader::from_path(path).map_err(|error| error.to_string())?;
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut columns: Vec<StringViewBuilder> = header.iter().map(|_| StringViewBuilder::new()).collect();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        for (column, value) in columns.iter_mut().zip(record.iter()) {
            column.append_option((!value.is_empty()).then_some(value));
        }
    }
    let fields: Vec<Field> = header.iter().map(|name| Field::new(name, DataType::Utf8View, true)).collect();
    let arrays = columns.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| error.to_string())
}

async fn run_deck(
    folder: &Path,
    elsewhere: Option<&Path>,
    measures: &[Measure],
    instruments: &[Instrument],
    views: &[Vec<View>],
) -> Result<Vec<Comparison>> {
    let deck = Deck::open(folder, elsewhere.unwrap_or(folder))?;
    let (start, end) = (deck.date("period_start").await?, deck.date("period_end").await?);
    let data_through = deck.date("data_through").await?;
    if start.day() != 1 || end != end.last_of_month() || start > end {
        return Err(deck.broken(format!("params: {start} to {end} are no whole months")));
    }
    // Only what the measures of this deck read; person and member-months complete every unit.
    let tested = deck.file.expect.iter().filter_map(|one| measures.iter().find(|measure| measure.id == one.measure));
    let own: Vec<String> = deck.file.prepared.iter().map(|one| format!("prepared.{}", one.view)).collect();
    let lists = worklists();
    let lists: Vec<&(String, String)> =
        lists.iter().filter(|(id, _)| deck.file.worklist.iter().any(|one| one.list == *id)).collect();
    let every: Vec<View> = views.iter().flatten().cloned().collect();
    let mut read = views_for(&every, tested, lists.iter().copied());
    read.extend(views_read(&every, own.iter().map(String::as_str)));
    let views: Vec<Vec<View>> = views
        .iter()
        .map(|list| list.iter().filter(|view| read.iter().any(|one| one.name == view.name)).cloned().collect())
        .collect();
    let shipped = shipped(measures, instruments)?;
    let mut comparisons = Vec::new();
    // One workbench for measures of equal run-out: the prepared views are the same for all of them.
    let mut benches: BTreeMap<i64, (tempfile::TempDir, Workbench, Arc<People>)> = BTreeMap::new();
    let names: Arc<Dictionaries> = Arc::default();
    let months = i64::from(i32::from(end.year()) * 12 + i32::from(end.month()))
        - i64::from(i32::from(start.year()) * 12 + i32::from(start.month()))
        + 1;
    if !deck.file.prepared.is_empty() {
        let place = tempfile_folder(&deck)?;
        let bench = bench(&deck, Span::new(end, months, data_through, false)?, place.path(), &shipped, &views).await?;
        for expectation in deck.file.prepared.iter().filter(|_| elsewhere.is_none()) {
            compare_prepared(&deck, &bench, expectation, &mut comparisons).await?;
        }
    }
    if !deck.file.worklist.is_empty() {
        let place = tempfile_folder(&deck)?;
        let extract_date = data_through.saturating_add(Feed::Ehr.runout_days().days());
        let bench = bench(&deck, Span::new(end, months, extract_date, false)?, place.path(), &shipped, &views).await?;
        for expectation in deck.file.worklist.iter().filter(|_| elsewhere.is_none()) {
            let Some((id, text)) = lists.iter().find(|(id, _)| *id == expectation.list) else {
                return Err(deck.broken(format!("there is no work list {}", expectation.list)));
            };
            compare_worklist(&deck, &bench, id, text, expectation, &mut comparisons).await?;
        }
    }
    for expectation in deck.file.expect.iter().filter(|expectation| elsewhere.is_none() || !expectation.only_here) {
        let Some(measure) = measures.iter().find(|measure| measure.id == expectation.measure) else { continue };
        // A span whose loaded data end on the deck's day, whatever the feed's run-out.
        let runout = measure.feed.runout_days();
        if let std::collections::btree_map::Entry::Vacant(free) = benches.entry(runout) {
            let span = Span::new(end, months, data_through.saturating_add(runout.days()), false)?;
            let place = tempfile_folder(&deck)?;
            let bench = bench(&deck, span, place.path(), &shipped, &views).await?;
            let people = Arc::new(People::read(&bench, &names).await?);
            free.insert((place, bench, people));
        }
        let Some((_, bench, people)) = benches.get(&runout) else { continue };
        for needed in &measure.needs_rows {
            // Whether the deck has such rows does not matter; that the question can be asked does.
            bench.any(measure, needed).await?;
        }
        let (pass, mut tallies) = (Pass::new(vec![measure.clone()]), [Tally::new(measure, &bench.span)]);
        let (source, cohort) = (Source { bench, people, names: &names }, Arc::default());
        let mut units = Vec::new();
        for kept in source.count(&pass, &cohort, |_| StoreUnits::All, &mut tallies).await? {
            let naming = Naming { cohort: &cohort.units(), names: &names, own: &pass.own };
            units.extend(kept.batches(measure, &bench.span, &naming)?);
        }
        bench.register_units("unit", &contract::result("unit")?.schema(), vec![units])?;
        if let Some(text) = &expectation.units {
            compare_units(&deck, bench, measure, text, expectation.tolerance, &mut comparisons).await?;
        }
        let counted = Counts { span: &bench.span, tally: &tallies[0], names: &names, own: &pass.own };
        let found = rates(&counted, measure, &Tree::default(), &Gaps::new())?;
        if let Some(text) = &expectation.rate {
            if measure.kind == Kind::Time {
                compare_waits(&deck, bench, measure, text, expectation.tolerance, &mut comparisons).await?;
            } else {
                compare_total(&deck, measure, &found, text, expectation.tolerance, &mut comparisons).await?;
            }
        }
        if let Some(text) = &expectation.groups {
            compare_groups(&deck, bench, measure, text, expectation.tolerance, &mut comparisons).await?;
        }
    }
    Ok(comparisons)
}

fn tempfile_folder(deck: &Deck) -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|error| deck.broken(format!("no temporary folder: {error}")))
}

async fn bench(deck: &Deck, span: Span, place: &Path, shipped: &Shipped, views: &[Vec<View>]) -> Result<Workbench> {
    let scratch = place.join("scratch");
    files::create_folder(&scratch)?;
    let context = sql::measuring_session(1, &sql::runtime(MEMORY_BYTES, sql::Sharing::Free, &scratch)?)?;
    for table in contract::tables()? {
        let schema = table.lake_schema();
        let given = match deck.file.tables.get(&table.name) {
            Some(text) => deck.query(&table.name, text).await?,
            None => Vec::new(),
        };
        let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new(sql::BUCKET, DataType::Int32, true));
        let with_bucket = Arc::new(Schema::new(fields));
        let mut batches = Vec::new();
        for batch in given {
            for field in batch.schema().fields() {
                if table.column(field.name()).is_none() {
                    return Err(deck.broken(format!("table {} has no column {}", table.name, field.name())));
                }
            }
            let mut arrays = Vec::new();
            for field in with_bucket.fields() {
                arrays.push(match batch.column_by_name(field.name()) {
                    Some(found) => cast(found, field.data_type())
                        .map_err(|error| deck.broken(format!("{}.{}: {error}", table.name, field.name())))?,
                    None if field.name() == sql::BUCKET => {
                        Arc::new(arrow::array::Int32Array::from(vec![0; batch.num_rows()]))
                    }
                    None => arrow::array::new_null_array(field.data_type(), batch.num_rows()),
                });
            }
            batches.push(RecordBatch::try_new(Arc::clone(&with_bucket), arrays).map_err(|error| deck.broken(error))?);
        }
        sql::register(&context, "lake", &table.name, sql::in_memory(with_bucket, batches)?)?;
    }
    let mut given = BTreeMap::new();
    for (name, text) in &deck.file.views {
        given.insert(name.clone(), deck.query(name, text).await?);
    }
    let loaded = deck.file.tables.keys().cloned().collect();
    let mut benches = Workbench::open(engine::local(context)?, &span, place, 1, loaded, shipped, &Arc::default())?;
    spellings::unify(&benches).await?;
    for views in views {
        Workbench::prepare(&benches, views, &given, &|_| {}).await?;
    }
    benches.pop().ok_or_else(|| deck.broken("no group of buckets"))
}

fn shown(array: Option<&ArrayRef>, row: usize) -> String {
    let text = array.and_then(|array| text_at(array, row));
    // Decks write 1 and 0 where the engine writes true and false.
    match text.as_deref() {
        None => "null".to_owned(),
        Some("true") => "1".to_owned(),
        Some("false") => "0".to_owned(),
        Some(text) => text.to_owned(),
    }
}

/// A unit's value by the name that a deck uses: a column, or `in_numerator_when_mature`.
fn unit_value(batch: &RecordBatch, row: usize, name: &str) -> String {
    match name {
        "in_numerator_when_mature" if shown(batch.column_by_name("mature"), row) == "1" => {
            unit_value(batch, row, "in_numerator")
        }
        "in_numerator_when_mature" => "null".to_owned(),
        _ => shown(batch.column_by_name(name), row),
    }
}

fn same_number(one: &str, other: &str, tolerance: f64) -> bool {
    matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if (one - other).abs() <= tolerance)
}

async fn compare_units(
    deck: &Deck,
    bench: &Workbench,
    measure: &Measure,
    text: &str,
    tolerance: Option<f64>,
    comparisons: &mut Vec<Comparison>,
) -> Result<()> {
    let found = bench.collect("select * from prepared.unit").await?;
    let expected = deck.query("expect.units", text).await?;
    let key = ["unit_id".to_owned()];
    let unnamed = compare_rows(&measure.id, &key, &found, &expected, tolerance, comparisons);
    // Units that the deck does not name must not count.
    for (unit, (batch, row)) in unnamed {
        let counts = shown(batch.column_by_name("in_denominator"), row);
        if counts == "1" {
            comparisons.push(Comparison {
                measure: measure.id.clone(),
                what: unit,
                column: "in_denominator".to_owned(),
                expected: "0 (the deck does not name this unit)".to_owned(),
                found: counts,
                explanation: String::new(),
                passed: false,
            });
        }
    }
    Ok(())
}

async fn compare_prepared(
    deck: &Deck,
    bench: &Workbench,
    expectation: &PreparedExpectation,
    comparisons: &mut Vec<Comparison>,
) -> Result<()> {
    let name = format!("prepared.{}", expectation.view);
    let found = bench.collect(&format!("select * from {name}")).await?;
    let expected = deck.query("prepared.rows", &expectation.rows).await?;
    for unnamed in compare_rows(&name, &expectation.key, &found, &expected, None, comparisons).into_keys() {
        comparisons.push(Comparison {
            measure: name.clone(),
            what: unnamed,
            column: expectation.key.join(", "),
            expected: "no such row".to_owned(),
            found: "a row".to_owned(),
            explanation: String::new(),
            passed: false,
        });
    }
    Ok(())
}

async fn compare_worklist(
    deck: &Deck,
    bench: &Workbench,
    id: &str,
    text: &str,
    expectation: &WorklistExpectation,
    comparisons: &mut Vec<Comparison>,
) -> Result<()> {
    let found = worklist(bench, id, text).await?;
    let name = format!("worklist.{id}");
    let mut wrong = |what: &str, column: &str, expected: String, found: String, passed: bool| {
        comparisons.push(Comparison {
            measure: name.clone(),
            what: what.to_owned(),
            column: column.to_owned(),
            expected,
            found,
            explanation: String::new(),
            passed,
        });
    };
    if let Some(text) = &expectation.left_out {
        let mut left_out = found.left_out.clone();
        for batch in deck.query("worklist.left_out", text).await? {
            for row in 0..batch.num_rows() {
                let reason = shown(batch.column_by_name("reason"), row);
                let expected = shown(batch.column_by_name("rows"), row);
                let rows = left_out.remove(&reason).unwrap_or_default().to_string();
                wrong(&reason, "left_out", expected.clone(), rows.clone(), rows == expected);
            }
        }
        for (reason, rows) in left_out {
            wrong(&reason, "left_out", "0".to_owned(), rows.to_string(), false);
        }
    }
    let expected = deck.query("worklist.rows", &expectation.rows).await?;
    let key = ["item_id".to_owned()];
    let unnamed: Vec<String> =
        compare_rows(&name, &key, &found.rows, &expected, None, comparisons).into_keys().collect();
    for item in unnamed {
        comparisons.push(Comparison {
            measure: name.clone(),
            what: item,
            column: "item_id".to_owned(),
            expected: "no such row".to_owned(),
            found: "a row".to_owned(),
            explanation: String::new(),
            passed: false,
        });
    }
    Ok(())
}

/// Compares rows by key, in the columns that the deck names. Returns the rows that it does not name.
fn compare_rows<'a>(
    measure: &str,
    key: &[String],
    found: &'a [RecordBatch],
    expected: &[RecordBatch],
    tolerance: Option<f64>,
    comparisons: &mut Vec<Comparison>,
) -> BTreeMap<String, (&'a RecordBatch, usize)> {
    let name_of = |batch: &RecordBatch, row: usize| {
        key.iter().map(|column| shown(batch.column_by_name(column), row)).collect::<Vec<_>>().join(" ")
    };
    let mut by_key = BTreeMap::new();
    for batch in found {
        for row in 0..batch.num_rows() {
            let what = name_of(batch, row);
            if by_key.insert(what.clone(), (batch, row)).is_some() {
                comparisons.push(Comparison {
                    measure: measure.to_owned(),
                    what,
                    column: key.join(", "),
                    expected: "one row".to_owned(),
                    found: "more than one".to_owned(),
                    explanation: String::new(),
                    passed: false,
                });
            }
        }
    }
    for batch in expected {
        let schema = batch.schema();
        let columns: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .filter(|name| *name != "explanation" && !key.iter().any(|one| one == name))
            .collect();
        for row in 0..batch.num_rows() {
            let what = name_of(batch, row);
            let explanation = shown(batch.column_by_name("explanation"), row);
            let came = by_key.remove(&what);
            let mut push = |column: &str, expected: String, found: String| {
                comparisons.push(Comparison {
                    measure: measure.to_owned(),
                    what: what.clone(),
                    column: column.to_owned(),
                    passed: expected == found || same_number(&expected, &found, tolerance.unwrap_or(1e-6)),
                    expected,
                    found,
                    explanation: explanation.clone(),
                });
            };
            if columns.is_empty() {
                push("", "a row".to_owned(), came.map_or("no such row", |_| "a row").to_owned());
            }
            for column in &columns {
                let found = came.map_or("no such row".to_owned(), |(batch, row)| unit_value(batch, row, column));
                push(column, shown(batch.column_by_name(column), row), found);
            }
        }
    }
    by_key
}

async fn compare_total(
    deck: &Deck,
    measure: &Measure,
    rates: &[Rate],
    text: &str,
    tolerance: Option<f64>,
    comparisons: &mut Vec<Comparison>,
) -> Result<()> {
    let kind = measure.periods.first().map_or("month", String::as_str);
    let mut sums = Sums::default();
    for rate in rates.iter().filter(|rate| rate.is_overall() && rate.key.period_kind == kind) {
        sums.numerator += rate.sums.numerator;
        sums.denominator += rate.sums.denominator;
    }
    let value = (sums.denominator > Exact::default()).then(|| sums.numerator.value() / sums.denominator.value());
    for batch in deck.query("expect.rate", text).await? {
        if batch.num_rows() != 1 {
            return Err(deck.broken(format!(
                "expect.rate of {} yields {} rows; one is wanted",
                measure.id,
                batch.num_rows()
            )));
        }
        let mut compare = |column: &str, found: Option<f64>| {
            if let Some(array) = batch.column_by_name(column) {
                push_number(comparisons, &measure.id, "total", column, number_at(array, 0), found, tolerance, "");
            }
        };
        compare("denominator", Some(sums.denominator.value()));
        compare("numerator", Some(sums.numerator.value()));
        compare("value", value);
    }
    Ok(())
}

/// Compares how long all units of the deck waited: `denominator` (units), `numerator` (events), `competing`, `censored`,
/// `value` (the median over all), `p90`, `completed_median`, `completed_p90`, `share` (in per cent).
async fn compare_waits(
    deck: &Deck,
    bench: &Workbench,
    measure: &Measure,
    text: &str,
    tolerance: Option<f64>,
    comparisons: &mut Vec<Comparison>,
) -> Result<()> {
    let query = "select component, cast(count(*) as double) from prepared.unit where in_denominator group by component";
    let mut components: BTreeMap<String, Sums> = BTreeMap::new();
    for batch in bench.collect(query).await? {
        for row in 0..batch.num_rows() {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A count of a deck's rows.
            let n = number_at(batch.column(1), row).unwrap_or(0.0) as u64;
            components.insert(shown(Some(batch.column(0)), row), Sums { n, ..Sums::default() });
        }
    }
    let found = waits(&components).map_err(|reason| deck.broken(format!("{}: {reason}", measure.id)))?;
    for batch in deck.query("expect.rate", text).await? {
        let mut compare = |column: &str, found: Option<f64>| {
            if let Some(array) = batch.column_by_name(column) {
                push_number(comparisons, &measure.id, "total", column, number_at(array, 0), found, tolerance, "");
            }
        };
        let count = |count: fn(&Waits) -> u64| found.as_ref().map(|waits| count(waits) as f64);
        let days = |days: fn(&Waits) -> Option<f64>| found.as_ref().and_then(days);
        compare("denominator", count(|waits| waits.n));
        compare("numerator", count(|waits| waits.events));
        compare("competing", count(|waits| waits.competing));
        compare("censored", count(|waits| waits.censored));
        compare("value", days(|waits| waits.median));
        compare("p90", days(|waits| waits.p90));
        compare("completed_median", days(|waits| waits.completed_median));
        compare("completed_p90", days(|waits| waits.completed_p90));
        compare("share", days(|waits| waits.share.map(|share| share * 100.0)));
    }
    Ok(())
}

async fn compare_groups(
    deck: &Deck,
    bench: &Workbench,
    measure: &Measure,
    text: &str,
    tolerance: Option<f64>,
    comparisons: &mut Vec<Comparison>,
) -> Result<()> {
    let found = bench
        .collect(
            "select organization_id, component, cast(sum(numerator) as double), cast(sum(denominator) as double), count(*) \
             from prepared.unit where in_denominator and mature group by organization_id, component",
        )
        .await?;
    let mut groups: BTreeMap<String, BTreeMap<String, Sums>> = BTreeMap::new();
    for batch in &found {
        for row in 0..batch.num_rows() {
            let number = |column: usize| number_at(batch.column(column), row).unwrap_or(0.0);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A count of a deck's rows.
            let sums = Sums {
                numerator: Exact::new(number(2)),
                denominator: Exact::new(number(3)),
                n: number(4) as u64,
                ..Sums::default()
            };
            groups
                .entry(shown(Some(batch.column(0)), row))
                .or_default()
                .insert(shown(Some(batch.column(1)), row), sums);
        }
    }
    for batch in deck.query("expect.groups", text).await? {
        for row in 0..batch.num_rows() {
            let group = shown(batch.column_by_name("organization_id"), row);
            let component = shown(batch.column_by_name("component"), row);
            let components = groups.get(&group);
            let (n, value) = if component == "null" {
                (None, components.and_then(composite))
            } else {
                let sums = components.and_then(|components| components.get(&component));
                (sums.map(|sums| sums.n as f64), sums.map(|sums| sums.numerator.value() / sums.denominator.value()))
            };
            let what = format!("{group} {component}");
            if let Some(expected) = batch.column_by_name("n").and_then(|array| number_at(array, row)) {
                push_number(comparisons, &measure.id, &what, "n", Some(expected), n, tolerance, "");
            }
            let expected = batch.column_by_name("value").and_then(|array| number_at(array, row));
            let found = value.map(|value| value * measure.multiplier);
            push_number(comparisons, &measure.id, &what, "value", expected, found, tolerance, "");
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)] // A comparison has these parts.
fn push_number(
    comparisons: &mut Vec<Comparison>,
    measure: &str,
    what: &str,
    column: &str,
    expected: Option<f64>,
    found: Option<f64>,
    tolerance: Option<f64>,
    explanation: &str,
) {
    let show = |number: Option<f64>| number.map_or("null".to_owned(), |number| format!("{number}"));
    let passed = match (expected, found) {
        (Some(expected), Some(found)) => (expected - found).abs() <= tolerance.unwrap_or(1e-6),
        (None, None) => true,
        _ => false,
    };
    comparisons.push(Comparison {
        measure: measure.to_owned(),
        what: what.to_owned(),
        column: column.to_owned(),
        expected: show(expected),
        found: show(found),
        explanation: explanation.to_owned(),
        passed,
    });
}
