//! Reading and writing small Parquet tables with Arrow: results, and what reports read.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::contract::Contract;
use crate::error::{LakeError, Result};
use crate::files;

/// The writer properties of every Parquet file that Arrow writes here: zstd, statistics, 128 Ki rows a group.
#[must_use]
pub fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(131_072))
        .set_created_by("carecoord".to_owned())
        .build()
}

/// The writer properties of large tables that are read whole: statistics only of the columns that are `searched`, since those of
/// millions of names cost time and help nobody, and differences in place of whole numbers that rise, those of `rising`.
#[must_use]
pub fn lean_properties(searched: &[&str], rising: &[&str]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(131_072))
        .set_created_by("carecoord".to_owned())
        .set_statistics_enabled(EnabledStatistics::None);
    for column in searched {
        properties = properties.set_column_statistics_enabled(ColumnPath::from(*column), EnabledStatistics::Chunk);
    }
    for column in rising {
        let column = ColumnPath::from(*column);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    properties.build()
}

/// A Parquet file that is written batch by batch: no more than one row group is held.
pub struct Writer {
    path: PathBuf,
    inner: ArrowWriter<File>,
}

impl Writer {
    /// Makes the file, which must not be there yet.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(path: &Path, schema: SchemaRef) -> Result<Self> {
        Self::create_with(path, schema, properties())
    }

    /// Makes the file, which must not be there yet, with properties of its own.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create_with(path: &Path, schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let file = files::create_file(path)?;
        let inner = ArrowWriter::try_new(file, schema, Some(properties)).map_err(|error| cannot_write(path, error))?;
        Ok(Self { path: path.to_owned(), inner })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When the batch does not fit the schema, or the system refuses.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.inner.write(batch).map_err(|error| cannot_write(&self.path, error))
    }

    /// Ends the file and syncs it. A file that is dropped before is no Parquet file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn finish(self) -> Result<()> {
        let file = self.inner.into_inner().map_err(|error| cannot_write(&self.path, error))?;
        files::sync_file(&file, &self.path)
    }
}

fn cannot_write(path: &Path, error: impl std::fmt::Display) -> LakeError {
    LakeError::engine(format!("cannot write {}", path.display()), error)
}

/// Writes batches of a contract's schema as one synced Parquet file.
///
/// # Errors
/// When a batch does not fit the schema, or the system refuses.
pub fn write(path: &Path, contract: &Contract, batches: &[RecordBatch]) -> Result<()> {
    let mut writer = Writer::create(path, contract.schema())?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()
}

/// Batches of any schema as the bytes of one Parquet file.
///
/// # Errors
/// When a batch does not fit the schema.
pub fn to_bytes(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let failed = |error: parquet::errors::ParquetError| LakeError::engine("cannot write Parquet", error);
    let mut writer = ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties())).map_err(failed)?;
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.into_inner().map_err(failed)
}

/// The Arrow schema of a Parquet file.
///
/// # Errors
/// When it is missing or broken.
pub fn schema(path: &Path) -> Result<SchemaRef> {
    let file = File::open(path).map_err(|error| LakeError::io("cannot read", path, error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| LakeError::engine(format!("cannot read {}", path.display()), error))?;
    Ok(SchemaRef::clone(reader.schema()))
}

/// Reads a whole Parquet file.
///
/// # Errors
/// When it is missing or broken.
pub fn read(path: &Path) -> Result<Vec<RecordBatch>> {
    batches(path)?.collect()
}

/// Some columns of a Parquet file, batch by batch.
///
/// # Errors
/// When it is missing or broken; a batch is an error where the file breaks off.
pub fn columns(path: &Path, names: &[&str]) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + use<>> {
    let file = File::open(path).map_err(|error| LakeError::io("cannot read", path, error))?;
    let context = format!("cannot read {}", path.display());
    let failed = |error: parquet::errors::ParquetError| LakeError::engine(context.clone(), error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let wanted = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
    let reader = builder.with_projection(wanted).with_batch_size(8_192).build().map_err(failed)?;
    Ok(reader.map(move |batch| batch.map_err(|error| LakeError::engine(context.clone(), error))))
}

/// The batches of a Parquet file one after the other, for tables that memory should not hold whole.
///
/// # Errors
/// When it is missing or broken; a batch is an error where the file breaks off.
pub fn batches(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let file = File::open(path).map_err(|error| LakeError::io("cannot read", path, error))?;
    let context = format!("cannot read {}", path.display());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| LakeError::engine(context.clone(), error))?;
    Ok(reader.map(move |batch| batch.map_err(|error| LakeError::engine(context.clone(), error))))
}
