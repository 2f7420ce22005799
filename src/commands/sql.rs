//! `carecoord sql`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use carecoord_lake::manifest::Manifest;
use carecoord_lake::scratch::Scratch;
use carecoord_lake::snapshot::{Snapshot, Store};
use carecoord_lake::{LakeError, sql};
use carecoord_measures::workbench::MEMORY_BYTES;
use futures::StreamExt;

use crate::arguments::SqlOptions;
use crate::failure::Failure;
use crate::output::Rows;
use crate::{damage, watch};

/// Runs a query over the lake and results, read-only and bounded.
pub fn run(options: &SqlOptions) -> Result<ExitCode, Failure> {
    let project = &options.project.project;
    let seconds = options.timeout.map(Duration::try_from_secs_f64).transpose();
    let timeout =
        seconds.map_err(|error| Failure::Usage(format!("--timeout: {error}; give seconds, for example 30")))?;
    let lake = chosen(&Store::lake(project), options.lake_snapshot.as_deref())?;
    let results = chosen(&Store::results(project), options.results_snapshot.as_deref())?;
    watch::over(timeout, options.memory << 20)?;
    let mut rows = None;
    query(project, lake.as_ref(), results.as_ref(), &options.query, |schema, batch| {
        let rows = match &mut rows {
            Some(rows) => rows,
            None => rows.insert(Rows::begin(schema, options.format, options.output.as_deref())?),
        };
        batch.map_or(Ok(true), |batch| rows.write(batch))
    })?;
    if let Some(rows) = rows {
        rows.end()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(store: &Store, id: Option<&str>) -> Result<Option<Snapshot>, Failure> {
    Ok(match id {
        Some(id) => Some(store.snapshot(id)?),
        None => store.current_if_any()?,
    })
}

/// The rows of a query that has few.
pub fn collect(
    project: &Path,
    lake: Option<&Snapshot>,
    results: Option<&Snapshot>,
    text: &str,
) -> Result<(SchemaRef, Vec<RecordBatch>), Failure> {
    let mut batches = Vec::new();
    let schema = query(project, lake, results, text, |_, batch| {
        batches.extend(batch.cloned());
        Ok(true)
    })?;
    Ok((schema, batches))
}

/// Runs a query and hands each batch of its rows on as it comes, the columns alone first, until no more are wanted. Never are
/// all rows held.
fn query(
    project: &Path,
    lake: Option<&Snapshot>,
    results: Option<&Snapshot>,
    text: &str,
    mut take: impl FnMut(&SchemaRef, Option<&RecordBatch>) -> Result<bool, Failure>,
) -> Result<SchemaRef, Failure> {
    let Some(lake) = lake else {
        // The store says how to make one.
        Store::lake(project).current()?;
        return Err(Failure::Usage("there is no lake".to_owned()));
    };
    damage::named(project, || {
        let manifest = Manifest::read(lake)?;
        let scratch = Scratch::create(project)?;
        let runtime = sql::runtime(MEMORY_BYTES, sql::Sharing::Equal, scratch.path())?;
        let context = sql::session(manifest.buckets, &runtime)?;
        sql::register_lake(&context, lake, &manifest)?;
        if let Some(results) = results {
            sql::register_results(&context, results)?;
        }
        carecoord_measures::functions::register(&context)?;
        carecoord_measures::compute::runtime()?.block_on(async {
            let failed = |error: datafusion::error::DataFusionError| {
                LakeError::engine("the query failed", error.strip_backtrace())
            };
            let frame = sql::query(&context, text).await?;
            let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
            let mut batches = frame.execute_stream().await.map_err(failed)?;
            take(&schema, None)?;
            while let Some(batch) = batches.next().await {
                if !take(&schema, Some(&batch.map_err(failed)?))? {
                    break;
                }
            }
            Ok(schema)
        })
    })
}
