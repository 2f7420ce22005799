//! The whole way from lake to results: groups of buckets, prepared views, units, sums, rates, disclosure, judgement. Published as one
//! snapshot.

use std::path::Path;

use carecoord_lake::files;
use carecoord_lake::manifest::{Manifest, ResultsManifest};
use carecoord_lake::snapshot::{Snapshot, Store};
use jiff::civil::Date;

use crate::definition::{Measure, worklists_of};
use crate::error::{MeasureError, Result};
use crate::instrument::Instrument;
use crate::measuring::{Protection, Running};
use crate::organizations::{names, sites_of_targets, tree};
use crate::prepared_lake::PreparedLake;
use crate::result_tables::{RateWriters, Tables};
use crate::signals::Settings;
use crate::span::{Span, span_of};
use crate::suppression::Disclosure;
use crate::timings::{self, Timing};
use crate::{atlas, caseload, feeds, groups, preparations, result_tables, run_row, support, worklists};

/// What to compute and how.
pub struct Options<'a> {
    /// Project folder.
    pub project: &'a Path,
    /// Measures.
    pub measures: Vec<Measure>,
    /// Survey instruments.
    pub instruments: Vec<Instrument>,
    /// Any day of the month to report; the last whole month before the extract date unless stated.
    pub report_month: Option<Date>,
    /// Months measured, the report month included.
    pub months: i64,
    /// Counts from 1 to one less are suppressed.
    pub suppress_below: u64,
    /// What is ruled out beside them.
    pub disclosure: Disclosure,
    /// What charts are made with.
    pub charts: Settings,
    /// Buckets of patients measured together; chosen by the lake's size unless stated. Results do not depend on it:
    /// fewer need less memory.
    pub buckets_at_once: Option<u32>,
    /// Told what is being done.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The published results.
    pub snapshot: Snapshot,
    /// What was measured.
    pub span: Span,
    /// Ids of the measures computed.
    pub computed: Vec<String>,
    /// Measures that the data cannot support, with the reason.
    pub refused: Vec<(String, String)>,
    /// What each step took.
    pub timings: Vec<Timing>,
}

/// Computes and publishes.
///
/// # Errors
/// When there is no lake, a definition is broken, or the machine refuses. A measure that the data cannot support is no
/// error: it is refused with its reason.
pub fn compute(options: &Options<'_>) -> Result<Outcome> {
    runtime()?.block_on(run(options))
}

/// A runtime for DataFusion with a thread for each core.
///
/// # Errors
/// When the system refuses threads.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        // Expressions are evaluated a level deeper for each of their operators; only what is used is taken from the machine.
        .thread_stack_size(64 << 20)
        .build()
        .map_err(|error| MeasureError::engine("cannot start threads", error))
}

async fn run(options: &Options<'_>) -> Result<Outcome> {
    let lake = Store::lake(options.project).current()?;
    let manifest = Manifest::read(&lake)?;
    let span = span_of(&manifest, options.report_month, options.months)?;
    let protection = Protection::new(options, &span)?;
    let draft = Store::results(options.project).begin()?;
    let lists = worklists_of(&options.measures);
    let opened = PreparedLake::open(options, &lake, &manifest, &span, draft.path(), &lists).await?;
    let (benches, timings) = (&opened.benches, &opened.timings);
    sites_of_targets(opened.one()?, &options.charts).await?;
    let mut tables = Tables::default();
    let support::Supported { wanted, refused } = support::supported(options, benches, &manifest, &mut tables).await?;

    let names = names(opened.one()?).await?;
    let at_once = groups::at_once(&manifest);
    let mut running =
        Running::new(&span, benches, names, tree(opened.one()?).await?, protection, at_once, timings).await?;
    running.start(wanted);
    let mut writers = RateWriters::create(draft.path())?;
    let mut computed = Vec::new();
    let mut has_data: Vec<(String, bool)> = refused.iter().map(|(id, _)| (id.clone(), false)).collect();
    while let Some(pass) = running.next(options.progress).await? {
        for measured in pass {
            has_data.push((measured.measure.id.clone(), measured.has_data_now(&span)));
            computed.push(measured.measure.id.clone());
            if let Err(error) = tables.add(measured, &span, &mut writers, &running.names, options) {
                running.stop().await;
                return Err(error);
            }
        }
    }

    let begun = timings::begin();
    tables.preparations = preparations::preparations(benches, &opened.views).await?;
    let (worklists, left_out) = worklists::worklists(benches, &lists).await?;
    tables.worklists = worklists;
    tables.preparations.extend(left_out);
    tables.caseload = caseload::caseload(benches, &running.names, options.suppress_below).await?;
    tables.coverage = atlas::coverage(&has_data)?;
    tables.feed_months = feeds::rows(benches, &manifest, options.suppress_below).await?;
    timings.end(begun, "lists", "all");

    (options.progress)("writing results");
    writers.finish()?;
    let identity = run_row::identity(options, &lake, &span);
    tables.write(draft.path(), run_row::run_row(options, &manifest, &lake, &span, &identity), &manifest)?;
    drop(running);
    let (scratch, timings) = opened.close();
    files::remove_folder(&scratch)?;
    let timings = timings.list();
    result_tables::write(draft.path(), "timing", &timings::rows(&timings))?;
    let manifest = ResultsManifest::write(&draft, &identity)?;
    let snapshot = draft.publish(&manifest)?;
    Ok(Outcome { snapshot, span, computed, refused, timings })
}
