//! Months in which rows that a measure rests on did not come: they are neither 0 nor a signal.
//!
//! The rows are those that the measure's definition names (`needs_rows`, else the tables of `needs`), counted by month, and by
//! organization, type of claim or mode of survey within them: outpatient rows go on when an emergency feed breaks off, and one
//! hospital sends while another does not.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use carecoord_lake::contract::{self, Contract};
use carecoord_lake::manifest::Manifest;
use jiff::civil::Date;

use crate::definition::Measure;
use crate::error::Result;
use crate::feeds::SPANS;
use crate::rates::Key;
use crate::span::{Span, date_of, days};
use crate::workbench::{Workbench, number_at, text_at};

/// Rows of a usual month from which chance does not explain a month without any: the chance is below one in a million [P].
const USUAL: u64 = 14;
/// A month holds no feed with so small a share of the usual rows [P].
const FELL_AWAY: f64 = 0.1;
/// Months before and after that say what is usual.
const NEIGHBOURS: usize = 12;
/// The share of all rows that a part must bring for its absence to matter [P].
const PART: f64 = 0.2;
/// Columns that part a table's rows into what feeds bring.
const PARTS: [&str; 3] = ["organization_id", "claim_type", "mode"];

/// What did not come in a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gap {
    /// In words.
    pub what: String,
    /// The organizations whose rows did not come, in small letters; none where it concerns all.
    pub organizations: BTreeSet<String>,
}

impl Gap {
    /// Whether a rate of the month rests on rows that did not come. Where it is known which organization's, those of the others
    /// and of practitioners stand.
    #[must_use]
    pub fn concerns(&self, key: &Key) -> bool {
        match key.level {
            _ if self.organizations.is_empty() => true,
            "organization" => self.organizations.contains(&key.level_id.to_lowercase()),
            "practitioner" | "coordinator" => false,
            _ => true,
        }
    }
}

/// Gaps by the month's first day, as days since 1970-01-01.
pub type Gaps = BTreeMap<i32, Gap>;

/// Rows by part and month: a part is a column with a value, or nothing for all rows.
type Counts = BTreeMap<Option<(String, String)>, Vec<u64>>;

/// Finds gaps, and counts the rows of each question once.
#[derive(Default)]
pub struct Finder(HashMap<String, Gaps>);

impl Finder {
    /// The months of the span in which rows that a measure rests on did not come.
    ///
    /// # Errors
    /// When a query fails.
    pub async fn gaps(&mut self, benches: &[Workbench], measure: &Measure, manifest: &Manifest) -> Result<Gaps> {
        let mut found = Gaps::new();
        for Feed { table, condition, what } in feeds_of(measure, manifest)? {
            let question = format!("{} where {condition}", table.name);
            if !self.0.contains_key(&question) {
                let counts = counts(benches, table, manifest, &condition).await?;
                let gaps = benches.first().map(|bench| of_feed(&counts, &bench.span, &what)).unwrap_or_default();
                self.0.insert(question.clone(), gaps);
            }
            for (month, gap) in self.0.get(&question).into_iter().flatten() {
                match found.entry(*month) {
                    Entry::Vacant(entry) => {
                        entry.insert(gap.clone());
                    }
                    // A gap of everyone covers those of some.
                    Entry::Occupied(mut entry) if gap.organizations.is_empty() => {
                        entry.insert(gap.clone());
                    }
                    Entry::Occupied(mut entry) if !entry.get().organizations.is_empty() => {
                        entry.get_mut().organizations.extend(gap.organizations.iter().cloned());
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
        Ok(found)
    }
}

/// Rows that come month after month.
struct Feed {
    table: &'static Contract,
    condition: String,
    what: String,
}

/// The feeds that a measure rests on.
fn feeds_of(measure: &Measure, manifest: &Manifest) -> Result<Vec<Feed>> {
    let holds = |table: &str| manifest.tables.get(table).is_some_and(|entry| entry.rows > 0);
    let mut feeds: Vec<Feed> = Vec::new();
    let mut add = |table: &str, condition: &str, what: &str| -> Result<()> {
        let table = contract::table(table)?;
        let comes = table.time.as_ref().is_some_and(|time| manifest.has_column(&table.name, time));
        let here = feeds.iter().any(|feed| feed.table.name == table.name);
        if comes && holds(&table.name) && table.name != "patient" && !SPANS.contains(&table.name.as_str()) && !here {
            feeds.push(Feed { table, condition: condition.to_owned(), what: what.to_owned() });
        }
        Ok(())
    };
    let mut named = Vec::new();
    for rows in &measure.needs_rows {
        named.push(rows.table.as_str());
    }
    let table_of = |need: &str| need.split_once('.').map(|(table, _)| table.to_owned()).unwrap_or_default();
    let mut needed: Vec<String> = measure.needs.iter().map(|need| table_of(need)).collect();
    // Of several that would do, the measure takes the first that the lake holds.
    needed.extend(measure.needs_any.iter().map(|need| table_of(need)).find(|table| holds(table)));
    for table in needed.iter().filter(|table| !named.contains(&table.as_str())) {
        add(table, "true", &table.replace('_', " "))?;
    }
    let mut feeds = feeds;
    for rows in &measure.needs_rows {
        let table = contract::table(&rows.table)?;
        let comes = table.time.as_ref().is_some_and(|time| manifest.has_column(&table.name, time));
        if comes && holds(&table.name) && !SPANS.contains(&table.name.as_str()) {
            feeds.push(Feed { table, condition: rows.condition.clone(), what: rows.what.clone() });
        }
    }
    Ok(feeds)
}

async fn counts(benches: &[Workbench], table: &Contract, manifest: &Manifest, condition: &str) -> Result<Counts> {
    let mut found = Counts::new();
    let (Some(bench), Some(time)) = (benches.first(), table.time.as_ref()) else { return Ok(found) };
    let months = bench.span.months();
    let place: HashMap<Date, usize> = months.iter().copied().zip(0..).collect();
    let groups = if table.bucket_by.is_some() { benches } else { &benches[..1] };
    let parted: Vec<&str> = PARTS
        .into_iter()
        .filter(|part| table.column(part).is_some() && manifest.has_column(&table.name, part))
        .collect();
    let parts: String = parted.iter().map(|part| format!(", lower({part}) as {part}")).collect();
    let query = format!(
        "select cast(date_trunc('month', \"{time}\") as date) as month, count(*) as found{parts} from lake.{table} \
         where \"{time}\" between date '{first}' and date '{last}' and ({condition}) group by {groups}",
        table = table.name,
        first = bench.span.first_month,
        last = bench.span.last_day(),
        groups = std::iter::once("1".to_owned())
            .chain((0..parted.len()).map(|part| (part + 3).to_string()))
            .collect::<Vec<_>>()
            .join(", "),
    );
    for bench in groups {
        for batch in bench.collect(&query).await? {
            for row in 0..batch.num_rows() {
                let month = text_at(batch.column(0), row).and_then(|text| text.parse::<Date>().ok());
                let Some(at) = month.and_then(|month| place.get(&month).copied()) else { continue };
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A count of rows.
                let rows = number_at(batch.column(1), row).unwrap_or_default() as u64;
                let of_part = parted.iter().enumerate().filter_map(|(index, part)| {
                    Some(Some(((*part).to_owned(), text_at(batch.column(index + 2), row)?)))
                });
                for key in std::iter::once(None).chain(of_part) {
                    found.entry(key).or_insert_with(|| vec![0; months.len()])[at] += rows;
                }
            }
        }
    }
    Ok(found)
}

/// The gaps of a feed: months without it as a whole, and those without a part that brings much of it.
fn of_feed(counts: &Counts, span: &Span, what: &str) -> Gaps {
    let months: Vec<i32> = span.months().into_iter().map(days).collect();
    let mut gaps = Gaps::new();
    let Some(all) = counts.get(&None) else { return gaps };
    for (place, usual) in whole(all) {
        let what = format!("{what} (usually about {usual} a month)");
        gaps.insert(months[place], Gap { what, organizations: BTreeSet::new() });
    }
    for (part, rows) in counts {
        let Some((column, value)) = part else { continue };
        for (place, usual) in in_between(rows) {
            let usual_of_all = usual_at(all, place);
            if usual as f64 >= PART * usual_of_all as f64 {
                let of_organization = column == "organization_id";
                // Who it is stands in the rates of organizations, which may be released under other names.
                let of = match column.as_str() {
                    "organization_id" => "of some organization".to_owned(),
                    "claim_type" => format!("of claim type {value}"),
                    _ => format!("by {value}"),
                };
                let gap = gaps.entry(months[place]).or_insert_with(|| Gap {
                    what: format!("{what} {of} (usually about {usual} a month)"),
                    organizations: BTreeSet::new(),
                });
                if of_organization && gap.what.contains("of some organization") {
                    gap.organizations.insert(value.clone());
                }
            }
        }
    }
    gaps
}

/// Months without a feed, each with its usual rows: those before its first and after its last rows, and gaps in between.
fn whole(rows: &[u64]) -> BTreeMap<usize, u64> {
    let mut found = in_between(rows);
    let (Some(first), Some(last)) = (rows.iter().position(|rows| *rows > 0), rows.iter().rposition(|rows| *rows > 0))
    else {
        return found;
    };
    let (begun, ended) = (usual_at(rows, first.saturating_sub(1)), usual_at(rows, last + 1));
    found.extend((0..first).filter(|_| begun >= USUAL).map(|place| (place, begun)));
    found.extend((last + 1..rows.len()).filter(|_| ended >= USUAL).map(|place| (place, ended)));
    found
}

/// Months with next to no rows, where the months beside them have many, each with what is usual.
fn in_between(rows: &[u64]) -> BTreeMap<usize, u64> {
    (0..rows.len())
        .map(|place| (place, usual_at(rows, place)))
        .filter(|(place, usual)| {
            *usual >= USUAL && rows[*place] as f64 <= FELL_AWAY * *usual as f64 && improbable(rows[*place], *usual)
        })
        .collect()
}

/// Rows of a usual month beside one: the larger of the medians of the months before and after it.
fn usual_at(rows: &[u64], place: usize) -> u64 {
    let median = |beside: &[u64]| {
        let mut beside = beside.to_vec();
        beside.sort_unstable();
        if beside.len() < 3 { 0 } else { beside[(beside.len() - 1) / 2] }
    };
    let before = median(&rows[place.saturating_sub(NEIGHBOURS)..place.min(rows.len())]);
    let after = median(&rows[(place + 1).min(rows.len())..(place + 1 + NEIGHBOURS).min(rows.len())]);
    before.max(after)
}

/// Whether chance brings so few rows, of a Poisson distribution with the usual mean, less than once in a million times.
fn improbable(rows: u64, usual: u64) -> bool {
    let mean = usual as f64;
    let mut term = (-mean).exp();
    let mut tail = term;
    for k in 1..=rows {
        term *= mean / k as f64;
        tail += term;
    }
    tail < 1e-6
}

/// What a reader must know of gaps, in a sentence; nothing without any.
#[must_use]
pub fn sentence(gaps: &Gaps) -> Option<String> {
    let mut said: Vec<(String, Vec<Date>)> = Vec::new();
    for (month, gap) in gaps {
        let month = date_of(*month);
        match said.last_mut() {
            Some((last, months)) if *last == gap.what => months.push(month),
            _ => said.push((gap.what.clone(), vec![month])),
        }
    }
    let stretch = |months: &[Date]| {
        let iso = |month: &Date| format!("{:04}-{:02}", month.year(), month.month());
        match months {
            [one] => iso(one),
            [first, .., last] => format!("{} to {}", iso(first), iso(last)),
            [] => String::new(),
        }
    };
    let parts: Vec<String> = said.iter().map(|(what, months)| format!("no {what} in {}", stretch(months))).collect();
    (!parts.is_empty()).then(|| {
        format!(
            "Data are missing: {}. These months have no value, and quarters and years leave them out.",
            parts.join("; ")
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn places(rows: &[u64]) -> Vec<usize> {
        whole(rows).into_keys().collect()
    }

    #[test]
    fn months_without_a_feed_are_found_wherever_they_lie() {
        let steady = [40, 38, 44, 41, 37, 43, 39, 40, 42, 38, 41, 40];
        let with = |changes: &[(usize, u64)]| {
            let mut rows = steady;
            changes.iter().for_each(|(place, count)| rows[*place] = *count);
            places(&rows)
        };
        assert_eq!(with(&[]), [0; 0]);
        assert_eq!(with(&[(10, 0), (11, 0)]), [10, 11]);
        assert_eq!(with(&[(5, 0)]), [5]);
        assert_eq!(with(&[(5, 3)]), [5], "next to nothing");
        assert_eq!(with(&[(5, 20)]), [0; 0], "half of it is a figure");
        assert_eq!(with(&[(0, 0), (1, 0)]), [0, 1], "it had not begun");
        assert_eq!(
            places(&[40, 41, 39, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).len(),
            16,
            "it never came back"
        );
    }

    /// Poisson numbers with a mean of 40, from a simple generator.
    fn rows_of_a_feed(seed: &mut u64, months: usize) -> Vec<u64> {
        let mut uniform = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((*seed >> 11) as f64 / (1_u64 << 53) as f64).max(f64::MIN_POSITIVE)
        };
        (0..months)
            .map(|_| {
                let (mut left, mut count) = (40.0, 0);
                loop {
                    left += uniform().ln();
                    if left < 0.0 {
                        return count;
                    }
                    count += 1;
                }
            })
            .collect()
    }

    #[test]
    fn a_broken_feed_is_named_in_every_case_and_no_steady_one_is() {
        let mut seed = 20_261_129;
        for number in 0..5_000 {
            let mut rows = rows_of_a_feed(&mut seed, 24);
            assert!(places(&rows).is_empty(), "steady: {rows:?}");
            let first = number % 24;
            let silent = (first..(first + 1 + number % 3).min(24)).collect::<Vec<_>>();
            silent.iter().for_each(|place| rows[*place] = 0);
            assert_eq!(places(&rows), silent, "{rows:?}");
        }
    }

    #[test]
    fn few_rows_may_be_none_by_chance() {
        assert_eq!(places(&[5, 4, 6, 3, 0, 5, 0, 0, 4, 5]), [0; 0]);
        assert_eq!(places(&[0, 0, 0]), [0; 0]);
    }

    #[test]
    fn an_organization_that_sends_much_and_falls_silent_makes_a_gap() {
        let counts = Counts::from([
            (None, vec![60, 60, 60, 60, 20, 60, 60, 60]),
            (Some(("organization_id".to_owned(), "h1".to_owned())), vec![40, 40, 40, 40, 0, 40, 40, 40]),
            (Some(("organization_id".to_owned(), "h2".to_owned())), vec![20; 8]),
        ]);
        let span = Span::new(jiff::civil::date(2026, 8, 1), 8, jiff::civil::date(2026, 12, 31), false).unwrap();
        let gaps = of_feed(&counts, &span, "emergency visits");
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps.values().next().unwrap().organizations, BTreeSet::from(["h1".to_owned()]));
        assert_eq!(
            sentence(&gaps).unwrap(),
            "Data are missing: no emergency visits of some organization (usually about 40 a month) in 2026-05. These months have no \
             value, and quarters and years leave them out."
        );
    }
}
