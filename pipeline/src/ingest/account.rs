//! What became of the rows of a table, in the manifest and for messages.

use std::collections::{BTreeMap, BTreeSet};

use carecoord_lake::contract::{CheckKind, Contract, Severity};
use carecoord_lake::manifest::{FileEntry, Finding, TableEntry};

use super::buckets::{Bucket, bucket_path};
use super::references::{ID_VARIANTS, SAME_PERSON_TWICE};
use super::{Example, Run};
use crate::merge::plausibility::{self, AFTER_DEATH, BEFORE_BIRTH, SINGLE_FROM, SINGLE_VALUE, Single};
use crate::merge::{self, FoundRow};
use crate::reach;
use crate::text;

/// The check of a feed without recent rows.
const FEED_BROKE_OFF: &str = "feed_broke_off";
/// Checks of the merge, found anew by every run.
const MERGE_CHECKS: [&str; 9] = [
    SINGLE_VALUE,
    FEED_BROKE_OFF,
    merge::DANGLING,
    merge::WRONG_PATIENT,
    merge::TWO_PATIENTS,
    ID_VARIANTS,
    SAME_PERSON_TWICE,
    BEFORE_BIRTH,
    AFTER_DEATH,
];
/// Examples of one check in one column.
const EXAMPLES_OF_ONE: usize = 3;
/// Days between the last day and the one before from which the last one is taken for an error.
const FAR_FROM_ALL: i32 = 180;
/// Rows from which a day can be known to be far from all others.
const ENOUGH: u64 = 20;

impl Run<'_> {
    /// Writes what the merge found into the manifest and into this run's outcomes.
    pub(super) fn account(
        &mut self,
        contract: &Contract,
        old: TableEntry,
        written: Vec<Bucket>,
        offered: BTreeSet<String>,
    ) {
        let mut entry = TableEntry::default();
        let mut accepted: BTreeMap<i64, u64> = BTreeMap::new();
        let mut duplicate: BTreeMap<i64, u64> = BTreeMap::new();
        let mut superseded: BTreeMap<i64, u64> = BTreeMap::new();
        let mut combined: BTreeMap<i64, u64> = BTreeMap::new();
        let mut withdrawn: BTreeMap<i64, u64> = BTreeMap::new();
        let mut referring: BTreeMap<(i64, String), u64> = BTreeMap::new();
        let mut findings: BTreeMap<merge::FindingKey, (Severity, u64)> = BTreeMap::new();
        let mut examples: Vec<FoundRow> = Vec::new();
        let mut dates: Option<(i32, i32)> = None;
        let mut happened: Vec<i32> = Vec::new();
        let mut months: BTreeMap<i32, u64> = BTreeMap::new();
        let mut singles: BTreeMap<String, Single> = BTreeMap::new();
        for bucket in written {
            let Bucket { number, merged, rows } = bucket;
            let path = bucket_path(contract, number).to_string_lossy().into_owned();
            entry.files.push(FileEntry { bucket: number, path, rows });
            entry.rows += rows;
            for (total, part) in [
                (&mut accepted, &merged.accepted),
                (&mut duplicate, &merged.duplicate),
                (&mut superseded, &merged.superseded),
                (&mut combined, &merged.combined),
                (&mut withdrawn, &merged.withdrawn),
            ] {
                for (extract, rows) in part {
                    *total.entry(*extract).or_default() += rows;
                }
            }
            for (key, (severity, rows)) in merged.findings {
                let entry = findings.entry(key).or_insert((severity, 0));
                *entry = (entry.0.max(severity), entry.1 + rows);
            }
            for (key, cells) in merged.referring {
                *referring.entry(key).or_default() += cells;
            }
            for (month, rows) in merged.months {
                *months.entry(month).or_default() += rows;
            }
            examples.extend(merged.examples);
            for (column, single) in &merged.singles {
                singles.entry(column.clone()).or_default().add(single);
            }
            happened.extend(merged.happened);
            if let Some((first, last)) = merged.dates {
                dates = Some(dates.map_or((first, last), |(one, other)| (one.min(first), other.max(last))));
            }
        }
        entry.first_date = dates.map(|(first, _)| merge::iso_date(first));
        entry.last_date = dates.map(|(_, last)| merge::iso_date(last));
        entry.last_happened = last_happened(happened, months.values().sum()).map(merge::iso_date);
        self.reach.note(&contract.name, months);
        entry.columns = old.columns.into_iter().chain(offered).collect::<BTreeSet<_>>().into_iter().collect();
        self.manifest.tables.insert(contract.name.clone(), entry);
        let of_several_rows = |name: &str| {
            MERGE_CHECKS.contains(&name)
                || contract.checks.iter().any(|check| check.kind != CheckKind::NotBefore && check.name == name)
        };
        for extract in &mut self.manifest.extracts {
            let id = extract.id;
            let Some(counts) = extract.tables.iter_mut().find(|counts| counts.table == contract.name) else { continue };
            counts.accepted = accepted.get(&id).copied().unwrap_or(0);
            counts.duplicate += duplicate.get(&id).copied().unwrap_or(0);
            counts.superseded += superseded.get(&id).copied().unwrap_or(0);
            counts.combined += combined.get(&id).copied().unwrap_or(0);
            counts.withdrawn += withdrawn.get(&id).copied().unwrap_or(0);
            counts.findings.retain(|finding| finding.severity == Severity::Reject || !of_several_rows(&finding.check));
            for ((_, check, column), (severity, rows)) in findings.iter().filter(|((file, _, _), _)| *file == id) {
                counts.findings.push(Finding {
                    check: check.clone(),
                    column: column.clone(),
                    severity: *severity,
                    rows: *rows,
                    of: (check == merge::DANGLING).then(|| referring.get(&(id, column.clone())).copied()).flatten(),
                    reason: String::new(),
                });
            }
            for outcome in &mut self.files {
                if outcome.extract == id && outcome.accounting.table == contract.name {
                    outcome.accounting = counts.clone();
                }
            }
        }
        self.tell_rows(contract, examples);
        self.tell_singles(contract, &singles);
    }

    /// Reports columns that should vary and do not, as findings of the newest file of the table.
    fn tell_singles(&mut self, contract: &Contract, singles: &BTreeMap<String, Single>) {
        for (column, single) in singles.iter().filter(|(_, single)| single.filled >= SINGLE_FROM) {
            let Some(value) = &single.value else { continue };
            let severity = self.options.checks.severity(&contract.name, column, SINGLE_VALUE).unwrap_or(Severity::Warn);
            let finding = Finding {
                check: SINGLE_VALUE.to_owned(),
                column: column.clone(),
                severity,
                rows: single.filled,
                of: Some(single.filled),
                reason: String::new(),
            };
            self.tell(&contract.name, finding, Some(value));
        }
    }

    /// Adds a finding about a whole table to its newest file of this run.
    fn tell(&mut self, table: &str, finding: Finding, value: Option<&String>) {
        let newest = self.files.iter_mut().rev().find(|file| file.accounting.table == table && !file.known);
        let Some(outcome) = newest else { return };
        if let Some(value) = value {
            let (check, column, value) = (finding.check.clone(), finding.column.clone(), value.clone());
            outcome.examples.push(Example { line: 0, column, check, value: text::shown(&value) });
        }
        outcome.accounting.findings.push(finding.clone());
        let extract = self.manifest.extracts.iter_mut().find(|extract| extract.id == outcome.extract);
        if let Some(counts) = extract.and_then(|extract| extract.tables.iter_mut().find(|counts| counts.table == table))
        {
            counts.findings.push(finding);
        }
    }

    /// Adds rows that the merge found to the examples of their files, with their lines.
    fn tell_rows(&mut self, contract: &Contract, found: Vec<FoundRow>) {
        let mut by_extract: BTreeMap<i64, Vec<FoundRow>> = BTreeMap::new();
        for row in found {
            let rows = by_extract.entry(row.extract).or_default();
            let same = rows.iter().filter(|other| other.check == row.check && other.column == row.column).count();
            if same < EXAMPLES_OF_ONE {
                rows.push(row);
            }
        }
        for (id, rows) in by_extract {
            let Some(survey) = self.by_extract.get(&id) else { continue };
            let outcome = self
                .files
                .iter_mut()
                .find(|outcome| outcome.extract == id && outcome.accounting.table == contract.name && !outcome.known);
            let Some(outcome) = outcome else { continue };
            // A file that can no longer be read leaves its examples without a line.
            let texts = survey.texts(&rows.iter().map(|row| row.record).collect()).unwrap_or_default();
            outcome.examples.extend(rows.into_iter().map(|row| Example {
                line: texts.get(&row.record).map_or(0, |text| text.line),
                column: row.column,
                check: row.check,
                value: text::shown(&row.value),
            }));
        }
    }

    /// Reports feeds that broke off, as findings of the newest file of their table.
    pub(super) fn feeds(&mut self) {
        let clock = self.reach.broke_off(plausibility::month_of(self.extract_day));
        for feed in clock {
            let severity = self.options.checks.severity(&feed.table, "", FEED_BROKE_OFF).unwrap_or(Severity::Warn);
            let reason = format!(
                "no rows after {}, although a month brought about {} before; ask for the missing months, or state the \
                 extract date if the extract was taken then",
                reach::iso_month(feed.last),
                feed.usual
            );
            let finding = Finding {
                check: FEED_BROKE_OFF.to_owned(),
                column: String::new(),
                severity,
                rows: u64::try_from(feed.silent).unwrap_or(0),
                of: None,
                reason,
            };
            self.tell(&feed.table, finding, None);
        }
    }
}

/// The last day on which something happened. One day that lies far from all others does not count: a typing error must not
/// make every month final. A few rows do not show what is far.
fn last_happened(mut days: Vec<i32>, rows: u64) -> Option<i32> {
    days.sort_unstable_by(|one, other| other.cmp(one));
    days.dedup();
    match days.as_slice() {
        [last, before, ..] if rows >= ENOUGH && last - before > FAR_FROM_ALL => Some(*before),
        [last, ..] => Some(*last),
        [] => None,
    }
}
