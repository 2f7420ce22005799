//! Dirty rows of every kind that ingest checks, in a stated share.
//!
//! Dirt never touches the key of a row, so that what refers to the row still finds its identifier, and it leaves
//! people, organizations and practitioners readable, so that one dirty row does not take hundreds of clean ones with
//! it. It has random numbers of its own: the clean rows are the same whatever its share.

use std::collections::BTreeMap;

use carecoord_lake::contract::{self, CheckKind, Column, ColumnType, Contract};
use jiff::ToSpan;
use jiff::civil::Date;

use crate::error::SampleError;
use crate::extracts::write_row;
use crate::layout::{LAYOUTS, Layout, Table};
use crate::random::{Random, Stream};
use crate::value::Value;

/// The kinds of dirt, by the names used in [`Summary::dirty`](crate::Summary).
const KINDS: [&str; 14] = [
    "impossible_date",
    "not_a_date",
    "unknown_code",
    "end_before_start",
    "duplicate",
    "superseded",
    "dangling_patient",
    "missing_required",
    "negative_amount",
    "not_an_amount",
    "blanks",
    "overlapping_stay",
    "same_stay_other_id",
    "wrong_number_of_fields",
];

/// Acute stays are struck this many times as often as other rows: several kinds exist only there.
const STAY_FACTOR: f64 = 4.0;
/// The kinds that exist only, or nearly only, on stays, and how often a struck stay tries them before the others.
const STAY_KINDS: [&str; 3] = ["end_before_start", "overlapping_stay", "same_stay_other_id"];
const STAY_KINDS_FIRST: f64 = 0.6;

/// What dirt needs to know of a column.
struct Fact {
    column: &'static Column,
    key: bool,
    /// A row without a value here is rejected: required itself, or the source of a required local date.
    required: bool,
}

struct Facts {
    layout: Layout,
    columns: Vec<Fact>,
    /// Positions of an end and of the start that it must not lie before.
    end_and_start: Option<(usize, usize)>,
    /// Only kinds that cost no row may strike: other tables lean on this one.
    leaned_on: bool,
}

impl Facts {
    fn of(layout: Layout) -> Result<Self, SampleError> {
        let contract: &'static Contract = contract::table(layout.name)?;
        let required = |column: &Column| {
            column.required
                || contract
                    .columns
                    .iter()
                    .any(|other| other.required && other.local_date_of.as_deref() == Some(&column.name))
        };
        let columns: Vec<Fact> = layout
            .columns
            .iter()
            .filter_map(|name| contract.column(name))
            .map(|column| Fact { column, key: contract.key.contains(&column.name), required: required(column) })
            .collect();
        let position = |name: &str| layout.columns.iter().position(|column| *column == name);
        let end_and_start = contract
            .checks
            .iter()
            .filter(|check| check.kind == CheckKind::NotBefore)
            .find_map(|check| position(&check.column).zip(position(&check.other)));
        let leaned_on = matches!(
            layout.table,
            Table::Organization | Table::Practitioner | Table::Program | Table::Patient | Table::CarePlan
        );
        Ok(Self { layout, columns, end_and_start, leaned_on })
    }
}

/// Makes rows dirty, and counts them by kind.
pub(crate) struct Dirt {
    share: f64,
    seed: u64,
    random: Random,
    facts: Vec<Facts>,
    /// Dirty rows by kind.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Dirt {
    /// Dirt in this share of rows.
    pub(crate) fn new(share: f64, seed: u64) -> Result<Self, SampleError> {
        let facts = LAYOUTS.iter().map(|layout| Facts::of(*layout)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { share, seed, random: Random::new(seed, 0, Stream::Dirt), facts, counts: BTreeMap::new() })
    }

    /// Starts a patient's own stream of random numbers.
    pub(crate) fn turn_to(&mut self, patient: u64) {
        self.random = Random::new(self.seed, patient, Stream::Dirt);
    }

    /// Whether this row becomes dirty.
    pub(crate) fn strikes(&mut self, table: Table, values: &[Value<'_>]) -> bool {
        self.share > 0.0 && {
            let factor = if is_stay(table, values) { STAY_FACTOR } else { 1.0 };
            self.random.chance(self.share * factor)
        }
    }

    /// Writes a dirty form of the row, or the clean one where no kind fits; returns the number of lines written.
    pub(crate) fn write(&mut self, table: Table, values: &[Value<'_>], out: &mut Vec<u8>) -> u64 {
        let facts = &self.facts[table as usize];
        let clean: Vec<String> = values.iter().map(|value| render(*value)).collect();
        let stay = is_stay(table, values);
        let mut kinds = KINDS;
        for last in (1..kinds.len()).rev() {
            let other = usize::try_from(self.random.between(0, i64::try_from(last).unwrap_or(0))).unwrap_or(0);
            kinds.swap(last, other);
        }
        if stay && self.random.chance(STAY_KINDS_FIRST) {
            kinds.sort_by_key(|kind| !STAY_KINDS.contains(kind));
        }
        for kind in kinds {
            if let Some(lines) = soil(kind, facts, &clean, stay, &mut self.random) {
                for line in &lines {
                    let fields: Vec<Value<'_>> = line.iter().map(|text| Value::Text(text)).collect();
                    write_row(out, &fields);
                }
                *self.counts.entry(kind).or_default() += 1;
                return lines.len() as u64;
            }
        }
        write_row(out, values);
        1
    }
}

fn is_stay(table: Table, values: &[Value<'_>]) -> bool {
    table == Table::Encounter && matches!(values.get(2), Some(Value::Text("inpatient")))
}

fn render(value: Value<'_>) -> String {
    let mut out = Vec::new();
    value.write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The lines that a row becomes under this kind of dirt, or none if the kind does not fit the row.
fn soil(kind: &str, facts: &Facts, clean: &[String], stay: bool, random: &mut Random) -> Option<Vec<Vec<String>>> {
    let mut line = clean.to_vec();
    let any = |fits: &dyn Fn(&Fact) -> bool, random: &mut Random| -> Option<usize> {
        let fits = |at: &usize| !clean[*at].is_empty() && fits(&facts.columns[*at]);
        let fitting: Vec<usize> = (0..clean.len()).filter(fits).collect();
        (!fitting.is_empty()).then(|| random.pick(&fitting))
    };
    let harmless = matches!(kind, "duplicate" | "superseded" | "blanks");
    if facts.leaned_on && !harmless {
        return None;
    }
    let temporal = |fact: &Fact| !fact.key && matches!(fact.column.kind, ColumnType::Date | ColumnType::Timestamp);
    let decimal = |fact: &Fact| !fact.key && fact.column.kind == ColumnType::Decimal;
    match kind {
        "impossible_date" => {
            let at = any(&temporal, random)?;
            line[at] = format!("2025-02-31{}", line[at].get(10..).unwrap_or_default());
        }
        "not_a_date" => line[any(&temporal, random)?] = String::from("N/A"),
        "unknown_code" => {
            let at = any(&|fact| !fact.key && !fact.column.allowed.is_empty(), random)?;
            line[at] = String::from("zz-unheard-of");
        }
        "end_before_start" => {
            let (end, start) = facts.end_and_start?;
            if line[end].is_empty() {
                return None;
            }
            line[end] = moved(&line[start], -3)?;
        }
        "duplicate" => return Some(vec![line.clone(), line]),
        "superseded" => {
            let at = any(&|fact| !fact.key && !fact.required && fact.column.name != "patient_id", random)?;
            // An earlier version of the row, from before this value was filled in; the later line is the valid one.
            line[at].clear();
            return Some(vec![line, clean.to_vec()]);
        }
        "dangling_patient" => line[any(&|fact| fact.column.name == "patient_id", random)?] = String::from("P0000000"),
        "missing_required" => {
            let at = any(&|fact| fact.required && !fact.key, random)?;
            line[at].clear();
        }
        "negative_amount" => {
            let at = any(&|fact| decimal(fact) && fact.column.min.is_some(), random)?;
            if line[at].starts_with('-') {
                return None;
            }
            line[at].insert(0, '-');
        }
        "not_an_amount" => line[any(&decimal, random)?] = String::from("see note"),
        "blanks" => {
            let at = any(&|fact| !fact.key, random)?;
            line[at] = format!("  {} ", line[at]);
        }
        "overlapping_stay" => {
            let (end, start) = facts.end_and_start.filter(|_| stay)?;
            if line[end].get(..10)? <= moved(&line[start], 1)?.get(..10)? {
                return None;
            }
            line[0].push('V');
            line[start] = moved(&line[start], 1)?;
            line[end] = moved(&line[end], 2)?;
            return Some(vec![clean.to_vec(), line]);
        }
        "same_stay_other_id" => {
            let (end, _) = facts.end_and_start.filter(|_| stay)?;
            if line[end].is_empty() {
                return None;
            }
            line[0].push('S');
            return Some(vec![clean.to_vec(), line]);
        }
        // A line that broke off.
        _ => line.truncate(facts.layout.columns.len() - 2),
    }
    Some(vec![line])
}

/// A date, or the date part of an instant, moved by some days.
fn moved(text: &str, days: i64) -> Option<String> {
    let date: Date = text.get(..10)?.parse().ok()?;
    Some(format!("{}{}", date.checked_add(days.days()).ok()?, &text[10..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_date_keeps_its_time() {
        assert_eq!(moved("2024-03-01T08:00:00Z", -1).expect("a date"), "2024-02-29T08:00:00Z");
        assert_eq!(moved("N/A", 1), None);
    }

    #[test]
    fn no_dirt_where_none_is_asked_for() {
        let mut dirt = Dirt::new(0.0, 1).expect("contracts");
        assert!((0..1000).all(|_| !dirt.strikes(Table::Patient, &[])));
    }
}
