//! The units of measures, with the patients whom they are about: the results table `unit`, opened for subject lists alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use carecoord_lake::LakeError;
use jiff::civil::Date;

use super::table::{Row, Table};
use crate::error::Result;

/// Name of the table, and of the folder of its files.
const UNIT: &str = "unit";

/// The files of the table by measure: `unit/<measure>-<group>.parquet`.
#[derive(Debug)]
pub struct Units {
    files: BTreeMap<String, Vec<PathBuf>>,
}

/// A unit that a value counts.
#[derive(Debug)]
pub struct Unit {
    /// Empty where the unit is about nobody.
    pub patient: String,
    pub in_numerator: bool,
    pub numerator: f64,
    pub denominator: f64,
}

impl Units {
    /// Lists the files of a results folder; reads none.
    ///
    /// # Errors
    /// When the folder is not there, or the system refuses.
    pub fn open(results: &Path) -> Result<Self> {
        let folder = results.join(UNIT);
        let failed = |error| LakeError::io("cannot read the units of measures in", &folder, error);
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Some(measure) = entry.file_name().to_str().and_then(measure_of) {
                files.entry(measure.to_owned()).or_default().push(entry.path());
            }
        }
        Ok(Self { files })
    }

    /// The units of a measure that a final value of the months from `first` to `last` counts, by patient: the order of the
    /// files depends on how they were computed.
    ///
    /// # Errors
    /// When a file is broken or lacks a column.
    pub fn counted(&self, measure_id: &str, first: Date, last: Date) -> Result<Vec<Unit>> {
        let mut units = Vec::new();
        for path in self.files.get(measure_id).into_iter().flatten() {
            let rows = Table::open(path, UNIT)?.rows_kept(|row| {
                let within = row.date_if_any("period")?.is_some_and(|month| (first..=last).contains(&month));
                if within && row.text("measure_id")? == measure_id { counted(row) } else { Ok(None) }
            })?;
            units.extend(rows);
        }
        units
            .sort_by(|one: &Unit, other| (&one.patient, !one.in_numerator).cmp(&(&other.patient, !other.in_numerator)));
        Ok(units)
    }
}

/// The measure whose units a file holds.
fn measure_of(name: &str) -> Option<&str> {
    let (measure, group) = name.strip_suffix(".parquet")?.rsplit_once('-')?;
    group.bytes().all(|byte| byte.is_ascii_digit()).then_some(measure)
}

/// The unit, where the value counts it. Maturity plays no part: a period in which a unit is not mature is not final.
fn counted(row: &Row) -> Result<Option<Unit>> {
    let in_numerator = row.boolean_if_any("in_numerator")?.unwrap_or(false);
    let excepted = !in_numerator && !row.text("exception_reason")?.is_empty();
    if excepted || !row.boolean("in_denominator")? {
        return Ok(None);
    }
    Ok(Some(Unit {
        patient: row.text("patient_id")?,
        in_numerator,
        numerator: row.number("numerator")?.unwrap_or(0.0),
        denominator: row.number("denominator")?.unwrap_or(0.0),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_measure() {
        assert_eq!(measure_of("readmission.unplanned_30-00.parquet"), Some("readmission.unplanned_30"));
        assert_eq!(measure_of("own-measure-12.parquet"), Some("own-measure"));
        assert_eq!(measure_of("readmission.unplanned_30.parquet"), None);
        assert_eq!(measure_of("own-measure.parquet"), None);
    }
}
