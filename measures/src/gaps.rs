//! Months in which rows that a measure rests on did not come: they are neither 0 nor a signal.
//!
//! The rows are the `feeds` of the measure's definition, counted by month, and by organization, type of claim or mode of survey
//! within them: outpatient rows go on when an emergency feed breaks off, and one hospital sends while another does not. A measure
//! that looks forward rests on the rows of every month that its horizon touches.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use carecoord_lake::contract::{self, Contract};
use carecoord_lake::manifest::Manifest;
use jiff::civil::Date;

use crate::definition::Measure;
use crate::error::Result;
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
/// The share of months with rows, between the first and the last, from which a feed comes month after month [P].
const REGULAR: f64 = 0.75;
/// The latest months without a part that may be a late delivery; where more are, it has ended [P].
const TAIL: usize = 2;
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
    /// The months of the span whose values rest on rows that did not come.
    ///
    /// # Errors
    /// When a query fails.
    pub async fn gaps(&mut self, benches: &[Workbench], measure: &Measure, manifest: &Manifest) -> Result<Gaps> {
        let mut found = Gaps::new();
        let Some(bench) = benches.first() else { return Ok(found) };
        for feed in &measure.feeds {
            let table = contract::table(&feed.table)?;
            let holds = manifest.tables.get(&table.name).is_some_and(|entry| entry.rows > 0);
            let dated = table.time.as_ref().is_some_and(|time| manifest.has_column(&table.name, time));
            if !holds || !dated {
                continue;
            }
            let at_once = measure.window_days == 0;
            let question = format!("{} where {} {at_once}", feed.table, feed.condition);
            if !self.0.contains_key(&question) {
                let counts = counts(benches, table, manifest, &feed.condition).await?;
                self.0.insert(question.clone(), of_feed(&counts, &bench.span, &feed.what, at_once));
            }
            for (month, gap) in self.0.get(&question).into_iter().flatten() {
                for touched in resting_on(*month, measure.window_days, &bench.span) {
                    add(&mut found, touched, gap);
                }
            }
        }
        Ok(found)
    }
}

/// The months whose horizon touches a month: the month itself and those before it from whose last day the horizon reaches it.
fn resting_on(month: i32, window_days: i64, span: &Span) -> Vec<i32> {
    let reaches = |other: &i32| {
        *other <= month && i64::from(month) <= i64::from(days(date_of(*other).last_of_month())) + window_days
    };
    span.months().into_iter().map(days).filter(reaches).collect()
}

fn add(gaps: &mut Gaps, month: i32, gap: &Gap) {
    match gaps.entry(month) {
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
    let parts = parted.iter().map(|part| format!(", lower({part}) as {part}")).collect::<Vec<_>>().concat();
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

/// The gaps of a feed: months without it as a whole, and those without a part that brings much of it, where the other parts do
/// not bring more instead. `from_the_first` says whether months before its first rows are gaps too.
fn of_feed(counts: &Counts, span: &Span, what: &str, from_the_first: bool) -> Gaps {
    let months: Vec<i32> = span.months().into_iter().map(days).collect();
    let mut gaps = Gaps::new();
    let Some(all) = counts.get(&None) else { return gaps };
    for (place, usual) in whole(all, from_the_first) {
        let what = format!("{what} (usually about {usual} a month)");
        gaps.insert(months[place], Gap { what, organizations: BTreeSet::new() });
    }
    for (part, rows) in counts {
        let Some((column, value)) = part else { continue };
        for (place, usual) in of_part(rows) {
            let usual_of_all = usual_at(all, place);
            let much = usual as f64 >= PART * usual_of_all as f64;
            let made_up = all[place] as f64 > usual_of_all as f64 - 0.5 * usual as f64;
            if !much || made_up {
                continue;
            }
            let of_organization = column == "organization_id";
            // Who it is stands in the rates of organizations, which may be released under other names.
            let of = match column.as_str() {
                "organization_id" => "of some organization".to_owned(),
                "claim_type" => format!("of claim type {value}"),
                _ => format!("by {value}"),
            };
            let mut gap =
                Gap { what: format!("{what} {of} (usually about {usual} a month)"), organizations: BTreeSet::new() };
            if of_organization {
                gap.organizations.insert(value.clone());
            }
            add(&mut gaps, months[place], &gap);
        }
    }
    gaps
}

/// Months without a feed, each with its usual rows: gaps in between, those after its last rows, and if asked those before its first.
fn whole(rows: &[u64], from_the_first: bool) -> BTreeMap<usize, u64> {
    let Some((first, last)) = regular(rows) else { return BTreeMap::new() };
    let mut found: BTreeMap<usize, u64> =
        in_between(rows).into_iter().filter(|(place, _)| (first..=last).contains(place)).collect();
    let (begun, ended) = (usual_at(rows, first.saturating_sub(1)), usual_at(rows, last + 1));
    found.extend((0..first).filter(|_| from_the_first && begun >= USUAL).map(|place| (place, begun)));
    found.extend((last + 1..rows.len()).filter(|_| ended >= USUAL).map(|place| (place, ended)));
    found
}

/// Months without a part: between months with it, or no more than the latest two. A part that begins, or that ended long ago, is a
/// clinic that opened or closed.
fn of_part(rows: &[u64]) -> BTreeMap<usize, u64> {
    let Some((first, last)) = regular(rows) else { return BTreeMap::new() };
    let tail = if rows.len() - 1 - last <= TAIL { rows.len() } else { last + 1 };
    in_between(rows).into_iter().filter(|(place, _)| (first..tail).contains(place)).collect()
}

/// The first and the last month with rows, where most months between them have some.
fn regular(rows: &[u64]) -> Option<(usize, usize)> {
    let first = rows.iter().position(|rows| *rows > 0)?;
    let last = rows.iter().rposition(|rows| *rows > 0)?;
    let with = rows[first..=last].iter().filter(|rows| **rows > 0).count();
    (with as f64 >= REGULAR * (last + 1 - first) as f64).then_some((first, last))
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
        whole(rows, true).into_keys().collect()
    }

    #[test]
    fn months_without_a_feed_are_found_wherever_they_lie() {
        let steady = [40, 38, 44, 41, 37, 43, 39, 40, 42, 38, 41, 40];
        let with = |changes: &[(usize, u64)]| {
            let mut rows = steady;
            for (place, count) in changes {
                rows[*place] = *count;
            }
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
            for place in &silent {
                rows[*place] = 0;
            }
            assert_eq!(places(&rows), silent, "{rows:?}");
        }
    }

    #[test]
    fn few_rows_may_be_none_by_chance() {
        assert_eq!(places(&[5, 4, 6, 3, 0, 5, 0, 0, 4, 5]), [0; 0]);
        assert_eq!(places(&[0, 0, 0]), [0; 0]);
    }

    #[test]
    fn a_clinic_that_opens_or_closes_is_no_gap() {
        let steady =
            |from: usize, to: usize| (0..24).map(|month| if (from..to).contains(&month) { 60 } else { 0 }).collect();
        let rows: Vec<u64> = steady(12, 24);
        assert_eq!(of_part(&rows), BTreeMap::new(), "it opened");
        let rows: Vec<u64> = steady(0, 12);
        assert_eq!(of_part(&rows), BTreeMap::new(), "it closed");
        let rows: Vec<u64> = steady(0, 22);
        assert_eq!(of_part(&rows).into_keys().collect::<Vec<_>>(), [22, 23], "two months may be late");
        let other: Vec<u64> = (0..24).map(|month| if month % 2 == 0 { 60 } else { 0 }).collect();
        assert_eq!(whole(&other, true), BTreeMap::new(), "it comes every second month");
    }

    #[test]
    fn a_horizon_rests_on_the_months_that_it_reaches() {
        let span = Span::new(jiff::civil::date(2026, 6, 1), 6, jiff::civil::date(2026, 12, 31), false).unwrap();
        let on = |window| -> Vec<String> {
            let month = days(jiff::civil::date(2026, 4, 1));
            resting_on(month, window, &span).into_iter().map(|month| date_of(month).to_string()).collect()
        };
        assert_eq!(on(0), ["2026-04-01"]);
        assert_eq!(on(1), ["2026-03-01", "2026-04-01"]);
        // The last day of January is 60 days before the first of April.
        assert_eq!(on(60), ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]);
        assert_eq!(on(59), ["2026-02-01", "2026-03-01", "2026-04-01"]);
    }

    #[test]
    fn an_organization_that_sends_much_and_falls_silent_makes_a_gap() {
        let counts = Counts::from([
            (None, vec![60, 60, 60, 60, 20, 60, 60, 60]),
            (Some(("organization_id".to_owned(), "h1".to_owned())), vec![40, 40, 40, 40, 0, 40, 40, 40]),
            (Some(("organization_id".to_owned(), "h2".to_owned())), vec![20; 8]),
        ]);
        let span = Span::new(jiff::civil::date(2026, 8, 1), 8, jiff::civil::date(2026, 12, 31), false).unwrap();
        let gaps = of_feed(&counts, &span, "emergency visits", true);
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps.values().next().unwrap().organizations, BTreeSet::from(["h1".to_owned()]));
        assert_eq!(
            sentence(&gaps).unwrap(),
            "Data are missing: no emergency visits of some organization (usually about 40 a month) in 2026-05. These months have no \
             value, and quarters and years leave them out."
        );
    }
}
