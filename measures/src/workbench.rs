//! The workbench: a lake opened for SQL, the prepared views made once, and measures' units run on them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use carecoord_lake::contract;
use carecoord_lake::parquet_file::Writer;
use carecoord_lake::{files, sql};
use datafusion::catalog::TableProvider;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use crate::codes;
use crate::definition::{Apart, Kind, Measure, NeededRows, Param, StoreUnits, View, prepared_codes};
use crate::error::{MeasureError, Result};
use crate::instrument::{self, Instrument};
use crate::rows;
use crate::span::{Span, days};

/// The units of a subgroup that has its own.
pub const UNIT_APART: &str = "prepared.unit_apart";
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

/// A lake, or a deck, opened for measuring.
pub struct Workbench {
    /// The session with schemas `lake` and `prepared`.
    pub context: SessionContext,
    /// What is measured.
    pub span: Span,
    /// Folder for prepared views and units.
    folder: PathBuf,
    /// Which of the groups of buckets that are measured one after the other; part of the names of files.
    group: usize,
    /// Tables of the lake that hold rows, in any bucket.
    loaded: BTreeSet<String>,
}

impl Workbench {
    /// A workbench on a session in which schema `lake` is registered; it writes below `folder`. `group` tells files of
    /// several workbenches on one folder apart; `loaded` names the tables that hold rows in any bucket; `shipped` are
    /// tables that come with the measures: code sets and instruments.
    ///
    /// # Errors
    /// When the table of months cannot be made.
    pub fn new(
        context: SessionContext,
        span: Span,
        folder: &Path,
        group: usize,
        loaded: BTreeSet<String>,
        shipped: &Shipped,
    ) -> Result<Self> {
        let bench = Self { context, span, folder: folder.to_owned(), group, loaded };
        crate::functions::register(&bench.context)?;
        let months = bench.months()?;
        for (name, batch) in shipped.iter().cloned().chain([("months", months)]) {
            sql::register(&bench.context, "prepared", name, sql::in_memory(batch.schema(), vec![batch])?)?;
        }
        Ok(bench)
    }

    /// A workbench on a session of its own, with what is prepared so far: two measures can be computed at once.
    ///
    /// # Errors
    /// When a table cannot be looked up.
    pub async fn fork(&self) -> Result<Self> {
        Ok(Self {
            context: sql::fork(&self.context).await?,
            span: self.span.clone(),
            folder: self.folder.clone(),
            group: self.group,
            loaded: self.loaded.clone(),
        })
    }

    /// Makes prepared views, in order; those in `given` are taken as they are.
    ///
    /// # Errors
    /// When a view's SQL is broken or the disk refuses.
    pub async fn prepare(
        &self,
        views: &[View],
        given: &BTreeMap<String, Vec<RecordBatch>>,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<()> {
        for View { name, sql: text, .. } in views {
            if let Some(batches) = given.get(name) {
                if let Some(first) = batches.first() {
                    sql::register(&self.context, "prepared", name, sql::in_memory(first.schema(), batches.clone())?)?;
                }
                continue;
            }
            progress(&format!("preparing {name}"));
            let context = || format!("the prepared view {name}");
            let frame = self
                .bind(text, &BTreeMap::new(), 0, self.span.extract_date)
                .await
                .map_err(|error| named(&error, &context()))?;
            let folder = self.folder.join("prepared").join(name);
            let (schema, written) =
                write_partitions(frame, &folder, self.group).await.map_err(|error| named(&error, &context()))?;
            let provider = if written.is_empty() { sql::empty(schema)? } else { sql::unordered(&written, schema)? };
            sql::register(&self.context, "prepared", name, provider)?;
        }
        Ok(())
    }

    /// Registers what other workbenches on the same folder have prepared, their rows together; `one` of them says the
    /// columns.
    ///
    /// # Errors
    /// When a view was not prepared.
    pub async fn gather(&self, one: &Self, views: &[View]) -> Result<()> {
        for View { name, .. } in views {
            let schema = one.view(name).await?.schema();
            let folder = self.folder.join("prepared").join(name);
            let written = folder.read_dir().is_ok_and(|mut files| files.next().is_some());
            let provider = if written { sql::unordered(&[&folder], schema)? } else { sql::empty(schema)? };
            sql::register(&self.context, "prepared", name, provider)?;
        }
        Ok(())
    }

    async fn view(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        let found = self.context.table_provider(format!("prepared.{name}")).await;
        found.map_err(|error| MeasureError::engine(format!("the prepared view {name}"), error))
    }

    /// Takes prepared views over that another workbench has made.
    ///
    /// # Errors
    /// When the other one lacks a view.
    pub async fn adopt(&self, other: &Self, views: &[View]) -> Result<()> {
        for View { name, .. } in views {
            sql::register(&self.context, "prepared", name, other.view(name).await?)?;
        }
        Ok(())
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

    /// Plans a text with its parameters bound, never pasted: those of the measure, and for every text `$period_start`,
    /// `$period_end`, `$data_through`, `$window_days`, and `$has_<table>`: whether a table of the lake holds rows.
    ///
    /// # Errors
    /// When the text is broken.
    pub async fn bind(
        &self,
        text: &str,
        params: &BTreeMap<String, Param>,
        window_days: i64,
        data_through: jiff::civil::Date,
    ) -> Result<DataFrame> {
        let date = |date| ScalarValue::Date32(Some(days(date)));
        let mut values: Vec<(&str, ScalarValue)> = vec![
            ("period_start", date(self.span.first_month)),
            ("period_end", date(self.span.last_day())),
            ("data_through", date(data_through)),
            ("window_days", ScalarValue::Int64(Some(window_days))),
        ];
        values.extend(params.iter().map(|(name, value)| {
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
        let used: HashMap<String, _> = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .chain(loaded)
            .filter(|(name, _)| text.contains(&format!("${name}")))
            .map(|(name, value)| (name, value.into()))
            .collect();
        let failed = |error: datafusion::error::DataFusionError| {
            MeasureError::engine("the SQL was refused", error.strip_backtrace())
        };
        let frame = sql::read_only(&self.context, text).await.map_err(failed)?;
        if used.is_empty() {
            return Ok(frame);
        }
        frame.with_param_values(ParamValues::Map(used)).map_err(failed)
    }

    /// The units of a measure, complete: with period, maturity, attribution and what rates are split by.
    ///
    /// # Errors
    /// When the measure's SQL is broken or lacks a column.
    pub async fn units(&self, measure: &Measure) -> Result<DataFrame> {
        self.completed_units(measure, "units.sql", &measure.sql).await
    }

    /// The units that the text of a file yields, complete.
    async fn completed_units(&self, measure: &Measure, file: &str, text: &str) -> Result<DataFrame> {
        let broken = |reason: String| MeasureError::Definition {
            measure: measure.id.clone(),
            file: format!("{}/{file}", measure.folder),
            reason,
        };
        let data_through = self.span.data_through(measure.feed);
        let frame = self
            .bind(text, &measure.params, measure.window_days, data_through)
            .await
            .map_err(|error| broken(error.to_string()))?;
        let has = |name: &str| frame.schema().has_column_with_unqualified_name(name);
        let outcome = match measure.kind {
            Kind::Time if has("event_days") => "event_days",
            Kind::Time => "event_date",
            _ => "in_numerator",
        };
        for wanted in ["unit_id", "patient_id", "index_date", "in_denominator", "exclusion_reason", outcome] {
            if !has(wanted) {
                return Err(broken(format!("the query has no column {wanted}")));
            }
        }
        let unknown: Vec<&str> =
            frame.schema().fields().iter().map(|field| field.name().as_str()).filter(|name| !is_known(name)).collect();
        if !unknown.is_empty() {
            return Err(broken(format!(
                "the query has columns that no unit has: {}; a unit may have {}",
                unknown.join(", "),
                KNOWN.join(", ")
            )));
        }
        let spans = self.loaded.contains("attribution");
        let text = completed(measure, &has, data_through, spans);
        // A temporary name: the view lives as long as its plan.
        let stem = file.strip_suffix(".sql").unwrap_or(file);
        let name = format!("{stem}_{}", measure.id.replace('.', "_"));
        let _ = self.context.deregister_table(format!("prepared.{name}"));
        sql::register(&self.context, "prepared", &name, frame.into_view())?;
        sql::read_only(&self.context, &text.replace("{units}", &format!("prepared.{name}")))
            .await
            .map_err(|error| broken(error.strip_backtrace()))
    }

    /// Writes a measure's units as one file in order and registers what rates are made from as `prepared.unit`.
    /// Returns the number of rows written.
    ///
    /// # Errors
    /// When the measure's SQL fails or the disk refuses.
    pub async fn write_units(&self, measure: &Measure) -> Result<u64> {
        let units = self.units(measure).await?;
        let context = || format!("the measure {}", measure.id);
        let failed =
            |error: datafusion::error::DataFusionError| MeasureError::engine(context(), error.strip_backtrace());
        let contract = contract::result("unit")?;
        let path = self.folder.join("unit").join(format!("{}-{:02}.parquet", measure.id, self.group));
        let kept = match measure.store_units {
            StoreUnits::All => units.clone(),
            StoreUnits::WithEvents => units.clone().filter(datafusion::prelude::col("in_numerator")).map_err(failed)?,
        };
        let order = ["patient_id", "index_date", "unit_id"]
            .map(|name| datafusion::prelude::col(name).sort(true, false))
            .to_vec();
        let sorted = kept.sort(order).map_err(failed)?;
        let rows = write_one(sorted, &path, contract).await.map_err(|error| named(&error, &context()))?;
        let _ = self.context.deregister_table("prepared.unit");
        let provider = match measure.store_units {
            StoreUnits::All => sql::unordered(&[&path], contract.schema())?,
            StoreUnits::WithEvents => units.into_view(),
        };
        sql::register(&self.context, "prepared", "unit", provider)?;
        if let Some(text) = &measure.by_payer {
            let by_payer = self.completed_units(measure, "units_by_payer.sql", text).await?;
            let _ = self.context.deregister_table("prepared.unit_by_payer");
            sql::register(&self.context, "prepared", "unit_by_payer", by_payer.into_view())?;
        }
        self.write_apart(measure).await?;
        Ok(rows)
    }

    /// Registers the units of the subgroup that has its own as `prepared.unit_apart`, where they differ from the others.
    async fn write_apart(&self, measure: &Measure) -> Result<()> {
        let _ = self.context.deregister_table(UNIT_APART);
        let Some(Apart { read, instead, .. }) = &measure.apart else { return Ok(()) };
        let counted = |view: &str| format!("(select count(*) from prepared.{view} where left_out is null)");
        let differs = format!("select {} <> {} as differs", counted(instead), counted(read));
        let batches = self.collect(&differs).await?;
        let differs = batches.first().and_then(|batch| text_at(batch.column(0), 0)).is_some_and(|text| text == "true");
        if differs {
            let text = measure.sql.replace(&format!("prepared.{read}"), &format!("prepared.{instead}"));
            let units = self.completed_units(measure, "units.sql", &text).await?;
            sql::register(&self.context, "prepared", "unit_apart", units.into_view())?;
        }
        Ok(())
    }

    /// Whether a subgroup of the measure just written has units of its own.
    #[must_use]
    pub fn has_apart(&self) -> bool {
        self.context.table_exist(UNIT_APART).unwrap_or(false)
    }

    /// The counting, mature units of a measure registered as `prepared.unit`, of months from `first` to `last`, with what
    /// its `risk.sql` says of them, in no order.
    ///
    /// # Errors
    /// When the text is broken.
    pub async fn risk(
        &self,
        measure: &Measure,
        text: &str,
        first: jiff::civil::Date,
        last: jiff::civil::Date,
    ) -> Result<Vec<RecordBatch>> {
        let query = format!(
            "select u.in_numerator as risk_outcome, u.organization_id as risk_organization, r.* from prepared.unit u \
             join prepared.risk_of_units r on r.unit_id = u.unit_id and r.patient_id = u.patient_id \
             where u.in_denominator and u.mature and u.period between date '{first}' and date '{last}'"
        );
        self.beside(measure, ("risk.sql", text), "risk_of_units", &query).await
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
        let query = format!(
            "select * from prepared.case_mix_of_people where completed_date between date '{first}' and date '{last}'"
        );
        self.beside(measure, ("case_mix.sql", text), "case_mix_of_people", &query).await
    }

    /// The rows of `query`, for which the text of a file beside a measure's `units.sql` stands as `prepared.<name>`.
    async fn beside(
        &self,
        measure: &Measure,
        (file, text): (&str, &str),
        name: &str,
        query: &str,
    ) -> Result<Vec<RecordBatch>> {
        let broken = |reason: String| MeasureError::Definition {
            measure: measure.id.clone(),
            file: format!("{}/{file}", measure.folder),
            reason,
        };
        let frame = self
            .bind(text, &measure.params, measure.window_days, self.span.data_through(measure.feed))
            .await
            .map_err(|error| broken(error.to_string()))?;
        let table = format!("prepared.{name}");
        let _ = self.context.deregister_table(table.as_str());
        sql::register(&self.context, "prepared", name, frame.into_view())?;
        let found = self.collect(query).await.map_err(|error| broken(error.to_string()));
        let _ = self.context.deregister_table(table.as_str());
        found
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
        sql::read_only(&self.context, text).await.map_err(failed)?.collect().await.map_err(failed)
    }

    fn months(&self) -> Result<RecordBatch> {
        let months = self.span.months();
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
}

/// Columns that `units.sql` may have.
const KNOWN: [&str; 31] = [
    "unit_id",
    "patient_id",
    "index_date",
    "in_denominator",
    "exclusion_reason",
    "in_numerator",
    "exception_reason",
    "numerator",
    "denominator",
    "component",
    "subgroup",
    "subgroup_2",
    "subgroup_3",
    "event_date",
    "competing_date",
    "censored_date",
    "event_days",
    "competing_days",
    "censored_days",
    "evidence",
    "organization_id",
    "practitioner_id",
    "coordinator_id",
    "payer_id",
    "mature_on",
    "birth_date",
    "sex",
    "race",
    "ethnicity",
    "language",
    "deprivation",
];

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// The query that completes a measure's units; `{units}` stands for their table. Who answers for a unit that does not say so
/// itself is the practitioner and coordinator on its index date: by the `spans` of the lake, else those of the patient. Units
/// without the column `organization_id` belong to the organization of that practitioner.
fn completed(measure: &Measure, has: &impl Fn(&str) -> bool, data_through: jiff::civil::Date, spans: bool) -> String {
    let own = |name: &str, otherwise: &str| if has(name) { format!("u.{name}") } else { otherwise.to_owned() };
    let mature_on = own("mature_on", &format!("cast(cast(u.index_date as int) + {} as date)", measure.window_days));
    let birth_date = own("birth_date", "p.birth_date");
    let stratum = |name: &str| own(name, &format!("p.{name}"));
    let (primary, own_coordinator) = if spans {
        ("ap.practitioner_id", "ac.practitioner_id")
    } else {
        ("p.primary_practitioner_id", "p.coordinator_id")
    };
    let practitioner =
        if has("practitioner_id") { format!("coalesce(u.practitioner_id, {primary})") } else { primary.to_owned() };
    // Units that bring everything themselves (member-months) are many; they are spared the joins.
    let complete = has("birth_date") && has("sex") && has("coordinator_id");
    let practitioner = if complete { "u.practitioner_id".to_owned() } else { practitioner };
    let person = match (complete, spans) {
        (true, _) => "",
        (false, false) => "left join prepared.person p on p.patient_id = u.patient_id",
        (false, true) => {
            "left join prepared.person p on p.patient_id = u.patient_id \
             left join prepared.attribution ap on ap.patient_id = u.patient_id and ap.role = 'primary' \
             and u.index_date between ap.valid_from and ap.valid_until \
             left join prepared.attribution ac on ac.patient_id = u.patient_id and ac.role = 'coordinator' \
             and u.index_date between ac.valid_from and ac.valid_until"
        }
    };
    let member = if has("payer_id") {
        ""
    } else {
        "left join prepared.member_months mm on mm.patient_id = u.patient_id \
         and mm.month = cast(date_trunc('month', u.index_date) as date)"
    };
    let (organization, site) = if has("organization_id") {
        ("u.organization_id", String::new())
    } else {
        ("site.organization_id", format!("left join lake.practitioner site on site.practitioner_id = {practitioner}"))
    };
    let in_numerator = if measure.kind == Kind::Time {
        format!("starts_with({}, 'event')", ended(measure.window_days, has, data_through))
    } else {
        "u.in_numerator".to_owned()
    };
    let age = age_in_years("u.index_date", &birth_date);
    format!(
        "select '{id}' as measure_id, u.unit_id, u.patient_id, u.index_date, \
         cast(date_trunc('month', u.index_date) as date) as period, \
         u.in_denominator, u.exclusion_reason, {in_numerator} as in_numerator, {exception} as exception_reason, \
         {numerator} as numerator, {denominator} as denominator, {component} as component, \
         coalesce({mature_on} <= date '{data_through}', false) as mature, {mature_on} as mature_on, \
         {evidence} as evidence, {organization} as organization_id, {practitioner} as practitioner_id, \
         {coordinator} as coordinator_id, {payer} as payer_id, \
         case when {birth_date} is null then null when {age} < 18 then '0-17' when {age} < 45 then '18-44' \
         when {age} < 65 then '45-64' when {age} < 75 then '65-74' when {age} < 85 then '75-84' else '85+' end as age_band, \
         {sex} as sex, {race} as race, {ethnicity} as ethnicity, {language} as language, {deprivation} as deprivation, \
         {subgroup} as subgroup, {subgroup_2} as subgroup_2, {subgroup_3} as subgroup_3 \
         from {{units}} u {person} {member} {site}",
        id = measure.id,
        exception = own("exception_reason", "cast(null as varchar)"),
        numerator =
            own("numerator", &format!("case when {in_numerator} then 1 when {in_numerator} is not null then 0 end")),
        denominator = own("denominator", "case when u.in_denominator then 1 end"),
        component = if measure.kind == Kind::Time {
            ended(measure.window_days, has, data_through)
        } else {
            own("component", "cast(null as varchar)")
        },
        evidence = own("evidence", "cast(null as varchar)"),
        coordinator = own("coordinator_id", own_coordinator),
        payer = as_group(&own("payer_id", "mm.payer_id")),
        sex = stratum("sex"),
        race = stratum("race"),
        ethnicity = stratum("ethnicity"),
        language = stratum("language"),
        deprivation = stratum("deprivation"),
        subgroup = as_group(&own("subgroup", "cast(null as varchar)")),
        subgroup_2 = as_group(&own("subgroup_2", "cast(null as varchar)")),
        subgroup_3 = as_group(&own("subgroup_3", "cast(null as varchar)")),
    )
}

/// A text of the extracts as the name of a group. One of more than 100 letters, or an address, is a remark on somebody and no group.
fn as_group(text: &str) -> String {
    if text.starts_with("cast(null") {
        return text.to_owned();
    }
    format!("case when character_length({text}) <= 100 and strpos({text}, '@') = 0 then {text} end")
}

/// How the wait of a unit of a measure of time ended, and after how many days, as one text: `event|12`, `competing|3`,
/// `censored|90`. A unit is watched until the horizon of W days (0: none), until the data end, and until `censored_date`. Units that
/// count other days than calendar days say numbers of days in place of dates: `event_days` and so on; `censored_days` then is
/// the last day known.
fn ended(window_days: i64, has: &impl Fn(&str) -> bool, data_through: jiff::civil::Date) -> String {
    let since = |date: &str| format!("(cast({date} as int) - cast(u.index_date as int))");
    let days = |what: &str| match (has(&format!("{what}_days")), has(&format!("{what}_date"))) {
        (true, _) => Some(format!("cast(u.{what}_days as int)")),
        (false, true) => Some(since(&format!("u.{what}_date"))),
        (false, false) => None,
    };
    let event = days("event").unwrap_or_default();
    let competing = days("competing").unwrap_or_else(|| "cast(null as int)".to_owned());
    let mut ends: Vec<String> = days("censored").into_iter().collect();
    if !has("censored_days") {
        ends.push(since(&format!("date '{data_through}'")));
    }
    if window_days > 0 {
        ends.push(window_days.to_string());
    }
    let last = format!("greatest(least({}), 0)", ends.join(", "));
    format!(
        "case when not u.in_denominator then null \
         when {event} <= {last} and ({competing} is null or {event} <= {competing}) then concat('event|', {event}) \
         when {competing} <= {last} then concat('competing|', {competing}) \
         else concat('censored|', {last}) end"
    )
}

/// Completed years between two dates: the difference of the dates written as whole numbers, `yyyymmdd`.
fn age_in_years(on: &str, birth_date: &str) -> String {
    let number = |date: &str| {
        format!("(date_part('year', {date}) * 10000 + date_part('month', {date}) * 100 + date_part('day', {date}))")
    };
    format!("(({} - {}) / 10000)", number(on), number(birth_date))
}

fn named(error: &MeasureError, context: &str) -> MeasureError {
    match error {
        MeasureError::Engine { context: inner, reason } => MeasureError::engine(context, format!("{inner}: {reason}")),
        other => MeasureError::engine(context, other),
    }
}

fn nullable(schema: &Schema) -> Schema {
    Schema::new(
        schema
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), field.data_type().clone(), true))
            .collect::<Vec<_>>(),
    )
}

/// Writes a query's rows into `folder`, one file for each partition that has any, all at once. Returns the files and
/// their columns.
async fn write_partitions(frame: DataFrame, folder: &Path, group: usize) -> Result<(SchemaRef, Vec<PathBuf>)> {
    files::create_folder(folder)?;
    let failed =
        |error: datafusion::error::DataFusionError| MeasureError::engine("the query failed", error.strip_backtrace());
    // The columns as they come: the kind of text of a union may differ from that of its plan.
    let planned: SchemaRef = Arc::clone(frame.schema().inner());
    let streams = frame.execute_stream_partitioned().await.map_err(failed)?;
    let columns: SchemaRef = streams.first().map_or(planned, |stream| stream.schema());
    let schema: SchemaRef = Arc::new(nullable(&columns));
    let mut tasks = tokio::task::JoinSet::new();
    for (number, mut stream) in streams.into_iter().enumerate() {
        let path = folder.join(format!("part-{group:02}-{number:02}.parquet"));
        let schema = Arc::clone(&schema);
        tasks.spawn(async move {
            let mut out: Option<Writer> = None;
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(|error| MeasureError::engine("the query failed", error.strip_backtrace()))?;
                if batch.num_rows() == 0 {
                    continue;
                }
                let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())
                    .map_err(|error| MeasureError::engine("the query failed", error))?;
                let writer = match &mut out {
                    Some(writer) => writer,
                    None => out.insert(Writer::create(&path, Arc::clone(&schema))?),
                };
                writer.write(&batch)?;
            }
            let Some(writer) = out else { return Ok(None) };
            writer.finish()?;
            Ok::<_, MeasureError>(Some(path))
        });
    }
    let mut written = Vec::new();
    let mut failure = None;
    while let Some(done) = tasks.join_next().await {
        match done.map_err(|error| MeasureError::engine("the query failed", error)).flatten() {
            Ok(path) => written.extend(path),
            Err(error) => {
                failure.get_or_insert(error);
                // The others end before the draft that they write into is swept away.
                tasks.abort_all();
            }
        }
    }
    written.sort();
    failure.map_or(Ok((schema, written)), Err)
}

/// Writes a sorted query's rows as one file of a contract. Returns the number of rows.
async fn write_one(frame: DataFrame, path: &Path, contract: &contract::Contract) -> Result<u64> {
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    let failed =
        |error: datafusion::error::DataFusionError| MeasureError::engine("the query failed", error.strip_backtrace());
    let mut stream = frame.execute_stream().await.map_err(failed)?;
    let mut out = Writer::create(path, contract.schema())?;
    let mut count = 0;
    while let Some(batch) = stream.next().await {
        let batch = rows::conform(contract, &batch.map_err(failed)?)?;
        count += batch.num_rows() as u64;
        out.write(&batch)?;
    }
    out.finish()?;
    Ok(count)
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
