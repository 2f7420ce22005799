//! One file of the folder: loaded into the spill of its table, or known from an earlier run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use carecoord_lake::contract::Contract;
use carecoord_lake::manifest::{Accounting, Extract};
use polars::prelude::{LazyFrame, PlRefPath, ScanArgsParquet, col};

use super::extracts::Found;
use super::{Example, FileOutcome, Run};
use crate::conventions::Conventions;
use crate::error::{PipelineError, Result};
use crate::load::{FoundCell, Load, Loaded, Lookup};
use crate::mapping::{FileMapping, Mapping, needed};
use crate::plan::{Making, Plan};
use crate::quarantine;
use crate::spill::Spill;
use crate::survey::{RowText, Survey};
use crate::text;
use crate::words::Words;

/// Examples for messages, for each file.
const EXAMPLES: usize = 10;

impl Run<'_> {
    /// Whether any file of a block is new, so that a full load replaces what the block brought before.
    pub(super) fn block_changed(
        &self,
        contract: &Contract,
        mapping: &Mapping,
        index: usize,
        found: &Found,
    ) -> Result<bool> {
        for (_, path, name) in found.files.iter().filter(|(other, _, _)| *other == index) {
            let survey = self.survey(mapping, &mapping.files[index], path, name)?;
            let fingerprint = self.fingerprint(mapping, &mapping.files[index]);
            if self.options.again || self.known(contract, &survey, &fingerprint).is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fingerprint(&self, mapping: &Mapping, file: &FileMapping) -> String {
        let own = file.fingerprint(mapping);
        let words = self.options.words.fingerprint();
        if words == Words::default().fingerprint() {
            return own;
        }
        blake3::hash(format!("{own} {words}").as_bytes()).to_hex()[..16].to_owned()
    }

    fn survey(&self, mapping: &Mapping, file: &FileMapping, path: &Path, name: &str) -> Result<Arc<Survey>> {
        let refuse = |reason: String| PipelineError::Mapping { path: mapping.name.clone(), reason };
        let layout = file.layout(mapping).map_err(refuse)?;
        self.surveys
            .get(&(path.to_owned(), layout))
            .cloned()
            .ok_or_else(|| PipelineError::File { file: name.to_owned(), reason: "was not looked at".to_owned() })
    }

    /// What became of this very file before, read in this very way.
    fn known(&self, contract: &Contract, survey: &Survey, fingerprint: &str) -> Option<(i64, Accounting)> {
        let mut here = self
            .manifest
            .extracts
            .iter()
            .filter(|extract| extract.hash == survey.hash && extract.mapping == fingerprint);
        here.find_map(|extract| {
            let accounting = extract.tables.iter().find(|entry| entry.table == contract.name)?;
            Some((extract.id, accounting.clone()))
        })
    }

    #[allow(clippy::too_many_arguments)] // One file of one table needs to know all of these.
    pub(super) fn file(
        &mut self,
        contract: &'static Contract,
        mapping: &Mapping,
        file: &FileMapping,
        path: &Path,
        name: &str,
        spill: Spill,
        offered: &mut BTreeSet<String>,
        again: bool,
    ) -> Result<Spill> {
        let survey = self.survey(mapping, file, path, name)?;
        let fingerprint = self.fingerprint(mapping, file);
        let identity = (survey.hash.clone(), fingerprint.clone(), contract.name.clone());
        let this_run = !self.loaded.insert(identity);
        let known = self.known(contract, &survey, &fingerprint);
        if let Some((extract, accounting)) = known.filter(|_| !(self.options.again || again) || this_run) {
            let (file, headers, examples) = (name.to_owned(), BTreeMap::new(), Vec::new());
            self.files.push(FileOutcome { file, extract, headers, known: true, accounting, examples });
            return Ok(spill);
        }
        let refuse = |reason: String| PipelineError::File { file: name.to_owned(), reason };
        let line = survey.header_line();
        for condition in file.only_where.iter().chain(&file.deleted_where) {
            if survey.column(&condition.column).is_none() {
                return Err(refuse(format!(
                    "line {line} has no column {}, which a condition of the mapping asks for; {}",
                    condition.column,
                    header_of(&survey, file)
                )));
            }
        }
        let lookup = self.lookup(contract, file, &survey)?;
        let conventions = Conventions::new(&survey, mapping, file, &self.pooled).map_err(&refuse)?;
        let plan = Plan::new(Making {
            contract,
            mapping,
            file,
            survey: &survey,
            conventions: &conventions,
            words: &self.options.words,
            settings: &self.options.checks,
            extract_day: self.extract_day,
            filled: lookup.is_some(),
        });
        let placed = needed(contract).chain(contract.bucket_by.as_deref());
        if let Some(missing) = placed.into_iter().find(|column| !plan.offers(column)) {
            let rule = file.columns.get(missing).map(crate::mapping::Source::rule).unwrap_or_default();
            let wanted: Vec<String> = rule.column.into_iter().chain(rule.join).collect();
            return Err(refuse(format!(
                "line {line} has no column {} for {}.{missing}; {}{}",
                wanted.join(" or "),
                contract.name,
                header_of(&survey, file),
                if survey.header.iter().all(|name| !name.contains(char::REPLACEMENT_CHARACTER)) {
                    ""
                } else {
                    "; its letters are not UTF-8: state encoding in the mapping, for example encoding = \"windows-1252\""
                }
            )));
        }
        if let Some(second) = file.names_read(&survey).find_map(|name| survey.second_column(name)) {
            return Err(refuse(format!(
                "line {line}: the column {} stands twice (second time as column {}), and the mapping uses it; rename one",
                survey.header[second],
                second + 1
            )));
        }
        let id = self.extract_id(name, &survey.hash, &fingerprint, &file.block(contract), &contract.name);
        let scratch = self.draft.path().join("spill");
        let merged = self.people.merged();
        let load = Load { contract, survey: &survey, plan: &plan, extract: id, scratch: &scratch, lookup, merged };
        let (spill, loaded) = load.run(spill)?;
        offered.extend(plan.offered.iter().cloned());
        self.by_extract.insert(id, Arc::clone(&survey));
        let wanted = loaded.quarantined.iter().chain(&loaded.warned).map(|cell| cell.record).collect();
        let texts = survey.texts(&wanted)?;
        quarantine::write(self.draft.path(), id, &contract.name, &survey, &loaded.quarantined, &texts)?;
        self.record(id, name, plan.headers, loaded, &texts);
        Ok(spill)
    }

    fn record(
        &mut self,
        id: i64,
        name: &str,
        headers: BTreeMap<String, String>,
        loaded: Loaded,
        texts: &BTreeMap<u64, RowText>,
    ) {
        let Loaded { accounting, quarantined, warned } = loaded;
        let cells: Vec<&FoundCell> = quarantined.iter().take(EXAMPLES).chain(&warned).collect();
        let example = |cell: &&FoundCell| Example {
            line: texts.get(&cell.record).map_or(0, |row| row.line),
            column: cell.column.clone(),
            check: cell.check.clone(),
            value: text::shown(&cell.value),
        };
        let examples = cells.iter().map(example).collect();
        self.files.push(FileOutcome {
            file: name.to_owned(),
            extract: id,
            headers,
            known: false,
            accounting: accounting.clone(),
            examples,
        });
        if let Some(extract) = self.manifest.extracts.iter_mut().find(|extract| extract.id == id) {
            extract.tables.push(accounting);
        }
    }

    /// The number of a file: one for each part of the mapping that reads it; read again, it is a new extract.
    fn extract_id(&mut self, name: &str, hash: &str, fingerprint: &str, block: &str, table: &str) -> i64 {
        let newest = self.manifest.extracts.iter().rev().find(|extract| extract.hash == hash && extract.file == name);
        if let Some(extract) = newest
            .filter(|extract| extract.mapping == fingerprint && extract.tables.iter().all(|entry| entry.table != table))
        {
            return extract.id;
        }
        let id = self.manifest.extracts.iter().map(|extract| extract.id).max().unwrap_or(0) + 1;
        let (file, hash, mapping, block) = (name.to_owned(), hash.to_owned(), fingerprint.to_owned(), block.to_owned());
        self.manifest.extracts.push(Extract { id, file, hash, mapping, block, tables: Vec::new() });
        id
    }

    /// The values that a file lacks and another table holds, for example a referral's patient.
    fn lookup(&self, contract: &Contract, file: &FileMapping, survey: &Survey) -> Result<Option<Lookup>> {
        let Some(column) = contract.columns.iter().find(|column| column.filled_from.is_some()) else { return Ok(None) };
        let rule = file.columns.get(&column.name).map(crate::mapping::Source::rule).unwrap_or_default();
        if rule.column.iter().chain(&rule.join).any(|name| survey.column(name).is_some()) || rule.constant.is_some() {
            return Ok(None);
        }
        let from = column.filled_from.as_deref().unwrap_or_default();
        let reference = contract.columns.iter().find_map(|other| {
            other.reference().filter(|(table, _)| *table == from).map(|(_, key)| (other.name.clone(), key))
        });
        let offers = |name: &str| {
            let rule = file.columns.get(name).map(crate::mapping::Source::rule).unwrap_or_default();
            rule.constant.is_some() || rule.column.iter().chain(&rule.join).any(|name| survey.column(name).is_some())
        };
        let reference = reference.filter(|(name, _)| offers(name));
        let (Some((reference, key)), Some(entry)) = (reference, self.manifest.tables.get(from)) else {
            if contract.column(&column.name).is_some_and(|column| column.required) {
                // The caller names the column that the file lacks.
                return Ok(None);
            }
            return Err(PipelineError::File {
                file: survey.name.clone(),
                reason: format!(
                    "has no column for {}.{} and there is no table {from} to look it up in",
                    contract.name, column.name
                ),
            });
        };
        let mut paths = Vec::new();
        for file in &entry.files {
            let path = self.draft.path().join(&file.path);
            paths.push(PlRefPath::new(path.to_string_lossy().as_ref()));
        }
        let frame =
            LazyFrame::scan_parquet_files(paths.into(), ScanArgsParquet { glob: false, ..ScanArgsParquet::default() })
                .map_err(|error| PipelineError::engine(format!("cannot look up {from}"), error))?
                .select([col(key).alias("key"), col(column.name.as_str()).alias("value")]);
        Ok(Some(Lookup { frame, reference, column: column.name.clone() }))
    }

    pub(super) fn link_quarantine(&self, contract: &Contract) -> Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        for extract in &self.manifest.extracts {
            let path = quarantine::path(extract.id, &contract.name);
            if current.path.join(&path).exists() && !self.draft.path().join(&path).exists() {
                self.draft.link(current, &path)?;
            }
        }
        Ok(())
    }
}

/// What a header holds, for messages. Where it has none of the columns that the mapping reads, it may be the first patient of a
/// file without a header, and its cells are not shown.
fn header_of(survey: &Survey, file: &FileMapping) -> String {
    let is_header = file.names_read(survey).any(|name| survey.column(name).is_some());
    if is_header {
        let names: Vec<String> = survey.header.iter().map(|name| text::shown(name)).collect();
        format!("it has {}", names.join(", "))
    } else {
        format!(
            "it has {} columns, and the mapping reads none of them: is the first line of the file its header?",
            survey.header.len()
        )
    }
}
