//! `carecoord codes import | list`.

use std::path::Path;
use std::process::ExitCode;

use carecoord_lake::manifest::Manifest;
use carecoord_lake::scratch::Scratch;
use carecoord_lake::snapshot::Store;
use carecoord_lake::{LakeError, sql};
use carecoord_measures::codes;
use carecoord_measures::definition::{prepared_codes, prepared_views};
use carecoord_measures::workbench::MEMORY_BYTES;
use carecoord_pipeline::ingest::{Options, ingest};
use carecoord_pipeline::mapping::Mapping;

use crate::arguments::{CodesCommand, CodesOptions, Format, TextFormat};
use crate::commands::ingest::{say, say_published, today};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{self, Progress};

/// Loads code tables, or lists those in force.
pub fn run(options: &CodesOptions) -> Result<ExitCode, Failure> {
    match &options.command {
        CodesCommand::Import { folder, set_version, source, project, format } => {
            import(folder, set_version, source, &project.project, *format)
        }
        CodesCommand::List { project, format } => list(&project.project, *format),
    }
}

fn import(folder: &Path, version: &str, source: &str, project: &Path, format: TextFormat) -> Result<ExitCode, Failure> {
    let config = Config::read(project)?;
    let progress = Progress::new();
    let outcome = ingest(&Options {
        mapping: Mapping::codes(version, source)?,
        extracts: folder,
        project,
        words: config.words(project)?,
        unpacking: config.limits,
        today: today(),
        checks: config.checks,
        buckets: config.buckets,
        extract_date: None,
        again: false,
        dry_run: false,
        progress: &|text| progress.say(text),
    })?;
    drop(progress);
    let code = say(&outcome, format, false)?;
    if code == ExitCode::SUCCESS {
        say_published(&outcome);
    }
    Ok(code)
}

fn list(project: &Path, format: Format) -> Result<ExitCode, Failure> {
    let measures = Config::read(project)?.measures(project)?;
    let shipped = codes::batch(prepared_codes()?.iter().chain(measures.iter().flat_map(|measure| &measure.codes)))?;
    let scratch = Scratch::create(project)?;
    let lake = Store::lake(project).current_if_any()?;
    let manifest = match &lake {
        Some(lake) => Manifest::read(lake)?,
        None => Manifest::new("codes", 1),
    };
    let context = sql::session(manifest.buckets, &sql::runtime(MEMORY_BYTES, sql::Sharing::Equal, scratch.path())?)?;
    match &lake {
        Some(lake) => sql::register_lake(&context, lake, &manifest)?,
        None => sql::register(
            &context,
            "lake",
            "code_set",
            sql::empty(carecoord_lake::contract::table("code_set")?.lake_schema())?,
        )?,
    }
    sql::register(&context, "prepared", "shipped_code_set", sql::in_memory(shipped.schema(), vec![shipped])?)?;
    let views = prepared_views();
    let in_force = views.iter().find(|view| view.name == "code_set").map_or("", |view| view.sql.as_str());
    let text = format!(
        "select set_id, version, count(*) as codes, case when shipped then 'shipped' else 'loaded' end as origin, \
         min(source) as source from ({in_force}\n) group by set_id, version, shipped order by set_id"
    );
    carecoord_measures::compute::runtime()?.block_on(async {
        let frame = sql::query(&context, &text).await?;
        let schema = std::sync::Arc::new(frame.schema().as_arrow().clone());
        let failed =
            |error: datafusion::error::DataFusionError| LakeError::engine("the query failed", error.strip_backtrace());
        let batches = frame.collect().await.map_err(failed)?;
        output::rows(&schema, &batches, format, None)
    })?;
    Ok(ExitCode::SUCCESS)
}
