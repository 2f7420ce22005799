//! Names the damaged file where the lake or the results could not be read.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use carecoord_lake::LakeError;
use carecoord_lake::inventory::Depth;
use carecoord_lake::manifest::{Manifest, ResultsManifest};
use carecoord_lake::snapshot::Store;
use carecoord_measures::MeasureError;
use carecoord_pipeline::PipelineError;
use carecoord_reports::ReportError;

use crate::failure::Failure;

/// Does the work. Where an engine fails, or panics on bytes that it did not expect, every file of the project's snapshots in
/// force is compared with what was written: a damaged one is the better message.
pub fn named<T>(project: &Path, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let failure = match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(failure)) if !is_of_an_engine(&failure) => return Err(failure),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::Machine(of_ourselves()),
    };
    Err(damaged(project).map_or(failure, Failure::Lake))
}

/// What the last panic said, and where.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Panics print nothing by themselves: each becomes an error with a sentence, or the work goes on without what failed.
pub fn keep_panics_quiet() {
    panic::set_hook(Box::new(|info| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string().replace('\n', " ");
    }));
}

/// The message of a panic, which is a fault of this program and of nobody else.
pub fn of_ourselves() -> String {
    let said = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    format!("carecoord failed where it should not ({said}); please report the command and this message")
}

fn is_of_an_engine(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Lake(LakeError::Engine { .. })
            | Failure::Measure(MeasureError::Engine { .. } | MeasureError::Lake(LakeError::Engine { .. }))
            | Failure::Pipeline(PipelineError::Engine { .. } | PipelineError::Lake(LakeError::Engine { .. }))
            | Failure::Report(ReportError::Lake(LakeError::Engine { .. }))
    )
}

fn damaged(project: &Path) -> Option<LakeError> {
    let lake = Store::lake(project)
        .current_if_any()
        .and_then(|lake| lake.map_or(Ok(()), |lake| Manifest::read_to(&lake, Depth::Bytes).map(|_| ())));
    let results = Store::results(project).current_if_any().and_then(|results| {
        results.map_or(Ok(()), |results| ResultsManifest::read_to(&results, Depth::Bytes).map(|_| ()))
    });
    lake.err().or(results.err()).filter(|error| matches!(error, LakeError::Damaged { .. }))
}
