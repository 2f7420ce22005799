//! Accepted rows on their way into buckets: in memory while they are few, on disk beside the draft when they are many.

use std::path::{Path, PathBuf};

use carecoord_lake::files;
use polars::prelude::*;

use crate::error::{PipelineError, Result};

/// Bytes of accepted rows that may wait in memory.
const MEMORY_BYTES: usize = 96 << 20;

/// The buckets of one table.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    buckets: Vec<Bucket>,
    bytes: usize,
    all_bytes: usize,
    files: usize,
}

#[derive(Debug, Default)]
struct Bucket {
    frames: Vec<DataFrame>,
    files: Vec<PathBuf>,
}

/// The bucket of a key: FNV-1a (Fowler, Noll, Vo), finished by the mixing step of MurmurHash3 (Appleby, `fmix64`),
/// because ids that differ in their last digits alone would crowd into few buckets. It must never change, or a lake
/// would hold one patient in two buckets.
#[must_use]
pub fn bucket_of(key: &str, buckets: u32) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in key.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    hash ^= hash >> 33;
    u32::try_from(hash % u64::from(buckets.max(1))).unwrap_or(0)
}

impl Spill {
    /// Empty buckets that spill into `folder`.
    #[must_use]
    pub fn new(folder: &Path, buckets: u32) -> Self {
        let buckets = (0..buckets).map(|_| Bucket::default()).collect();
        Self { folder: folder.to_owned(), buckets, bytes: 0, all_bytes: 0, files: 0 }
    }

    /// Spreads rows over the buckets by the text column `key`; all go to the first bucket without one.
    ///
    /// # Errors
    /// When Polars or the disk refuses.
    pub fn push(&mut self, rows: DataFrame, key: Option<&str>) -> Result<()> {
        let engine = |error: PolarsError| PipelineError::engine("cannot spread rows over buckets", error);
        if rows.height() == 0 {
            return Ok(());
        }
        let size = rows.estimated_size();
        self.bytes += size;
        self.all_bytes += size;
        let count = self.buckets.len();
        if let (Some(key), true) = (key, count > 1) {
            let number = u32::try_from(count).unwrap_or(u32::MAX);
            let mut places: Vec<Vec<IdxSize>> = vec![Vec::new(); count];
            let keys = rows.column(key).and_then(Column::str).map_err(engine)?;
            for (row, value) in (0..).zip(keys.iter()) {
                places[bucket_of(value.unwrap_or_default(), number) as usize].push(row);
            }
            for (bucket, places) in self.buckets.iter_mut().zip(places) {
                if !places.is_empty() {
                    let places = IdxCa::from_vec(PlSmallStr::EMPTY, places);
                    bucket.frames.push(rows.take(&places).map_err(engine)?);
                }
            }
        } else if let Some(bucket) = self.buckets.first_mut() {
            bucket.frames.push(rows);
        }
        if self.bytes > MEMORY_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        files::create_folder(&self.folder)?;
        for bucket in &mut self.buckets {
            let Some(mut rows) = concat_frames(std::mem::take(&mut bucket.frames))? else { continue };
            self.files += 1;
            let path = self.folder.join(format!("{}.parquet", self.files));
            let file = files::create_file(&path)?;
            ParquetWriter::new(file)
                .with_compression(ParquetCompression::Lz4Raw)
                .with_statistics(StatisticsOptions::empty())
                .finish(&mut rows)
                .map_err(|error| PipelineError::engine(format!("cannot write {}", path.display()), error))?;
            bucket.files.push(path);
        }
        self.bytes = 0;
        Ok(())
    }

    /// Bytes of a bucket in memory, on average.
    #[must_use]
    pub fn bucket_bytes(&self) -> usize {
        self.all_bytes / self.buckets.len().max(1)
    }

    /// Whether nothing was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.iter().all(|bucket| bucket.frames.is_empty() && bucket.files.is_empty())
    }

    /// The rows of each bucket, in the order pushed, each to be read once.
    #[must_use]
    pub fn into_buckets(self) -> Vec<SpilledBucket> {
        self.buckets.into_iter().map(|bucket| SpilledBucket { frames: bucket.frames, files: bucket.files }).collect()
    }
}

/// The rows of one bucket.
#[derive(Debug)]
pub struct SpilledBucket {
    frames: Vec<DataFrame>,
    files: Vec<PathBuf>,
}

impl SpilledBucket {
    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.files.is_empty()
    }

    /// All rows as one frame; none for an empty bucket.
    ///
    /// # Errors
    /// When Polars or the disk refuses.
    pub fn read(self) -> Result<Option<DataFrame>> {
        let mut frames = Vec::new();
        for path in &self.files {
            frames.push(read_parquet(path)?);
            // A spilled file is read once; its space is wanted for the lake.
            let _ = std::fs::remove_file(path);
        }
        frames.extend(self.frames);
        concat_frames(frames)
    }
}

/// Reads a whole Parquet file.
///
/// # Errors
/// When it is missing or broken.
pub fn read_parquet(path: &Path) -> Result<DataFrame> {
    let file = std::fs::File::open(path).map_err(|error| PipelineError::read(path, error))?;
    ParquetReader::new(file)
        .finish()
        .map_err(|error| PipelineError::engine(format!("cannot read {}", path.display()), error))
}

/// Joins frames of one schema below one another; none for no frames.
///
/// # Errors
/// When the schemas differ.
pub fn concat_frames(frames: Vec<DataFrame>) -> Result<Option<DataFrame>> {
    let mut frames = frames.into_iter();
    let Some(mut all) = frames.next() else { return Ok(None) };
    for frame in frames {
        all.vstack_mut(&frame).map_err(|error| PipelineError::engine("cannot join rows", error))?;
    }
    all.rechunk_mut();
    Ok(Some(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_kind_spread_over_all_buckets() {
        let makes: [fn(u32) -> String; 3] =
            [|number| format!("P{number:07}"), |number| number.to_string(), |number| format!("{number:x}-0000")];
        for make in makes {
            let mut counts = [0_u32; 16];
            for number in 0..8_000 {
                counts[bucket_of(&make(number), 16) as usize] += 1;
            }
            assert!(counts.iter().all(|count| (400..600).contains(count)), "{counts:?}");
        }
    }

    #[test]
    fn a_bucket_never_changes() {
        let found: Vec<u32> = ["", "a", "P0000001", "\u{e9}"].iter().map(|key| bucket_of(key, 8)).collect();
        assert_eq!(found, BUCKETS_OF_OLD);
    }

    /// What lakes on disk were made with.
    const BUCKETS_OF_OLD: [u32; 4] = [6, 3, 3, 3];
}
