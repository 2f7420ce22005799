//! The results table `unit`: what each measure says of the units of its cohort, beside these units. Its rows lie in two kinds of files
//! that have one order, `measure_unit` and `cohort_unit`, so that they are joined row by row while both are read, and neither is held.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

use crate::contract;
use crate::error::{LakeError, Result as LakeResult};
use crate::parquet_file;

/// The columns that say which measure a row is of, and which row of the cohort the unit is.
const MEASURE: &str = "measure_id";
const ROW: &str = "unit_row";
/// A small column, read where a query asks for none.
const SMALL: &str = "in_denominator";

/// What one measure says of one group of patients, and the units of its cohort in that group.
#[derive(Debug, Clone)]
struct Files {
    measure: String,
    measure_units: PathBuf,
    cohort_units: PathBuf,
}

/// The results table `unit` of a results snapshot.
#[derive(Debug)]
pub struct UnitView {
    schema: SchemaRef,
    files: Vec<Files>,
}

impl UnitView {
    /// Of the results in a folder.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub fn open(results: &Path) -> LakeResult<Self> {
        let cohorts = cohorts(results)?;
        let mut files = Vec::new();
        for path in crate::sql::files_of(&results.join("measure_unit"))? {
            let found =
                measure_and_group(&path).and_then(|(measure, group)| Some((measure, group, cohorts.get(measure)?)));
            let Some((measure, group, cohort)) = found else {
                let reason = "no measure of the results table measure has such a file";
                return Err(LakeError::engine(format!("cannot read {}", path.display()), reason));
            };
            let cohort_units = results.join("cohort_unit").join(format!("{cohort}-{group}.parquet"));
            files.push(Files { measure: measure.to_owned(), measure_units: path.clone(), cohort_units });
        }
        Ok(Self { schema: contract::result("unit")?.schema(), files })
    }

    /// The files that rows can come from which pass the filters.
    fn wanted(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<Files>> {
        let schema = Arc::new(Schema::new(vec![Field::new(MEASURE, DataType::Utf8View, true)]));
        let ids: ArrayRef = Arc::new(StringViewArray::from_iter_values(self.files.iter().map(|files| &files.measure)));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![ids])?;
        let mut wanted = vec![true; self.files.len()];
        for filter in filters.iter().filter(|filter| of_measure_alone(filter)) {
            let known = DFSchema::try_from(Schema::clone(&schema))?;
            let passes = state.create_physical_expr(without_table(filter.clone())?, &known)?.evaluate(&batch)?;
            let passes: BooleanArray = passes.into_array(batch.num_rows())?.as_boolean().clone();
            for (wanted, passes) in wanted.iter_mut().zip(&passes) {
                *wanted &= passes == Some(true);
            }
        }
        Ok(self.files.iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(files, _)| files.clone()).collect())
    }
}

/// The cohort of each measure.
fn cohorts(results: &Path) -> LakeResult<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for batch in parquet_file::read(&results.join("measure.parquet"))? {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_view_opt().cloned());
        let (Some(measures), Some(cohorts)) = (text(MEASURE), text("cohort")) else { continue };
        for (measure, cohort) in measures.iter().zip(&cohorts) {
            if let (Some(measure), Some(cohort)) = (measure, cohort) {
                found.insert(measure.to_owned(), cohort.to_owned());
            }
        }
    }
    Ok(found)
}

/// The measure and the group of patients that a file of `measure_unit` is of.
fn measure_and_group(path: &Path) -> Option<(&str, &str)> {
    path.file_stem()?.to_str()?.rsplit_once('-')
}

/// Whether a condition says something of the measure's id and of nothing else.
fn of_measure_alone(filter: &Expr) -> bool {
    let columns = filter.column_refs();
    !columns.is_empty() && columns.iter().all(|column| column.name == MEASURE) && !filter.is_volatile()
}

/// A condition whose columns are named without their table.
fn without_table(filter: Expr) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let found = filter.transform(|node| match node {
        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(datafusion::common::Column::from_name(column.name)))),
        node => Ok(Transformed::no(node)),
    })?;
    Ok(found.data)
}

#[async_trait]
impl TableProvider for UnitView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let of = |filter: &&Expr| {
            if of_measure_alone(filter) {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(of).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        let wanted = self.wanted(state, filters)?;
        let most = state.config().target_partitions().min(wanted.len()).max(1);
        let mut partitions = vec![Vec::new(); most];
        for (number, files) in wanted.into_iter().enumerate() {
            partitions[number % most].push(files);
        }
        let read = |files| Arc::new(Reading { schema: Arc::clone(&schema), files }) as Arc<dyn PartitionStream>;
        let partitions = partitions.into_iter().map(read).collect();
        Ok(Arc::new(StreamingTableExec::try_new(Arc::clone(&schema), partitions, None, [], false, None)?))
    }
}

/// Some of the files, read one after the other.
#[derive(Debug)]
struct Reading {
    schema: SchemaRef,
    files: Vec<Files>,
}

impl PartitionStream for Reading {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 2);
        let (out, schema, files) = (stream.tx(), Arc::clone(&self.schema), self.files.clone());
        stream.spawn_blocking(move || {
            for files in files {
                for batch in rows(&files, &schema)? {
                    if out.blocking_send(batch).is_err() {
                        // Nobody reads any more.
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        stream.build()
    }
}

fn failed(error: LakeError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The rows of a measure and a group of patients, in the columns of the schema.
fn rows(files: &Files, schema: &SchemaRef) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let says = contract::result("measure_unit").map_err(failed)?;
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let (mut said, mut of_unit): (Vec<&str>, Vec<&str>) = names.partition(|name| says.column(name).is_some());
    let mut units = None;
    if of_unit.is_empty() {
        if said.is_empty() {
            said.push(SMALL);
        }
    } else {
        said.push(ROW);
        of_unit.push(ROW);
        units = Some(Units {
            batches: parquet_file::columns(&files.cohort_units, &of_unit).map_err(failed)?,
            held: VecDeque::new(),
        });
    }
    let said = parquet_file::columns(&files.measure_units, &said).map_err(failed)?;
    let schema = Arc::clone(schema);
    Ok(said.map(move |batch| {
        let batch = batch.map_err(failed)?;
        let units = units.as_mut().map(|units| units.of(&batch)).transpose()?;
        let column = |field: &Arc<Field>| {
            let found = batch.column_by_name(field.name());
            let found = found.or_else(|| units.as_ref().and_then(|units| units.column_by_name(field.name())));
            found.cloned().ok_or_else(|| DataFusionError::Internal(format!("units have no column {}", field.name())))
        };
        let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?)
    }))
}

/// The units of a cohort and a group of patients, read as far as they are needed.
struct Units<I> {
    batches: I,
    /// Batches that rows may still be in, each with the row that it begins with.
    held: VecDeque<(i64, RecordBatch)>,
}

impl<I: Iterator<Item = LakeResult<RecordBatch>>> Units<I> {
    /// The units that rows of a measure are about. These come in the order of the units.
    fn of(&mut self, said: &RecordBatch) -> Result<RecordBatch> {
        let broken = || failed(LakeError::engine("the units of a measure", "a row of its cohort is not there"));
        let wanted = row_numbers(said).ok_or_else(broken)?;
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
        };
        let end = |(start, batch): &(i64, RecordBatch)| *start + i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        while self.held.front().is_some_and(|front| end(front) <= *first) {
            self.held.pop_front();
        }
        while self.held.back().is_none_or(|back| end(back) <= *last) {
            let batch = self.batches.next().ok_or_else(broken)?.map_err(failed)?;
            let start = row_numbers(&batch).and_then(|rows| rows.first().copied()).ok_or_else(broken)?;
            if end(&(start, batch.clone())) > *first {
                self.held.push_back((start, batch));
            }
        }
        let mut place = 0;
        let mut places = Vec::with_capacity(wanted.len());
        for row in wanted {
            while self.held.get(place).is_some_and(|held| end(held) <= row) {
                place += 1;
            }
            let start = self.held.get(place).map(|(start, _)| *start).ok_or_else(broken)?;
            places.push((place, usize::try_from(row - start).map_err(|_| broken())?));
        }
        let batches: Vec<&RecordBatch> = self.held.iter().map(|(_, batch)| batch).collect();
        Ok(interleave_record_batch(&batches, &places)?)
    }
}

fn row_numbers(batch: &RecordBatch) -> Option<Vec<i64>> {
    let rows = batch.column_by_name(ROW)?.as_primitive_opt::<Int64Type>()?;
    (rows.null_count() == 0).then(|| rows.values().to_vec())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, new_null_array};
    use arrow::util::pretty::pretty_format_batches;

    use super::*;
    use crate::sql;

    /// Writes rows of a results table, of which only some columns are not null.
    fn write(path: &Path, table: &str, columns: &[(&str, ArrayRef)]) {
        let contract = contract::result(table).expect("a table");
        let rows = columns[0].1.len();
        let arrays = contract.columns.iter().map(|column| {
            let given = columns.iter().find(|(name, _)| *name == column.name).map(|(_, array)| Arc::clone(array));
            given.unwrap_or_else(|| new_null_array(&column.kind.arrow(), rows))
        });
        let batch = RecordBatch::try_new(contract.schema(), arrays.collect()).expect("rows");
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        parquet_file::write(path, contract, &[batch]).expect("written");
    }

    fn texts(texts: impl IntoIterator<Item = String>) -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(texts))
    }

    fn numbers(rows: impl IntoIterator<Item = i64>) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows))
    }

    /// Two groups of a cohort of many units, and measures of which one is about every third and one about none.
    fn results(folder: &Path) {
        let names = || texts(["own.thirds", "own.none", "own.other"].map(str::to_owned));
        let cohorts = texts(["c", "c", "d"].map(str::to_owned));
        write(&folder.join("measure.parquet"), "measure", &[("measure_id", names()), ("cohort", cohorts)]);
        for (group, first, rows) in [("00", 0, 20_000), ("01", 20_000, 5)] {
            let all = || first..first + rows;
            write(
                &folder.join(format!("cohort_unit/c-{group}.parquet")),
                "cohort_unit",
                &[("unit_row", numbers(all())), ("unit_id", texts(all().map(|row| format!("u{row}"))))],
            );
            let thirds = || all().filter(|row| row % 3 == 0 && *row > 9_000);
            let adds: ArrayRef = Arc::new(Float64Array::from_iter_values(thirds().map(|row| row as f64)));
            let measure = texts(thirds().map(|_| "own.thirds".to_owned()));
            write(
                &folder.join(format!("measure_unit/own.thirds-{group}.parquet")),
                "measure_unit",
                &[("unit_row", numbers(thirds())), ("measure_id", measure), ("numerator", adds)],
            );
            write(
                &folder.join(format!("measure_unit/own.none-{group}.parquet")),
                "measure_unit",
                &[("unit_row", numbers([])), ("measure_id", texts([]))],
            );
        }
    }

    fn ask(folder: &Path, question: &str) -> Result<Vec<String>> {
        let scratch = tempfile::tempdir().expect("a folder");
        let runtime = sql::runtime(1 << 26, sql::Sharing::Free, scratch.path()).expect("a runtime");
        let context = sql::session(2, &runtime).expect("a session");
        let view = UnitView::open(folder).expect("a view");
        sql::register(&context, "results", "unit", Arc::new(view)).expect("registered");
        let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("threads");
        tokio.block_on(async {
            let batches = sql::read_only(&context, question).await?.collect().await?;
            let shown = pretty_format_batches(&batches)?.to_string();
            let lines = shown.lines().filter(|line| line.starts_with('|')).skip(1);
            Ok(lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
        })
    }

    #[test]
    fn every_row_of_a_measure_stands_beside_its_unit() {
        let folder = tempfile::tempdir().expect("a folder");
        results(folder.path());
        let rows = |question: &str| ask(folder.path(), question).expect("rows");
        assert_eq!(rows("select count(*) from results.unit"), ["| 3668 |"]);
        assert_eq!(
            rows(
                "select count(*) from results.unit where unit_id = concat('u', cast(cast(numerator as bigint) as varchar))"
            ),
            ["| 3668 |"]
        );
        assert_eq!(
            rows("select measure_id, max(numerator) from results.unit group by 1"),
            ["| own.thirds | 20004.0 |"]
        );
        assert_eq!(
            rows("select unit_id from results.unit where numerator > 19996 order by numerator"),
            ["| u19998 |", "| u20001 |", "| u20004 |"]
        );
        assert_eq!(rows("select count(*) from results.unit where measure_id in ('own.none', 'own.other')"), ["| 0 |"]);
        assert_eq!(rows("select count(*) from results.unit u where u.measure_id like 'own.t%' limit 1"), ["| 3668 |"]);
    }

    #[test]
    fn a_unit_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        results(folder.path());
        std::fs::rename(folder.path().join("cohort_unit/c-01.parquet"), folder.path().join("cohort_unit/c-00.parquet"))
            .expect("moved");
        let error = ask(folder.path(), "select unit_id from results.unit").expect_err("an error").to_string();
        assert!(error.contains("units of a measure") || error.contains("cannot read"), "{error}");
    }
}
