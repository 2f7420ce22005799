//! What measuring needs of an engine: tables under names, queries over them, and their rows in files. Measures know nothing else of it,
//! so that the same run can be made by one process or by several.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use carecoord_lake::grouped::{self, Planned};
use carecoord_lake::parquet_file::{Writer, lean_properties};
use carecoord_lake::{files, sql};
use datafusion::catalog::TableProvider;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use parquet::file::properties::WriterProperties;

use crate::error::{MeasureError, Result};

/// Values of the parameters that a text names, without their `$`.
pub type Values = HashMap<String, ScalarValue>;

/// What a query has left in files.
pub struct Stored {
    /// Its columns, all of which may be null.
    pub schema: SchemaRef,
    /// The files with their rows, by name.
    pub files: Vec<(PathBuf, u64)>,
}

/// An engine with the tables of a lake.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Registers a table, in place of one of the same name.
    ///
    /// # Errors
    /// When there is no such schema.
    fn register(&self, schema: &str, name: &str, table: Arc<dyn TableProvider>) -> Result<()>;

    /// Forgets a table, if there is one of that name.
    fn deregister(&self, schema: &str, name: &str);

    /// Whether a table is registered.
    fn has(&self, schema: &str, name: &str) -> bool;

    /// A registered table.
    ///
    /// # Errors
    /// When there is none of that name.
    async fn table(&self, schema: &str, name: &str) -> Result<Arc<dyn TableProvider>>;

    /// A query as a table, for [`Engine::register`].
    ///
    /// # Errors
    /// When the text is broken, or does more than read.
    async fn view(&self, text: &str, values: Values) -> Result<Arc<dyn TableProvider>>;

    /// A query, planned.
    ///
    /// # Errors
    /// When the text is broken, or does more than read.
    async fn plan(&self, text: &str, values: Values) -> Result<Arc<dyn ExecutionPlan>>;

    /// A planned query made ready to run for a group of buckets.
    ///
    /// # Errors
    /// When a part of the plan cannot run a second time.
    fn ready(&self, plan: &Arc<dyn ExecutionPlan>, group: usize) -> Result<Planned>;

    /// Runs a query and writes its rows into a folder, a file for each partition of the group that has any.
    ///
    /// # Errors
    /// When the query fails or the disk refuses.
    async fn store(&self, query: Planned, folder: &Path, group: usize) -> Result<Stored>;
}

/// An engine in this process, which knows the functions of the catalogue.
///
/// # Errors
/// When a function is refused.
pub fn local(context: SessionContext) -> Result<Arc<dyn Engine>> {
    crate::functions::register(&context)?;
    Ok(Arc::new(context))
}

#[async_trait]
impl Engine for SessionContext {
    fn register(&self, schema: &str, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        self.deregister(schema, name);
        Ok(sql::register(self, schema, name, table)?)
    }

    fn deregister(&self, schema: &str, name: &str) {
        // A table that is not there is no error.
        let _ = self.deregister_table(format!("{schema}.{name}"));
    }

    fn has(&self, schema: &str, name: &str) -> bool {
        self.table_exist(format!("{schema}.{name}")).unwrap_or(false)
    }

    async fn table(&self, schema: &str, name: &str) -> Result<Arc<dyn TableProvider>> {
        let found = self.table_provider(format!("{schema}.{name}")).await;
        found.map_err(|error| MeasureError::engine(format!("the table {schema}.{name}"), error))
    }

    async fn view(&self, text: &str, values: Values) -> Result<Arc<dyn TableProvider>> {
        Ok(bound(self, text, values).await.map_err(refused)?.into_view())
    }

    async fn plan(&self, text: &str, values: Values) -> Result<Arc<dyn ExecutionPlan>> {
        grouped::plan(bound(self, text, values).await.map_err(refused)?).await.map_err(refused)
    }

    fn ready(&self, plan: &Arc<dyn ExecutionPlan>, group: usize) -> Result<Planned> {
        Planned::new(self, plan, group).map_err(refused)
    }

    async fn store(&self, query: Planned, folder: &Path, group: usize) -> Result<Stored> {
        write_partitions(query, folder, group).await
    }
}

#[allow(clippy::needless_pass_by_value)] // For `map_err`.
fn refused(error: DataFusionError) -> MeasureError {
    MeasureError::engine("the SQL was refused", error.strip_backtrace())
}

/// A text with its parameters bound, never pasted.
async fn bound(context: &SessionContext, text: &str, values: Values) -> datafusion::error::Result<DataFrame> {
    let frame = sql::read_only(context, text).await?;
    if values.is_empty() {
        return Ok(frame);
    }
    frame.with_param_values(ParamValues::Map(values.into_iter().map(|(name, value)| (name, value.into())).collect()))
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

/// Statistics of all columns but texts: nobody looks for a range of names, and to find the least of millions takes time.
fn as_written(schema: &Schema) -> WriterProperties {
    let is_text =
        |field: &&Arc<Field>| matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let searched: Vec<&str> =
        schema.fields().iter().filter(|field| !is_text(field)).map(|field| field.name().as_str()).collect();
    lean_properties(&searched, &[])
}

/// Writes the rows of each partition into a file of its own, all partitions at once. A partition without rows has no file.
async fn write_partitions(query: Planned, folder: &Path, group: usize) -> Result<Stored> {
    files::create_folder(folder)?;
    let failed =
        |error: datafusion::error::DataFusionError| MeasureError::engine("the query failed", error.strip_backtrace());
    // The columns as they come: the kind of text of a union may differ from that of its plan.
    let planned: SchemaRef = query.schema();
    let streams = query.partitions().map_err(failed)?;
    let columns: SchemaRef = streams.first().map_or(planned, |stream| stream.schema());
    let schema: SchemaRef = Arc::new(nullable(&columns));
    let mut tasks = tokio::task::JoinSet::new();
    for (number, mut stream) in streams.into_iter().enumerate() {
        let path = folder.join(format!("part-{group:02}-{number:02}.parquet"));
        let schema = Arc::clone(&schema);
        tasks.spawn(async move {
            let mut out: Option<Writer> = None;
            let mut rows = 0;
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(|error| MeasureError::engine("the query failed", error.strip_backtrace()))?;
                if batch.num_rows() == 0 {
                    continue;
                }
                let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())
                    .map_err(|error| MeasureError::engine("the query failed", error))?;
                let writer = match &mut out {
                    Some(writer) => writer,
                    None => out.insert(Writer::create_with(&path, Arc::clone(&schema), as_written(&schema))?),
                };
                writer.write(&batch)?;
                rows += batch.num_rows() as u64;
            }
            let Some(writer) = out else { return Ok(None) };
            writer.finish()?;
            Ok::<_, MeasureError>(Some((path, rows)))
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
    failure.map_or(Ok(Stored { schema, files: written }), Err)
}
