//! References that lead out of a bucket, and identifiers of patients that look alike.

use std::collections::{BTreeMap, HashMap, HashSet};

use carecoord_lake::contract::{self, Contract, Severity};
use polars::prelude::Column;

use super::Run;
use super::buckets::Bucket;
use crate::error::{PipelineError, Result};
use crate::{identifiers, merge};

/// The check of identifiers that differ in how they are written alone.
pub const ID_VARIANTS: &str = "id_variants";
/// The check of one person under two identifiers.
pub const SAME_PERSON_TWICE: &str = "same_person_twice";

impl Run<'_> {
    /// References that a bucket could not follow: to another patient's row, to nobody's, or to a patient under another
    /// spelling of the number.
    pub(super) fn follow_elsewhere(&mut self, contract: &'static Contract, written: &mut [Bucket]) -> Result<()> {
        self.meet_people(contract, written)?;
        for column in &contract.columns {
            let Some((table, key)) = column.reference() else { continue };
            let name = &column.name;
            let values: HashSet<String> = written
                .iter()
                .flat_map(|bucket| &bucket.merged.missing)
                .filter(|missing| missing.column == *name)
                .map(|missing| missing.value.clone())
                .collect();
            if values.is_empty() {
                continue;
            }
            let patients = table == "patient";
            let elsewhere =
                if patients || table == contract.name { HashSet::new() } else { self.elsewhere(table, key, &values)? };
            let suspects: HashSet<String> = if patients {
                values.iter().filter(|value| self.people.knows_variant(value)).cloned().collect()
            } else {
                values
            };
            let spelled = self.spelled(table, key, &suspects)?;
            let settings = &self.options.checks;
            let wrong = settings.severity(&contract.name, name, merge::WRONG_PATIENT).unwrap_or(Severity::Fail);
            let variant = settings.severity(&contract.name, name, ID_VARIANTS).unwrap_or(Severity::Fail);
            let dangling = merge::dangling_severity(settings, contract, name);
            let bucketed = contract::table(table)?.bucket_by.is_some() && table != contract.name;
            for bucket in written.iter_mut() {
                let missing = std::mem::take(&mut bucket.merged.missing);
                for missing in missing {
                    if missing.column != *name {
                        bucket.merged.missing.push(missing);
                        continue;
                    }
                    let (extract, record, value) = (missing.extract, missing.record, missing.value.as_str());
                    if elsewhere.contains(value) && !missing.nobody {
                        bucket.merged.find(extract, record, merge::WRONG_PATIENT, name, wrong, value);
                    } else if bucketed && !patients {
                        bucket.merged.find(extract, record, merge::DANGLING, name, dangling, value);
                    }
                    if let Some(other) = spelled.get(value) {
                        let both = format!("{value} beside {other}");
                        bucket.merged.find(extract, record, ID_VARIANTS, name, variant, &both);
                    }
                }
            }
        }
        Ok(())
    }

    /// The keys among `values` that some bucket of a table holds.
    fn elsewhere(&self, table: &str, key: &str, values: &HashSet<String>) -> Result<HashSet<String>> {
        let mut found = HashSet::new();
        let Some(entry) = self.manifest.tables.get(table) else { return Ok(found) };
        if contract::table(table)?.bucket_by.is_none() {
            return Ok(found);
        }
        for file in &entry.files {
            let Some(keys) = self.keys(table, key, file.bucket)? else { continue };
            let known = self.people.numbers();
            // A row of a patient whom nobody knows is not another patient's.
            let somebody = |patient: &u64| known.as_ref().is_none_or(|known| known.contains(patient));
            let holds = |value: &str| keys.patients.get(&merge::hash_of(value.as_bytes())).is_some_and(somebody);
            found.extend(values.iter().filter(|value| holds(value)).cloned());
        }
        Ok(found)
    }

    /// The identifiers among `values` that a table holds under another spelling, each with that spelling.
    fn spelled(&self, table: &str, key: &str, values: &HashSet<String>) -> Result<HashMap<String, String>> {
        let bare: HashMap<String, &String> = values.iter().map(|value| (identifiers::bare(value), value)).collect();
        let mut found = HashMap::new();
        // References to tables of many rows are not looked at: their keys are not written by hand.
        let few = contract::table(table)?.bucket_by.is_none() || table == "patient";
        let entry = self.manifest.tables.get(table).filter(|_| few && !values.is_empty());
        for file in entry.map(|entry| entry.files.as_slice()).unwrap_or_default() {
            for other in self.key_texts(file, key)? {
                if let Some(value) = bare.get(&identifiers::bare(&other)) {
                    found.insert((*value).clone(), other);
                }
            }
        }
        Ok(found)
    }

    /// Looks for numbers of patients that stand for one another, and for one person under two numbers: in the table of
    /// patients, or where there is none, in every table.
    fn meet_people(&mut self, contract: &'static Contract, written: &mut [Bucket]) -> Result<()> {
        let Some(patient) = contract.bucket_by.as_ref().filter(|_| !self.people.is_whole()) else { return Ok(()) };
        let severity = self.options.checks.severity(&contract.name, patient, ID_VARIANTS).unwrap_or(Severity::Fail);
        let twice = self.options.checks.severity(&contract.name, "", SAME_PERSON_TWICE).unwrap_or(Severity::Warn);
        let mut persons: HashSet<u64> = HashSet::new();
        for bucket in written.iter_mut() {
            let rows = self.written_rows(contract, bucket.number)?;
            let people = &mut self.people;
            merge::each_patient(&rows, patient, |id, extract, record| {
                if people.meet(id) {
                    bucket.merged.find(extract, record, ID_VARIANTS, patient, severity, id);
                }
            })?;
            if contract.name == "patient" {
                merge::each_person(&rows, |person, extract, record| {
                    if !persons.insert(person) {
                        bucket.merged.find(extract, record, SAME_PERSON_TWICE, "", twice, "");
                    }
                })?;
            }
        }
        Ok(())
    }

    /// What later tables need to know of this one.
    pub(super) fn learn(&mut self, contract: &Contract) -> Result<()> {
        let rows = self.manifest.tables.get(&contract.name).map_or(0, |entry| entry.rows);
        if contract.name == "patient" && rows > 0 {
            // A run that brings no patients still compares its rows with those of the lake.
            if self.people.is_empty() {
                let entry = self.manifest.tables.get("patient").cloned().unwrap_or_default();
                for file in &entry.files {
                    for id in self.key_texts(file, "patient_id")? {
                        self.people.meet(&id);
                    }
                }
            }
            self.people.table_is_loaded();
        }
        if contract.name != "patient_merge" || rows == 0 {
            return Ok(());
        }
        let mut steps = BTreeMap::new();
        for bucket in 0..1 {
            let rows = self.written_rows(contract, bucket)?;
            let text = |name: &str| {
                rows.column(name)
                    .and_then(Column::str)
                    .cloned()
                    .map_err(|error| PipelineError::engine("cannot read the merges of patients", error))
            };
            let (old, new) = (text("old_patient_id")?, text("patient_id")?);
            let pairs = old.iter().zip(new.iter()).filter_map(|(old, new)| Some((old?.to_owned(), new?.to_owned())));
            steps.extend(pairs.filter(|(old, new)| old != new));
        }
        self.people.merge(&steps).map_err(|circle| PipelineError::File {
            file: "patient_merge".to_owned(),
            reason: format!("the merges of patient {} lead back to it; take one of them out", circle.0),
        })
    }
}
