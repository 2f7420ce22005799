//! Of several rows with one key: which stays, which values it takes from the others, and what became of those.

use std::collections::{BTreeSet, HashMap, HashSet};

use carecoord_lake::contract::{CheckKind, Contract, Severity};
use polars::prelude::*;

use super::{Context, FastMap, Merged, Places, encoded, engine, iso_date};
use crate::checks::CheckSettings;
use crate::error::Result;
use crate::load::{DELETES, FATE, MOVED};

/// A check's name for one key under two patients.
pub const TWO_PATIENTS: &str = "key_with_two_patients";
const PATIENT: &str = "patient";
const BIRTH: &str = "birth_date";

/// The rows that stay. Of the rows of one key the last stays, or the first of those equal to it; a column that the last
/// row's file does not offer keeps the value that another file brought; a row that takes back its key takes all rows
/// before it with it.
pub(super) fn survivors(
    contract: &Contract,
    settings: &CheckSettings,
    rows: &DataFrame,
    context: &Context,
    merged: &mut Merged,
) -> Result<DataFrame> {
    let keys = encoded(rows, &contract.key)?;
    let fates = rows.column(FATE).and_then(Column::u32).map_err(engine)?;
    let place = Places::new(rows)?;
    let mut last_of: FastMap<&[u8], (usize, bool)> =
        FastMap::with_capacity_and_hasher(rows.height(), foldhash::fast::RandomState::default());
    let mut repeated = false;
    for (row, key) in keys.iter().enumerate() {
        let entry = last_of.entry(key.unwrap_or_default()).or_insert((row, false));
        if entry.0 != row {
            *entry = (row, true);
            repeated = true;
        }
    }
    let deleting = fates.iter().any(|fate| fate == Some(DELETES));
    if !repeated && !deleting && context.replaced.is_empty() {
        return Ok(rows.clone());
    }
    // Only rows whose key stands more than once are compared in full.
    let mut groups: FastMap<&[u8], Vec<usize>> = FastMap::default();
    let mut keep = vec![true; rows.height()];
    for (row, key) in keys.iter().enumerate() {
        let key = key.unwrap_or_default();
        if last_of.get(key).is_some_and(|(_, several)| *several) {
            groups.entry(key).or_default().push(row);
            continue;
        }
        let (extract, _) = place.of(row);
        if fates.get(row) == Some(DELETES) || context.replaced.contains(&extract) {
            keep[row] = false;
            *merged.withdrawn.entry(extract).or_default() += 1;
        }
    }
    drop(last_of);
    let mut several: Vec<Vec<usize>> = groups.into_values().collect();
    several.sort_unstable();
    let flat: Vec<IdxSize> =
        several.iter().flatten().map(|row| IdxSize::try_from(*row).unwrap_or(IdxSize::MAX)).collect();
    let all: Vec<String> = contract.columns.iter().map(|column| column.name.clone()).collect();
    let subset = rows.take(&IdxCa::from_vec(PlSmallStr::EMPTY, flat)).map_err(engine)?;
    let contents = encoded(&subset, &all)?;
    let mut group = Group {
        contract,
        settings,
        rows,
        context,
        place: &place,
        union: union(contract, context),
        keep: &mut keep,
        sources: HashMap::new(),
        two_patients: settings.severity(&contract.name, "", TWO_PATIENTS),
    };
    let mut from = 0;
    for members in several {
        let contents: Vec<&[u8]> =
            (from..from + members.len()).map(|row| contents.get(row).unwrap_or_default()).collect();
        from += members.len();
        group.settle(&members, &contents, fates, merged)?;
    }
    let Group { sources, keep, .. } = group;
    let kept: Vec<usize> = (0..rows.height()).filter(|row| keep[*row]).collect();
    let mut columns = Vec::with_capacity(rows.width());
    for column in rows.columns() {
        let from = kept.iter().map(|row| {
            let source = sources.get(row).and_then(|by_column| by_column.get(column.name().as_str()));
            IdxSize::try_from(*source.unwrap_or(row)).unwrap_or(IdxSize::MAX)
        });
        columns.push(column.take(&IdxCa::from_vec(PlSmallStr::EMPTY, from.collect())).map_err(engine)?);
    }
    DataFrame::new(kept.len(), columns).map_err(engine)
}

/// All columns that some extract offers.
fn union(contract: &Contract, context: &Context) -> BTreeSet<String> {
    let every: BTreeSet<String> = contract.columns.iter().map(|column| column.name.clone()).collect();
    let offered: BTreeSet<String> = context.offered.values().flatten().cloned().collect();
    if offered.is_empty() { every } else { offered }
}

struct Group<'a> {
    contract: &'a Contract,
    settings: &'a CheckSettings,
    rows: &'a DataFrame,
    context: &'a Context,
    place: &'a Places<'a>,
    union: BTreeSet<String>,
    keep: &'a mut Vec<bool>,
    /// Row that stays → column → row that its value comes from.
    sources: HashMap<usize, HashMap<&'a str, usize>>,
    two_patients: Option<Severity>,
}

impl<'a> Group<'a> {
    fn settle(
        &mut self,
        members: &[usize],
        contents: &[&[u8]],
        fates: &UInt32Chunked,
        merged: &mut Merged,
    ) -> Result<()> {
        // A row that came under an old number gives way to the rows of the number that stays.
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|at| fates.get(members[*at]) != Some(MOVED));
        let extract = |at: usize| self.place.of(members[at]).0;
        let withdrawn =
            order.iter().rposition(|at| fates.get(members[*at]) == Some(DELETES)).map_or(0, |last| last + 1);
        let (gone, rest) = order.split_at(withdrawn);
        let mut gone: Vec<usize> = gone.to_vec();
        let mut rest = rest.to_vec();
        if rest.iter().all(|at| self.context.replaced.contains(&extract(*at))) {
            gone.append(&mut rest);
        }
        for at in gone {
            self.keep[members[at]] = false;
            *merged.withdrawn.entry(extract(at)).or_default() += 1;
        }
        let Some(last) = rest.last().copied() else { return Ok(()) };
        self.one_patient(members, &rest, merged)?;
        self.one_birth(members, &rest, fates, merged)?;
        if rest.iter().all(|at| self.is_whole(extract(*at))) {
            self.replace(members, contents, &rest, last, merged)
        } else {
            self.combine(members, contents, &rest, last, merged)
        }
    }

    /// Whether an extract offers every column that any extract offers.
    fn is_whole(&self, extract: i64) -> bool {
        self.context.offered.get(&extract).is_none_or(|offered| *offered == self.union)
    }

    /// The last row stays whole, or the first of those equal to it.
    fn replace(
        &mut self,
        members: &[usize],
        contents: &[&[u8]],
        rest: &[usize],
        last: usize,
        merged: &mut Merged,
    ) -> Result<()> {
        let extract = |at: usize| self.place.of(members[at]).0;
        let equal = |at: &usize| contents[*at] == contents[last];
        // A full load renews its rows: they belong to the new file.
        let stays =
            rest.iter().copied().find(|at| equal(at) && !self.context.replaced.contains(&extract(*at))).unwrap_or(last);
        let mut reversed = Vec::new();
        for at in rest.iter().copied().filter(|at| *at != stays) {
            self.keep[members[at]] = false;
            let counts = if equal(&at) { &mut merged.duplicate } else { &mut merged.superseded };
            *counts.entry(self.place.of(members[at]).0).or_default() += 1;
            if !equal(&at) {
                reversed.push(at);
            }
        }
        for at in reversed {
            self.reversal(members[at], members[stays], merged)?;
        }
        Ok(())
    }

    /// The last row stays, with the values of columns that its file does not offer from the rows that do.
    fn combine(
        &mut self,
        members: &[usize],
        contents: &[&[u8]],
        rest: &[usize],
        last: usize,
        merged: &mut Merged,
    ) -> Result<()> {
        let offers = |at: usize, column: &str| {
            let (extract, _) = self.place.of(members[at]);
            self.context.offered.get(&extract).is_none_or(|offered| offered.contains(column))
        };
        let mut by_column: HashMap<&'a str, usize> = HashMap::new();
        let mut giving: HashSet<usize> = HashSet::new();
        let mut differing: HashSet<usize> = HashSet::new();
        for column in &self.contract.columns {
            let name = column.name.as_str();
            let values = self.rows.column(name).map_err(engine)?;
            let filled = |at: usize| !values.get(members[at]).map_or(true, |value| value.is_null());
            let source = rest
                .iter()
                .rev()
                .copied()
                .find(|at| offers(*at, name))
                // A row of the lake may hold what an earlier file brought.
                .or_else(|| rest.iter().rev().copied().find(|at| filled(*at)))
                .unwrap_or(last);
            if source != last {
                by_column.insert(name, members[source]);
                if filled(source) && !self.contract.key.contains(&column.name) {
                    giving.insert(source);
                }
            }
            for at in rest.iter().copied().filter(|at| *at != source && offers(*at, name)) {
                if values.get(members[at]).ok() != values.get(members[source]).ok() {
                    differing.insert(at);
                }
            }
        }
        for at in rest.iter().copied().filter(|at| *at != last) {
            self.keep[members[at]] = false;
            let counts = if giving.contains(&at) {
                &mut merged.combined
            } else if contents[at] == contents[last] || !differing.contains(&at) {
                &mut merged.duplicate
            } else {
                &mut merged.superseded
            };
            *counts.entry(self.place.of(members[at]).0).or_default() += 1;
        }
        self.sources.insert(members[last], by_column);
        Ok(())
    }

    /// One key must not stand for two patients: within one run a person is lost, between runs a number was corrected.
    fn one_patient(&self, members: &[usize], rest: &[usize], merged: &mut Merged) -> Result<()> {
        let Some(patient) = self.contract.bucket_by.as_ref().filter(|name| !self.contract.key.contains(name)) else {
            return Ok(());
        };
        let patients = self.rows.column(patient).and_then(Column::str).map_err(engine)?;
        let Some(last) = rest.last().copied() else { return Ok(()) };
        for at in rest.iter().copied() {
            if patients.get(members[at]) == patients.get(members[last]) {
                continue;
            }
            let (extract, record) = self.place.of(members[at]);
            let (other, _) = self.place.of(members[last]);
            let fresh = self.context.fresh.contains(&extract) && self.context.fresh.contains(&other);
            let severity = self.two_patients.unwrap_or(if fresh { Severity::Fail } else { Severity::Warn });
            let key = self.contract.key.first().map_or("", String::as_str);
            let value = self.rows.column(key).and_then(Column::str).ok().and_then(|keys| keys.get(members[at]));
            // The row that stays carries the finding: the other one may be of a file from long ago.
            let (extract, record) = if fresh { (extract, record) } else { self.place.of(members[last]) };
            merged.find(extract, record, TWO_PATIENTS, key, severity, value.unwrap_or_default());
        }
        Ok(())
    }

    /// One number of a patient with two birth dates in one run is a typing error where they share a year, month or day, and
    /// two people where they share none. Between runs a birth date was corrected.
    fn one_birth(&self, members: &[usize], rest: &[usize], fates: &UInt32Chunked, merged: &mut Merged) -> Result<()> {
        if self.contract.name != PATIENT {
            return Ok(());
        }
        let births = self.rows.column(BIRTH).and_then(Column::date).map_err(engine)?.physical();
        let numbers = self.rows.column(&self.contract.key[0]).and_then(Column::str).map_err(engine)?;
        let born = |at: &usize| births.get(members[*at]);
        // Rows that came under a merged number may state another birth date: someone has decided that they are one person.
        let fresh = |at: &usize| {
            self.context.fresh.contains(&self.place.of(members[*at]).0) && fates.get(members[*at]) != Some(MOVED)
        };
        let Some(last) = rest.iter().rev().find(|at| born(at).is_some() && fresh(at)) else { return Ok(()) };
        for at in rest.iter().filter(|at| fresh(at)) {
            let (Some(one), Some(other)) = (born(at), born(last)) else { continue };
            if one == other {
                continue;
            }
            let (one, other) = (iso_date(one), iso_date(other));
            let shared = one.split('-').zip(other.split('-')).any(|(one, other)| one == other);
            let severity = if shared { Severity::Warn } else { Severity::Fail };
            let severity = self.settings.severity(&self.contract.name, BIRTH, TWO_PATIENTS).unwrap_or(severity);
            let (extract, record) = self.place.of(members[*at]);
            let value = format!("{}: {one} and {other}", numbers.get(members[*at]).unwrap_or_default());
            merged.find(extract, record, TWO_PATIENTS, BIRTH, severity, &value);
        }
        Ok(())
    }

    /// An amount that a negative one replaces was reversed, not corrected: both must count.
    fn reversal(&self, gone: usize, stays: usize, merged: &mut Merged) -> Result<()> {
        for check in self.contract.checks.iter().filter(|check| check.kind == CheckKind::Reversal) {
            let amounts = self.rows.column(&check.column).map_err(engine)?;
            let amount = |row: usize| amounts.get(row).ok().and_then(|value| value.try_extract::<f64>().ok());
            if let (Some(before), Some(after)) = (amount(gone), amount(stays))
                && (before > 0.0) != (after > 0.0)
                && before != 0.0
                && after != 0.0
            {
                let severity =
                    self.settings.severity(&self.contract.name, &check.column, &check.name).unwrap_or(check.severity);
                let (extract, record) = self.place.of(stays);
                merged.find(extract, record, &check.name, &check.column, severity, &after.to_string());
            }
        }
        Ok(())
    }
}
