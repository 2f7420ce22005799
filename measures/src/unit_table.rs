//! Units as rows of the results table `unit`: kept by code while they come, put in order, and named when they are written.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, StringViewArray, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, UInt32Type};
use carecoord_lake::contract::{self, Contract};
use carecoord_lake::files;
use carecoord_lake::parquet_file::Writer;

use crate::calendar::first_of_month;
use crate::completion::{OwnTexts, SPLITS, Units, dictionary};
use crate::definition::{Measure, StoreUnits};
use crate::error::{MeasureError, Result};
use crate::people::{Dictionaries, People};

/// Rows that are named and written together.
const ROWS_AT_ONCE: usize = 65_536;

/// The units of a measure and a group of buckets that are kept.
#[derive(Debug, Default)]
pub struct UnitTable(Vec<RecordBatch>);

fn failed(error: arrow::error::ArrowError) -> MeasureError {
    MeasureError::engine("the units", error)
}

impl UnitTable {
    /// Keeps the units that are of one of the measures of a pass, or those of them with an event.
    ///
    /// # Errors
    /// When columns differ in length, which completion rules out.
    pub fn keep(&mut self, units: &Units, measure: u32, which: StoreUnits) -> Result<()> {
        let batch = units.batch()?;
        let own = units.measure.values().iter().all(|of| *of == measure);
        let batch = match which {
            StoreUnits::All if own => batch,
            _ => {
                let kept = |row: usize| {
                    let event = units.in_numerator.is_valid(row) && units.in_numerator.value(row);
                    units.measure.value(row) == measure && (which == StoreUnits::All || event)
                };
                let kept: BooleanArray = (0..units.len()).map(|row| Some(kept(row))).collect();
                filter_record_batch(&batch, &kept).map_err(failed)?
            }
        };
        if batch.num_rows() > 0 {
            self.0.push(batch);
        }
        Ok(())
    }

    /// All rows in order of patient, index date and unit, named: in the columns of the contract, a part after the other.
    fn named<'a>(
        &self,
        contract: &'a Contract,
        measure: &'a Measure,
        people: &People,
        names: &'a Dictionaries,
        own: &'a OwnTexts,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + 'a> {
        let all = concat_batches(&Units::schema(), &self.0).map_err(failed)?;
        let order = in_order(&all, people);
        let starts = (0..order.len()).step_by(ROWS_AT_ONCE);
        Ok(starts.map(move |start| {
            let part = order.slice(start, ROWS_AT_ONCE.min(order.len() - start));
            let rows = take_record_batch(&all, &part).map_err(failed)?;
            named(contract, &rows, measure, names, own)
        }))
    }

    /// The rows as batches of the results table `unit`.
    ///
    /// # Errors
    /// When a column cannot be brought into the contract's type.
    pub fn batches(
        &self,
        measure: &Measure,
        people: &People,
        names: &Dictionaries,
        own: &OwnTexts,
    ) -> Result<Vec<RecordBatch>> {
        self.named(contract::result("unit")?, measure, people, names, own)?.collect()
    }

    /// Writes the rows as one file, and says how many they are.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(
        &self,
        path: &Path,
        measure: &Measure,
        people: &People,
        names: &Dictionaries,
        own: &OwnTexts,
    ) -> Result<u64> {
        if let Some(folder) = path.parent() {
            files::create_folder(folder)?;
        }
        let contract = contract::result("unit")?;
        let mut out = Writer::create(path, contract.schema())?;
        for batch in self.named(contract, measure, people, names, own)? {
            out.write(&batch?)?;
        }
        out.finish()?;
        Ok(self.0.iter().map(|batch| batch.num_rows() as u64).sum())
    }
}

/// The places of rows in order of patient, index date and unit; empty values come last.
fn in_order(all: &RecordBatch, people: &People) -> UInt32Array {
    let text = |place: usize| all.column(place).as_string_view();
    let (unit, patient) = (text(0), text(1));
    let person = all.column(2).as_primitive::<UInt32Type>();
    let date = all.column(3).as_primitive::<Date32Type>();
    let key = |row: usize| {
        let of_person =
            if patient.is_valid(row) { people.order(person.value(row), patient.value(row)) } else { u64::MAX };
        let day = if date.is_valid(row) { i64::from(date.value(row)) } else { i64::MAX };
        (of_person, day)
    };
    let mut order: Vec<((u64, i64), u32)> = (0..all.num_rows()).map(key).zip(0..).collect();
    order.sort_unstable_by(|(one, row), (other, of)| {
        one.cmp(other)
            // Patients that nothing is known of share a place.
            .then_with(|| {
                if one.0 % 2 == 0 {
                    nulls_last(patient, *row).cmp(&nulls_last(patient, *of))
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .then_with(|| nulls_last(unit, *row).cmp(&nulls_last(unit, *of)))
            .then(row.cmp(of))
    });
    order.into_iter().map(|(_, row)| row).collect()
}

fn nulls_last(texts: &StringViewArray, row: u32) -> (bool, &str) {
    let row = row as usize;
    if texts.is_valid(row) { (false, texts.value(row)) } else { (true, "") }
}

/// Rows of [`Units::batch`] in the columns of the contract.
fn named(
    contract: &Contract,
    rows: &RecordBatch,
    measure: &Measure,
    names: &Dictionaries,
    own: &OwnTexts,
) -> Result<RecordBatch> {
    let find =
        |name: &str| rows.column_by_name(name).map(Arc::clone).ok_or_else(|| MeasureError::engine("the units", name));
    let codes = |name: &str| Ok::<_, MeasureError>(find(name)?.as_primitive::<UInt32Type>().values().to_vec());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(contract.columns.len());
    for column in &contract.columns {
        let name = column.name.as_str();
        let split = SPLITS.iter().position(|split| *split == name.strip_suffix("_id").unwrap_or(name));
        let array: ArrayRef = match name {
            "measure_id" => {
                Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(&measure.id, rows.num_rows())))
            }
            "period" => {
                Arc::new(find("index_date")?.as_primitive::<Date32Type>().unary::<_, Date32Type>(first_of_month)
                    as Date32Array)
            }
            "exclusion_reason" => own.reasons.column(&codes("exclusion")?),
            "exception_reason" => own.reasons.column(&codes("exception")?),
            "component" => own.components.column(&codes("component")?),
            "payer_id" => names.payer.column(&codes("payer")?),
            _ => match split {
                Some(split) => dictionary(split, names, own).column(&codes(SPLITS[split])?),
                None => find(name)?,
            },
        };
        arrays.push(array);
    }
    debug_assert!(arrays.iter().all(|array| array.data_type() != &DataType::UInt32));
    RecordBatch::try_new(contract.schema(), arrays).map_err(failed)
}
