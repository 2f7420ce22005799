//! A lake opened for measuring: its groups of buckets in one session, with every prepared view that a run reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carecoord_lake::manifest::Manifest;
use carecoord_lake::snapshot::Snapshot;
use carecoord_lake::{files, sql};

use crate::compute::Options;
use crate::definition::{View, prepared_views, views_for, whole_views};
use crate::engine;
use crate::error::{MeasureError, Result};
use crate::groups::{groups, sharing};
use crate::span::Span;
use crate::spellings;
use crate::timings::{self, Timings};
use crate::workbench::{MEMORY_BYTES, Workbench, shipped};

/// A lake whose views are prepared.
pub struct PreparedLake {
    /// One for each group of buckets, in order.
    pub benches: Arc<Vec<Workbench>>,
    /// A session over all patients, which reads what the groups have prepared.
    all: Vec<Workbench>,
    /// The views of the groups.
    pub views: Vec<View>,
    /// What each step took so far.
    pub timings: Arc<Timings>,
    scratch: PathBuf,
}

impl PreparedLake {
    /// Opens a lake, in which one hospital gets one spelling, and prepares what the measures and work lists read, below `folder`.
    ///
    /// # Errors
    /// When the lake or a view is broken, or the disk refuses.
    pub async fn open(
        options: &Options<'_>,
        lake: &Snapshot,
        manifest: &Manifest,
        span: &Span,
        folder: &Path,
        lists: &[(String, String)],
    ) -> Result<Self> {
        let scratch = folder.join("scratch");
        files::create_folder(&scratch)?;
        let runtime = sql::runtime(MEMORY_BYTES, sharing(manifest), &scratch)?;
        let loaded = manifest.tables.iter().filter(|(_, entry)| entry.rows > 0).map(|(name, _)| name.clone());
        let loaded: BTreeSet<String> = loaded.collect();
        let shipped = shipped(&options.measures, &options.instruments)?;
        let timings = Arc::new(Timings::default());
        let begun = timings::begin();
        let groups = groups(manifest, options.buckets_at_once);
        let most = groups.iter().map(|buckets| buckets.end - buckets.start).max().unwrap_or(1);
        let session = sql::measuring_session(most, &runtime)?;
        sql::register_lake_in_groups(&session, lake, manifest, &groups)?;
        let benches =
            Workbench::open(engine::local(session)?, span, folder, groups.len(), loaded.clone(), &shipped, &timings)?;
        spellings::unify(&benches).await?;
        timings.end(begun, "open", "lake");

        let [views, whole] = views_read(options, lists);
        Workbench::prepare(&benches, &views, &BTreeMap::new(), options.progress).await?;
        let session = sql::measuring_session(manifest.buckets, &runtime)?;
        let all = Workbench::open(engine::local(session)?, span, folder, 1, loaded, &shipped, &timings)?;
        if let (Some(one), Some(of_all)) = (benches.first(), all.first()) {
            of_all.gather(one, &views).await?;
            Workbench::prepare(&all, &whole, &BTreeMap::new(), options.progress).await?;
            one.adopt(of_all, &whole).await?;
        }
        Ok(Self { benches: Arc::new(benches), all, views, timings, scratch })
    }

    /// One of the groups, for tables that every group has whole.
    ///
    /// # Errors
    /// When the lake has no group, which its manifest rules out.
    pub fn one(&self) -> Result<&Workbench> {
        self.benches.first().ok_or_else(|| MeasureError::engine("the lake", "it has no buckets"))
    }

    /// Ends the sessions. Returns the folder of what they spilled, and what the steps took.
    #[must_use]
    pub fn close(self) -> (PathBuf, Arc<Timings>) {
        let Self { benches, all, timings, scratch, .. } = self;
        drop((benches, all));
        (scratch, timings)
    }
}

/// The prepared views that a run reads: those of each group of buckets, and those of all patients.
fn views_read(options: &Options<'_>, lists: &[(String, String)]) -> [Vec<View>; 2] {
    let (of_groups, of_all) = (prepared_views(), whole_views());
    let every: Vec<View> = of_groups.iter().chain(&of_all).cloned().collect();
    let read = views_for(&every, &options.measures, lists);
    [of_groups, of_all]
        .map(|views| views.into_iter().filter(|view| read.iter().any(|read| read.name == view.name)).collect())
}
