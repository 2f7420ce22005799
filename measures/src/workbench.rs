//! The workbench: a lake opened for SQL, and the prepared views made once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, Date32Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use carecoord_lake::contract;
use carecoord_lake::grouped::{self, Grouped, Part, Planned};
use carecoord_lake::sql;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;

use crate::codes;
use crate::definition::{Measure, NeededRows, Param, View, prepared_codes};
use crate::engine::{Engine, Stored, Values};
use crate::error::{MeasureError, Result};
use crate::instrument::{self, Instrument};
use crate::span::{Span, days};
use crate::timings::{self, Timings, Written};

/// Memory that joins, sorts and groups may hold before they spill, in bytes.
pub const MEMORY_BYTES: usize = 1 << 30;

/// Tables of schema `prepared` that come with the measures, by name.
pub type Shipped = Vec<(&'static str, RecordBatch)>;

/// The tables that come with measures and instruments.
///
/// # Errors
/// When a shipped one is broken, which a test rules out.
pub fn shipped(measures: &[Measure], instruments: &[Instrument]) -> Result<Shipped> {
    let codes = prepared_codes()?;
    let codes = codes::batch(codes.iter().chain(measures.iter().flat_map(|measure| &measure.codes)))?;
    let mut tables = instrument::tables(instruments)?;
    tables.push(("shipped_code_set", codes));
    Ok(tables)
}

/// A group of buckets of a lake, or a deck, opened for measuring. The groups of one lake share a session: what one of them asks is
/// planned for all.
pub struct Workbench {
    session: Arc<Session>,
    /// What is measured.
    pub span: Span,
    /// Folder for prepared views and units.
    folder: PathBuf,
    /// Which of the groups of buckets that are measured one after the other; part of the names of files.
    group: usize,
    /// Tables of the lake that hold rows, in any bucket.
    loaded: Arc<BTreeSet<String>>,
}

/// What the groups of a lake share.
struct Session {
    /// Tables of schemas `lake` and `prepared`.
    engine: Arc<dyn Engine>,
    groups: usize,
    /// Queries that were planned, by their text with its parameters.
    plans: Mutex<HashMap<String, Arc<dyn ExecutionPlan>>>,
    /// Whether two prepared views of a group hold different rows, as far as someone asked.
    differ: Mutex<HashMap<(usize, String), bool>>,
    timings: Arc<Timings>,
}

impl Session {
    /// Registers a table, in place of one of the same name.
    fn register(&self, schema: &str, name: &str, provider: Arc<dyn TableProvider>) -> Result<()> {
        if self.engine.has(schema, name) {
            // What was planned reads the table that was there before.
            self.plans.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        self.engine.register(schema, name, provider)
    }
}

/// The values of a text's parameters, beside those that every text has.
#[derive(Debug, Clone, Copy)]
pub struct Params<'a> {
    /// Those of a measure.
    pub own: &'a BTreeMap<String, Param>,
    /// `$window_days`.
    pub window_days: i64,
    /// `$data_through`.
    pub data_through: jiff::civil::Date,
}

static NO_PARAMS: BTreeMap<String, Param> = BTreeMap::new();

impl Params<'_> {
    /// For texts that are no measure's.
    #[must_use]
    pub fn none(data_through: jiff::civil::Date) -> Self {
        Self { own: &NO_PARAMS, window_days: 0, data_through }
    }
}

impl Workbench {
    /// One for each of `groups` groups of buckets, on a session in which schema `lake` is registered; they write below `folder`.
    /// `loaded` names the tables that hold rows in any bucket; `shipped` are tables that come with the measures: code sets and
    /// instruments.
    ///
    /// # Errors
    /// When the table of months cannot be made.
    pub fn open(
        engine: Arc<dyn Engine>,
        span: &Span,
        folder: &Path,
        groups: usize,
        loaded: BTreeSet<String>,
        shipped: &Shipped,
        timings: &Arc<Timings>,
    ) -> Result<Vec<Self>> {
        for (name, batch) in shipped.iter().cloned().chain([("months", months(span)?)]) {
            engine.register("prepared", name, sql::in_memory(batch.schema(), vec![batch])?)?;
        }
        let session = Arc::new(Session {
            engine,
            groups,
            plans: Mutex::default(),
            differ: Mutex::default(),
            timings: Arc::clone(timings),
        });
        let loaded = Arc::new(loaded);
        let open = |group| Self {
            session: Arc::clone(&session),
            span: span.clone(),
            folder: folder.to_owned(),
            group,
            loaded: Arc::clone(&loaded),
        };
        Ok((0..groups).map(open).collect())
    }

    /// Makes prepared views for all groups of a lake, in order; those in `given` are taken as they are.
    ///
    /// # Errors
    /// When a view's SQL is broken or the disk refuses.
    pub async fn prepare(
        groups: &[Self],
        views: &[View],
        given: &BTreeMap<String, Vec<RecordBatch>>,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<()> {
        let Some(first) = groups.first() else { return Ok(()) };
        for View { name, sql: text, .. } in views {
            if let Some(batches) = given.get(name) {
                if let Some(batch) = batches.first() {
                    first.session.register("prepared", name, sql::in_memory(batch.schema(), batches.clone())?)?;
                }
                continue;
            }
            progress(&format!("preparing {name}"));
            let begun = timings::begin();
            let context = || format!("the prepared view {name}");
            let folder = first.folder.join("prepared").join(name);
            let mut parts = Vec::with_capacity(groups.len());
            let mut written = Written::none();
            for group in groups {
                let query = group.query(text, Params::none(group.span.extract_date)).await;
                let query = query.map_err(|error| named(&error, &context()))?;
                let stored = group.session.engine.store(query, &folder, group.group).await;
                let Stored { schema, files } = stored.map_err(|error| named(&error, &context()))?;
                for (file, rows) in &files {
                    written.add(*rows, file);
                }
                let files: Vec<PathBuf> = files.into_iter().map(|(file, _)| file).collect();
                let provider = if files.is_empty() { sql::empty(schema)? } else { sql::unordered(&files, schema)? };
                parts.push(Part { provider, within: None });
            }
            first.register_parts(name, parts)?;
            first.session.timings.end_written(begun, "prepare", name, written);
        }
        Ok(())
    }

    /// Registers a table of schema `prepared` from what each group has of it.
    fn register_parts(&self, name: &str, mut parts: Vec<Part>) -> Result<()> {
        let Some(schema) = parts.first().map(|part| part.provider.schema()) else { return Ok(()) };
        let provider: Arc<dyn TableProvider> = match (parts.len(), parts.pop()) {
            (1, Some(only)) => only.provider,
            (_, last) => Arc::new(Grouped::new(schema, parts.into_iter().chain(last).collect())),
        };
        self.session.register("prepared", name, provider)
    }

    /// Registers what groups on the same folder have prepared, their rows together; `one` of the groups says the columns.
    ///
    /// # Errors
    /// When a view was not prepared.
    pub async fn gather(&self, one: &Self, views: &[View]) -> Result<()> {
        for View { name, .. } in views {
            let schema = one.view(name).await?.schema();
            let folder = self.folder.join("prepared").join(name);
            let written = folder.read_dir().is_ok_and(|mut files| files.next().is_some());
            let provider = if written { sql::unordered(&[&folder], schema)? } else { sql::empty(schema)? };
            self.session.register("prepared", name, provider)?;
        }
        Ok(())
    }

    async fn view(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        self.session.engine.table("prepared", name).await
    }

    /// Takes prepared views over that a session of all patients has made: every group sees all of their rows.
    ///
    /// # Errors
    /// When the other one lacks a view.
    pub async fn adopt(&self, other: &Self, views: &[View]) -> Result<()> {
        for View { name, .. } in views {
            self.session.register("prepared", name, other.view(name).await?)?;
        }
        Ok(())
    }

    /// Whether two prepared views of the same columns hold different rows for this group.
    ///
    /// # Errors
    /// When a view is missing.
    pub async fn differ(&self, one: &str, other: &str) -> Result<bool> {
        // Without scalar subqueries, so that it is planned once for all groups.
        let text = format!(
            "select count(*) > 0 from (\
             select 1 from (select count(*) as n from prepared.{one}) o join (select count(*) as n from prepared.{other}) t on o.n <> t.n \
             union all select 1 from (select * from prepared.{one} except select * from prepared.{other}) rows)"
        );
        let key = (self.group, text);
        let known = || self.session.differ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(differ) = known().get(&key).copied() {
            return Ok(differ);
        }
        let rows = self.collect(&key.1).await?;
        let differ = rows.first().and_then(|batch| text_at(batch.column(0), 0)).is_some_and(|text| text == "true");
        known().insert(key, differ);
        Ok(differ)
    }

    /// Puts what a query yields in the place of a table of the lake, for all groups.
    ///
    /// # Errors
    /// When the query is refused.
    pub async fn replace(&self, table: &str, text: &str) -> Result<()> {
        let params = self.values(text, Params::none(self.span.extract_date))?;
        self.session.register("lake", table, self.session.engine.view(text, params).await?)
    }

    /// What a view's rules took or left, in the order in which its counting query says them; nothing for a view that
    /// does not count.
    ///
    /// # Errors
    /// When the query fails or does not yield `rule` and `rows`.
    pub async fn counts(&self, view: &View) -> Result<Vec<(String, u64)>> {
        let Some(text) = &view.counts else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for batch in self.collect(text).await.map_err(|error| named(&error, &format!("the counts of {}", view.name)))? {
            let (Some(rules), Some(rows)) = (batch.column_by_name("rule"), batch.column_by_name("rows")) else {
                return Err(MeasureError::engine(format!("the counts of {}", view.name), "no columns rule and rows"));
            };
            for row in 0..batch.num_rows() {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A count of rows.
                let count = number_at(rows, row).unwrap_or(0.0) as u64;
                found.push((text_at(rules, row).unwrap_or_default(), count));
            }
        }
        Ok(found)
    }

    /// A text made ready to run for this group, its parameters bound, never pasted: those of the measure, and for every text
    /// `$period_start`, `$period_end`, `$data_through`, `$window_days`, and `$has_<table>`: whether a table of the lake holds rows.
    ///
    /// # Errors
    /// When the text is broken.
    pub async fn query(&self, text: &str, params: Params<'_>) -> Result<Planned> {
        let key = format!("{params:?}\n{text}");
        let plans = || self.session.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = plans().get(&key).cloned();
        let plan = match known {
            Some(plan) => plan,
            None => {
                let plan = self.session.engine.plan(text, self.values(text, params)?).await?;
                // A plan that runs once need not be kept.
                if self.session.groups > 1 && grouped::may_run_again(&plan) {
                    plans().insert(key, Arc::clone(&plan));
                }
                plan
            }
        };
        self.session.engine.ready(&plan, self.group)
    }

    /// The values of the parameters that a text names.
    fn values(&self, text: &str, Params { own, window_days, data_through }: Params<'_>) -> Result<Values> {
        let date = |date| ScalarValue::Date32(Some(days(date)));
        let mut values: Vec<(&str, ScalarValue)> = vec![
            ("period_start", date(self.span.first_month)),
            ("period_end", date(self.span.last_day())),
            ("data_through", date(data_through)),
            ("window_days", ScalarValue::Int64(Some(window_days))),
        ];
        values.extend(own.iter().map(|(name, value)| {
            let value = match value {
                Param::Integer(number) => ScalarValue::Int64(Some(*number)),
                Param::Text(text) => ScalarValue::Utf8View(Some(text.clone())),
            };
            (name.as_str(), value)
        }));
        let loaded = contract::tables()?.iter().map(|table| {
            let name = format!("has_{}", table.name);
            (name, ScalarValue::Boolean(Some(self.loaded.contains(&table.name))))
        });
        let named = values.into_iter().map(|(name, value)| (name.to_owned(), value));
        Ok(named.chain(loaded).filter(|(name, _)| text.contains(&format!("${name}"))).collect())
    }

    /// The file of what a measure says of the units of this group of buckets.
    #[must_use]
    pub fn measure_unit_path(&self, measure: &Measure) -> PathBuf {
        self.folder.join("measure_unit").join(format!("{}-{:02}.parquet", measure.id, self.group))
    }

    /// The file of the units of a cohort of this group of buckets.
    #[must_use]
    pub fn cohort_unit_path(&self, cohort: &str) -> PathBuf {
        self.folder.join("cohort_unit").join(format!("{cohort}-{:02}.parquet", self.group))
    }

    /// Registers the table of these variants: a row for each, with its id, its window and its parameters. Returns the name of the
    /// table in schema `prepared`.
    ///
    /// # Errors
    /// When a parameter is a number for one variant and a text for another.
    pub fn register_variants(&self, pass: &[Measure]) -> Result<String> {
        let rows = variants(pass)?;
        // Equal variants have one table, so that what was planned on it stays.
        let ids: Vec<&str> = pass.iter().map(|measure| measure.id.as_str()).collect();
        let name = format!("variants_{}", &blake3::hash(ids.join("\n").as_bytes()).to_hex()[..16]);
        if !self.session.engine.has("prepared", &name) {
            self.session.register("prepared", &name, sql::in_memory(rows.schema(), vec![rows])?)?;
        }
        Ok(name)
    }

    /// Registers units as a table of schema `prepared`, from those of each group.
    ///
    /// # Errors
    /// When the rows do not have the columns of `schema`.
    pub fn register_units(&self, name: &str, schema: &SchemaRef, groups: Vec<Vec<RecordBatch>>) -> Result<()> {
        let part = |units| Ok(Part { provider: sql::in_memory(Arc::clone(schema), units)?, within: None });
        self.register_parts(name, groups.into_iter().map(part).collect::<Result<_>>()?)
    }

    /// Forgets a table of schema `prepared`, and what was planned on it.
    pub fn forget(&self, name: &str) {
        self.session.engine.deregister("prepared", name);
        self.session.plans.lock().unwrap_or_else(PoisonError::into_inner).retain(|text, _| !text.contains(name));
    }

    /// The units of a measure in the table `units` of schema `prepared`, with what its `risk.sql` says of them, in no order.
    ///
    /// # Errors
    /// When the text is broken.
    pub async fn risk(&self, measure: &Measure, units: &str, text: &str) -> Result<Vec<RecordBatch>> {
        let query = format!(
            "select u.in_numerator as risk_outcome, u.organization_id as risk_organization, r.* from prepared.{units} u \
             join ({text}\n) r on r.unit_id = u.unit_id and r.patient_id = u.patient_id"
        );
        self.beside(measure, "risk.sql", &query).await
    }

    /// The questionnaires that a measure's `case_mix.sql` yields, completed from `first` to `last`, in no order.
    ///
    /// # Errors
    /// When the text is broken.
    pub async fn case_mix(
        &self,
        measure: &Measure,
        text: &str,
        first: jiff::civil::Date,
        last: jiff::civil::Date,
    ) -> Result<Vec<RecordBatch>> {
        let query =
            format!("select * from ({text}\n) people where completed_date between date '{first}' and date '{last}'");
        self.beside(measure, "case_mix.sql", &query).await
    }

    /// The rows of a query that holds the text of a file beside a measure's `units.sql`.
    async fn beside(&self, measure: &Measure, file: &str, query: &str) -> Result<Vec<RecordBatch>> {
        let broken = |reason: String| MeasureError::Definition {
            measure: measure.id.clone(),
            file: format!("{}/{file}", measure.folder),
            reason,
        };
        let params = Params {
            own: &measure.params,
            window_days: measure.window_days,
            data_through: self.span.data_through(measure.feed),
        };
        let query = self.query(query, params).await.map_err(|error| broken(error.to_string()))?;
        rows(query).await.map_err(|error| broken(error.strip_backtrace()))
    }

    /// Whether the lake holds rows that a measure needs.
    ///
    /// # Errors
    /// When the measure's condition is broken.
    pub async fn any(&self, measure: &Measure, needed: &NeededRows) -> Result<bool> {
        let query = format!("select 1 from lake.{} where {} limit 1", needed.table, needed.condition);
        let batches = self.collect(&query).await.map_err(|error| MeasureError::Definition {
            measure: measure.id.clone(),
            file: format!("{}/measure.toml", measure.folder),
            reason: format!("rows of {}: {error}", needed.table),
        })?;
        Ok(batches.iter().any(|batch| batch.num_rows() > 0))
    }

    /// Whether a table of the lake holds rows, in any bucket.
    #[must_use]
    pub fn holds(&self, table: &str) -> bool {
        self.loaded.contains(table)
    }

    /// Runs a query and collects its rows.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn collect(&self, text: &str) -> Result<Vec<RecordBatch>> {
        let failed =
            |error: datafusion::error::DataFusionError| MeasureError::engine("a query failed", error.strip_backtrace());
        rows(self.query(text, Params::none(self.span.extract_date)).await?).await.map_err(failed)
    }

    /// Runs a query and hands on its rows, batch by batch: no more than one is held.
    ///
    /// # Errors
    /// When the text is broken, or `take` fails.
    pub async fn each(&self, text: &str, mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        let failed =
            |error: datafusion::error::DataFusionError| MeasureError::engine("a query failed", error.strip_backtrace());
        let query = self.query(text, Params::none(self.span.extract_date)).await?;
        let mut rows = query.rows().map_err(failed)?;
        while let Some(batch) = rows.next().await {
            take(&batch.map_err(failed)?)?;
        }
        Ok(())
    }
}

/// All rows of a query.
async fn rows(query: Planned) -> datafusion::error::Result<Vec<RecordBatch>> {
    datafusion::physical_plan::common::collect(query.rows()?).await
}

fn variants(pass: &[Measure]) -> Result<RecordBatch> {
    let ids: ArrayRef = Arc::new(StringViewArray::from_iter_values(pass.iter().map(|measure| &measure.id)));
    let windows: ArrayRef = Arc::new(pass.iter().map(|measure| Some(measure.window_days)).collect::<Int64Array>());
    let mut columns = vec![("variant", ids), ("window_days", windows)];
    let names: BTreeSet<&String> = pass.iter().flat_map(|measure| measure.params.keys()).collect();
    for name in names {
        let values: Vec<Option<&Param>> = pass.iter().map(|measure| measure.params.get(name)).collect();
        let number = |value: Option<&Param>| match value {
            None => Some(None),
            Some(Param::Integer(number)) => Some(Some(*number)),
            Some(Param::Text(_)) => None,
        };
        let text = |value: Option<&Param>| match value {
            None => Some(None),
            Some(Param::Text(text)) => Some(Some(text.clone())),
            Some(Param::Integer(_)) => None,
        };
        let numbers: Option<Int64Array> = values.iter().copied().map(number).collect();
        let texts: Option<StringViewArray> = values.iter().copied().map(text).collect();
        let column: ArrayRef = match (numbers, texts) {
            (Some(numbers), _) => Arc::new(numbers),
            (None, Some(texts)) => Arc::new(texts),
            (None, None) => {
                let reason = format!("the parameter {name} is a number for one variant and a text for another");
                return Err(MeasureError::engine("the variants", reason));
            }
        };
        columns.push((name, column));
    }
    RecordBatch::try_from_iter(columns).map_err(|error| MeasureError::engine("the variants", error))
}

fn months(span: &Span) -> Result<RecordBatch> {
    let months = span.months();
    let column = |day: &dyn Fn(&jiff::civil::Date) -> jiff::civil::Date| -> ArrayRef {
        Arc::new(Date32Array::from_iter_values(months.iter().map(|month| days(day(month)))))
    };
    let fields = ["month", "fifteenth", "last_day"].map(|name| Field::new(name, DataType::Date32, true));
    let arrays = vec![
        column(&|month| *month),
        column(&|month| jiff::civil::date(month.year(), month.month(), 15)),
        column(&|month| month.last_of_month()),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), arrays)
        .map_err(|error| MeasureError::engine("the months", error))
}

fn named(error: &MeasureError, context: &str) -> MeasureError {
    match error {
        MeasureError::Engine { context: inner, reason } => MeasureError::engine(context, format!("{inner}: {reason}")),
        other => MeasureError::engine(context, other),
    }
}

/// The text of a column at a row; none for null. Any text type will do.
#[must_use]
pub fn text_at(array: &ArrayRef, row: usize) -> Option<String> {
    use arrow::array::AsArray;
    // A column of type null has no bitmap that says so.
    if array.is_null(row) || array.data_type().is_null() {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Some(array.as_string_view().value(row).to_owned()),
        _ => arrow::util::display::array_value_to_string(array, row).ok(),
    }
}

/// The number of a column at a row; none for null and for what is no number.
#[must_use]
pub fn number_at(array: &ArrayRef, row: usize) -> Option<f64> {
    use arrow::array::AsArray;
    use arrow::datatypes::Float64Type;
    let number = arrow::compute::cast(&array.slice(row, 1), &DataType::Float64).ok()?;
    let number = number.as_primitive::<Float64Type>();
    number.is_valid(0).then(|| number.value(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_with_as_many_rows_may_differ_and_each_group_has_its_own() {
        let scratch = tempfile::tempdir().expect("a folder");
        let runtime = sql::runtime(1 << 26, sql::Sharing::Free, scratch.path()).expect("a runtime");
        let context = sql::session(1, &runtime).expect("a session");
        let date = jiff::civil::date(2026, 10, 1);
        let span = Span::new(date, 1, date, false).expect("a span");
        let benches = Workbench::open(
            crate::engine::local(context).expect("an engine"),
            &span,
            scratch.path(),
            2,
            BTreeSet::new(),
            &Shipped::new(),
            &Arc::default(),
        )
        .expect("groups");
        let part = |ids: &[&str]| {
            let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Utf8View, true)]));
            let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(ids));
            let rows = RecordBatch::try_new(Arc::clone(&schema), vec![column]).expect("rows");
            Part { provider: sql::in_memory(schema, vec![rows]).expect("a table"), within: None }
        };
        benches[0].register_parts("one", vec![part(&["a", "b"]), part(&["c"])]).expect("registered");
        benches[0].register_parts("other", vec![part(&["a", "x"]), part(&["c"])]).expect("registered");
        let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("threads");
        let differ = |group: usize| tokio.block_on(benches[group].differ("one", "other")).expect("an answer");
        assert_eq!([differ(0), differ(1), differ(0)], [true, false, true]);
    }
}
