//! The units of measures, with the patients whom they are about: the results tables `measure_unit` and `cohort_unit`, opened for subject
//! lists alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use carecoord_lake::LakeError;
use jiff::civil::Date;

use super::table::{Row, Table};
use crate::error::Result;

/// Names of the tables, and of the folders of their files.
const MEASURE_UNIT: &str = "measure_unit";
const COHORT_UNIT: &str = "cohort_unit";

/// The files of units by measure: `measure_unit/<measure>-<group>.parquet` and `cohort_unit/<cohort>-<group>.parquet`.
#[derive(Debug)]
pub struct Units {
    results: PathBuf,
    /// The cohort of each measure.
    cohorts: BTreeMap<String, String>,
    /// The groups of patients whose units were kept, by measure.
    groups: BTreeMap<String, Vec<String>>,
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
    /// Lists the files of a results folder; reads none of them.
    ///
    /// # Errors
    /// When the folder is not there, or the system refuses.
    pub fn open(results: &Path) -> Result<Self> {
        let folder = results.join(MEASURE_UNIT);
        let failed = |error| LakeError::io("cannot read the units of measures in", &folder, error);
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Some((measure, group)) = entry.file_name().to_str().and_then(measure_and_group) {
                groups.entry(measure.to_owned()).or_default().push(group.to_owned());
            }
        }
        let cohorts =
            Table::read(results, "measure")?.rows(|row| Ok((row.text("measure_id")?, row.text("cohort")?)))?;
        Ok(Self { results: results.to_owned(), cohorts: cohorts.into_iter().collect(), groups })
    }

    /// The units of a measure that a final value of the months from `first` to `last` counts, by patient: the order of the
    /// files depends on how they were computed.
    ///
    /// # Errors
    /// When a file is broken or lacks a column.
    pub fn counted(&self, measure_id: &str, first: Date, last: Date) -> Result<Vec<Unit>> {
        let mut units = Vec::new();
        let Some(cohort) = self.cohorts.get(measure_id) else { return Ok(units) };
        for group in self.groups.get(measure_id).into_iter().flatten() {
            let path = |table: &str, name: &str| self.results.join(table).join(format!("{name}-{group}.parquet"));
            // The patients of the units of these months, by row of the cohort.
            let patients = Table::open(&path(COHORT_UNIT, cohort), COHORT_UNIT)?.rows_kept(|row| {
                let within = row.date_if_any("period")?.is_some_and(|month| (first..=last).contains(&month));
                Ok(if within { Some((row.required_integer("unit_row")?, row.text("patient_id")?)) } else { None })
            })?;
            let patients: BTreeMap<i64, String> = patients.into_iter().collect();
            let found = Table::open(&path(MEASURE_UNIT, measure_id), MEASURE_UNIT)?.rows_kept(|row| {
                let own = row.text("measure_id")? == measure_id;
                let patient = patients.get(&row.required_integer("unit_row")?).filter(|_| own);
                patient.map_or(Ok(None), |patient| counted(row, patient))
            })?;
            units.extend(found);
        }
        units
            .sort_by(|one: &Unit, other| (&one.patient, !one.in_numerator).cmp(&(&other.patient, !other.in_numerator)));
        Ok(units)
    }
}

/// The measure and the group of patients that a file is of.
fn measure_and_group(name: &str) -> Option<(&str, &str)> {
    let (measure, group) = name.strip_suffix(".parquet")?.rsplit_once('-')?;
    group.bytes().all(|byte| byte.is_ascii_digit()).then_some((measure, group))
}

/// The unit, where the value counts it. Maturity plays no part: a period in which a unit is not mature is not final.
fn counted(row: &Row, patient: &str) -> Result<Option<Unit>> {
    let in_numerator = row.boolean_if_any("in_numerator")?.unwrap_or(false);
    let excepted = !in_numerator && !row.text("exception_reason")?.is_empty();
    if excepted || !row.boolean("in_denominator")? {
        return Ok(None);
    }
    Ok(Some(Unit {
        patient: patient.to_owned(),
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
        assert_eq!(measure_and_group("readmission.unplanned_30-00.parquet"), Some(("readmission.unplanned_30", "00")));
        assert_eq!(measure_and_group("own-measure-12.parquet"), Some(("own-measure", "12")));
        assert_eq!(measure_and_group("readmission.unplanned_30.parquet"), None);
        assert_eq!(measure_and_group("own-measure.parquet"), None);
    }
}
