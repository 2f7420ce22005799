//! `carecoord sql`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use carecoord_lake::manifest::Manifest;
use carecoord_lake::snapshot::{Snapshot, Store};
use carecoord_lake::{LakeError, sql};
use carecoord_measures::workbench::MEMORY_BYTES;

use crate::arguments::SqlOptions;
use crate::failure::Failure;
use crate::output;

/// Runs a query over the lake and results, read-only.
pub fn run(options: &SqlOptions) -> Result<ExitCode, Failure> {
    let project = &options.project.project;
    let lake = chosen(&Store::lake(project), options.lake_snapshot.as_deref())?;
    let results = chosen(&Store::results(project), options.results_snapshot.as_deref())?;
    let (schema, batches) = query(project, lake.as_ref(), results.as_ref(), &options.query)?;
    output::rows(&schema, &batches, options.format, options.output.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

fn chosen(store: &Store, id: Option<&str>) -> Result<Option<Snapshot>, Failure> {
    Ok(match id {
        Some(id) => Some(store.snapshot(id)?),
        None => store.current_if_any()?,
    })
}

/// The rows of a query.
pub fn query(
    project: &Path,
    lake: Option<&Snapshot>,
    results: Option<&Snapshot>,
    text: &str,
) -> Result<(SchemaRef, Vec<RecordBatch>), Failure> {
    let Some(lake) = lake else {
        // The store says how to make one.
        Store::lake(project).current()?;
        return Err(Failure::Usage("there is no lake".to_owned()));
    };
    let manifest = Manifest::read(lake)?;
    let scratch = tempfile::tempdir().map_err(|error| Failure::Machine(format!("no temporary folder: {error}")))?;
    let context = sql::session(manifest.buckets, &sql::runtime(MEMORY_BYTES, sql::Sharing::Equal, scratch.path())?)?;
    sql::register_lake(&context, lake, &manifest, &(0..manifest.buckets))?;
    if let Some(results) = results {
        sql::register_results(&context, results)?;
    }
    carecoord_measures::compute::runtime()?.block_on(async {
        let frame = sql::query(&context, text).await?;
        let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
        let failed =
            |error: datafusion::error::DataFusionError| LakeError::engine("the query failed", error.strip_backtrace());
        let batches = frame.collect().await.map_err(failed)?;
        Ok((schema, batches))
    })
}
