//! What the month before released: whoever keeps last month's release knows it still.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Float64Type};
use carecoord_lake::manifest::{MANIFEST, ResultsManifest};
use carecoord_lake::snapshot::{Snapshot, Store};
use carecoord_lake::{LakeError, parquet_file};
use jiff::civil::Date;

use crate::error::Result;
use crate::several_sums::{Before, place};
use crate::span::date_of;
use crate::suppression::Disclosure;
use crate::workbench::text_at;

/// The final cells that the newest results of an earlier month show, by measure, of those that could be released: those with linear
/// disclosure. A run that is repeated replaces what it published,
/// so results of the same month do not count. Those of another version of this program are passed over: their cells may have been
/// counted in another way. An earlier version wrote no manifest.
///
/// # Errors
/// When a file of such results is not the one that was written.
pub fn published(store: &Store, month: Date) -> Result<HashMap<String, Before>> {
    for snapshot in store.list()?.iter().rev() {
        if !snapshot.path.join(MANIFEST).exists() || released_month(snapshot)?.is_none_or(|other| other >= month) {
            continue;
        }
        match ResultsManifest::read(snapshot) {
            Ok(_) => return read(snapshot),
            Err(LakeError::Manifest { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(HashMap::new())
}

/// The month that results report, where they could be released.
fn released_month(snapshot: &Snapshot) -> Result<Option<Date>> {
    let batches = parquet_file::read(&snapshot.path.join("run.parquet"))?;
    let column = |name: &str| batches.first().and_then(|batch| batch.column_by_name(name));
    let options = column("options").and_then(|options| text_at(options, 0)).unwrap_or_default();
    let options: serde_json::Value = serde_json::from_str(&options).unwrap_or_default();
    if options["disclosure"] != Disclosure::Linear.word() {
        return Ok(None);
    }
    let months = column("report_month").and_then(|column| column.as_primitive_opt::<Date32Type>());
    Ok(months.filter(|months| !months.is_empty()).map(|months| date_of(months.value(0))))
}

fn read(snapshot: &Snapshot) -> Result<HashMap<String, Before>> {
    let mut found: HashMap<String, Before> = HashMap::new();
    for batch in parquet_file::batches(&snapshot.path.join("rate.parquet"))? {
        add(&mut found, &batch?);
    }
    Ok(found)
}

/// Adds the final cells of a batch whose counts are shown, also where their value is not reached; a batch without the columns has none.
fn add(found: &mut HashMap<String, Before>, batch: &RecordBatch) -> Option<()> {
    let numbers = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Float64Type>();
    let (numerators, denominators) = (numbers("numerator")?, numbers("denominator")?);
    let (measures, states) = (batch.column_by_name("measure_id")?, batch.column_by_name("state")?);
    let maturities = batch.column_by_name("maturity")?;
    let mut parts = Vec::new();
    for name in ["period_kind", "period", "level", "level_id", "stratum_kind", "stratum"] {
        parts.push(batch.column_by_name(name)?);
    }
    for row in 0..batch.num_rows() {
        let hidden = text_at(states, row).is_none_or(|state| state == "suppressed") || numerators.is_null(row);
        if hidden || text_at(maturities, row).is_none_or(|maturity| maturity != "final") {
            continue;
        }
        let of_cell: Vec<String> = parts.iter().map(|part| text_at(part, row).unwrap_or_default()).collect();
        let counts = (numerators.value(row), denominators.value(row));
        found.entry(text_at(measures, row)?).or_default().insert(place(&of_cell), counts);
    }
    Some(())
}
