//! Groups of buckets: which buckets of a lake are measured together, and how much of that at once.

use std::ops::Range;

use carecoord_lake::manifest::{Manifest, TableEntry};
use carecoord_lake::sql::Sharing;

/// Rows of tables about patients that are measured together, unless one bucket alone has more.
const ROWS_AT_ONCE: u64 = 4_000_000;
/// Rows of `survey_response` count so many times: each questionnaire meets all items of its instrument, so that three groups of a
/// million questionnaires needed 2.2 GB, and eight need 1.6 GB.
const ANSWERS_WEIGH: u64 = 2;
/// Buckets that are measured together at the most: more partitions only divide the memory.
const BUCKETS_AT_ONCE: u32 = 8;
/// The same for lakes of more than [`ROWS_FOR_SEVERAL`] rows, where each of the sorts and joins of each partition gets an equal share
/// of the memory.
const FEW_BUCKETS_AT_ONCE: u32 = 4;
/// Rows of a lake that fits into memory: several of its passes are counted at once.
const ROWS_FOR_SEVERAL: u64 = 2_000_000;
/// So many passes at the most.
const PASSES_AT_ONCE: usize = 4;
/// Cohorts of a lake that fits into memory.
const COHORTS_AT_ONCE: usize = 64;

fn rows_of(manifest: &Manifest) -> u64 {
    manifest.tables.values().map(|entry| entry.rows).sum()
}

/// How the memory of a session is divided among what needs it.
#[must_use]
pub fn sharing(manifest: &Manifest) -> Sharing {
    if rows_of(manifest) > ROWS_FOR_SEVERAL { Sharing::Equal } else { Sharing::Free }
}

/// How much of a run is done at the same time.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce {
    /// Cohorts that are measured.
    pub cohorts: usize,
    /// Passes that are counted.
    pub passes: usize,
    /// Passes of a cohort whose rates are made.
    pub rates: usize,
}

/// Where a lake is small, most of the time goes into planning, which uses one core; where it is large, each pass uses all cores and
/// the memory that there is.
#[must_use]
pub fn at_once(manifest: &Manifest) -> AtOnce {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(PASSES_AT_ONCE);
    let small = rows_of(manifest) <= ROWS_FOR_SEVERAL;
    AtOnce { cohorts: if small { COHORTS_AT_ONCE } else { 1 }, passes: if small { cores } else { 1 }, rates: cores }
}

/// Buckets measured together. All rows of a patient lie in the same bucket of every table, so no measure needs two
/// groups at once, and the memory that joins need is that of a group, not of the lake.
pub fn groups(manifest: &Manifest, at_once: Option<u32>) -> Vec<Range<u32>> {
    let rows = |bucket: u32| -> u64 {
        let of_table = |(name, table): (&String, &TableEntry)| -> u64 {
            let rows: u64 = table.files.iter().filter(|file| file.bucket == bucket).map(|file| file.rows).sum();
            rows * if name == "survey_response" { ANSWERS_WEIGH } else { 1 }
        };
        manifest.tables.iter().map(of_table).sum()
    };
    let fitting = if rows_of(manifest) > ROWS_FOR_SEVERAL { FEW_BUCKETS_AT_ONCE } else { BUCKETS_AT_ONCE };
    let most = at_once.unwrap_or(fitting).max(1);
    let mut groups = Vec::new();
    let (mut start, mut held) = (0, 0);
    for bucket in 0..manifest.buckets {
        let rows = rows(bucket);
        if bucket > start && (bucket - start == most || held + rows > ROWS_AT_ONCE) {
            groups.push(start..bucket);
            (start, held) = (bucket, 0);
        }
        held += rows;
    }
    groups.push(start..manifest.buckets);
    groups
}
