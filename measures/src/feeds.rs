//! How many rows each feed has in each month: a feed that broke off makes a measure fall or rise for no other reason.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use carecoord_lake::contract;
use carecoord_lake::manifest::Manifest;
use jiff::civil::Date;

use crate::error::{MeasureError, Result};
use crate::rows::Cell;
use crate::span::{date_of, days};
use crate::workbench::{Workbench, text_at};

/// Tables whose rows are spans: the month in which one begins says nothing of the feed.
const SPANS: [&str; 3] = ["attribution", "coverage", "program_enrollment"];
/// Columns by which feeds bring a table's rows apart: a dead emergency feed does not show among all encounters.
const PARTS: [(&str, &str); 3] = [("claim_line", "claim_type"), ("encounter", "class"), ("referral_event", "step")];
/// Below this share of the usual month a month is low [P].
const LOW: f64 = 0.5;
/// Where the usual month has fewer rows than this, chance alone makes low ones [P].
const ENOUGH: u64 = 24;

/// Rows of the results table `feed_month`, over all groups of buckets.
///
/// # Errors
/// When a query fails.
pub async fn rows(benches: &[Workbench], manifest: &Manifest, threshold: u64) -> Result<Vec<Vec<Cell>>> {
    let Some(Workbench { span, .. }) = benches.first() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for table in contract::tables()? {
        let Some(time) = table.time.as_ref().filter(|_| !SPANS.contains(&table.name.as_str())) else { continue };
        if !manifest.has_column(&table.name, time)
            || manifest.tables.get(&table.name).is_none_or(|entry| entry.rows == 0)
        {
            continue;
        }
        // A table without buckets stands whole in every group.
        let groups = if table.bucket_by.is_some() { benches } else { &benches[..1] };
        let none: BTreeMap<Date, u64> = span.months().into_iter().map(|month| (month, 0)).collect();
        let mut counts = none.clone();
        let mut parts: BTreeMap<String, BTreeMap<Date, u64>> = BTreeMap::new();
        let by = PARTS.into_iter().find(|(name, column)| *name == table.name && manifest.has_column(name, column));
        let query = format!(
            "select cast(date_trunc('month', \"{time}\") as date) as month, count(*) as found, {part} as part \
             from lake.{table} where \"{time}\" between date '{first}' and date '{last}' group by 1, 3",
            part = by.map_or("cast(null as varchar)", |(_, column)| column),
            table = table.name,
            first = span.first_month,
            last = span.last_day(),
        );
        for bench in groups {
            for (month, rows, part) in months(bench, &query).await? {
                *counts.entry(month).or_default() += rows;
                if let Some(part) = part {
                    *parts.entry(part).or_insert_with(|| none.clone()).entry(month).or_default() += rows;
                }
            }
        }
        found.extend(described(&table.name, None, &counts, &hidden(&counts, threshold)));
        parts.retain(|_, counts| usual(counts) >= ENOUGH);
        let together = hidden_parts(&counts, &parts, threshold);
        for (part, counts) in &parts {
            let hidden = together.get(part).cloned().unwrap_or_default();
            found.extend(described(&table.name, Some(part), counts, &hidden));
        }
    }
    Ok(found)
}

async fn months(bench: &Workbench, query: &str) -> Result<Vec<(Date, u64, Option<String>)>> {
    let broken = |reason: &str| MeasureError::engine("the rows of a month", reason);
    let mut found = Vec::new();
    for batch in bench.collect(query).await? {
        let months = batch.column(0).as_primitive_opt::<Date32Type>().ok_or_else(|| broken("month"))?;
        let rows = cast(batch.column(1), &DataType::Int64).map_err(|error| broken(&error.to_string()))?;
        let rows = rows.as_primitive::<Int64Type>();
        for row in (0..batch.num_rows()).filter(|row| months.is_valid(*row)) {
            let part = text_at(batch.column(2), row);
            found.push((date_of(months.value(row)), u64::try_from(rows.value(row)).unwrap_or(0), part));
        }
    }
    Ok(found)
}

/// Months whose rows are too few to be shown.
fn hidden(counts: &BTreeMap<Date, u64>, threshold: u64) -> BTreeSet<Date> {
    counts.iter().filter(|(_, rows)| (1..threshold).contains(*rows)).map(|(month, _)| *month).collect()
}

/// The same for the parts of a table. What no part holds is a part of its own, which the total gives away: where one alone is
/// hidden, so is the smallest other one.
fn hidden_parts(
    all: &BTreeMap<Date, u64>,
    parts: &BTreeMap<String, BTreeMap<Date, u64>>,
    threshold: u64,
) -> BTreeMap<String, BTreeSet<Date>> {
    let mut found: BTreeMap<String, BTreeSet<Date>> =
        parts.iter().map(|(part, counts)| (part.clone(), hidden(counts, threshold))).collect();
    let months: BTreeSet<Date> = parts.values().flat_map(BTreeMap::keys).copied().collect();
    for month in months {
        let at = |part: &str| parts.get(part).and_then(|counts| counts.get(&month)).copied().unwrap_or(0);
        let is_hidden = |part: &String| found.get(part).is_some_and(|months| months.contains(&month));
        let listed: u64 = parts.keys().map(|part| at(part)).sum();
        let rest = all.get(&month).copied().unwrap_or(0).saturating_sub(listed);
        let small = usize::from((1..threshold).contains(&rest));
        if parts.keys().filter(|part| is_hidden(part)).count() + small != 1 {
            continue;
        }
        let others = parts.keys().filter(|part| !is_hidden(part) && at(part) > 0);
        if let Some(other) = others.min_by_key(|part| at(part)).cloned() {
            found.entry(other).or_default().insert(month);
        }
    }
    found
}

/// The first month with rows.
fn begun(counts: &BTreeMap<Date, u64>) -> Option<Date> {
    counts.iter().find(|(_, rows)| **rows > 0).map(|(month, _)| *month)
}

/// Rows of a usual month: the median since the first.
fn usual(counts: &BTreeMap<Date, u64>) -> u64 {
    let Some(first) = begun(counts) else { return 0 };
    let mut since: Vec<u64> = counts.range(first..).map(|(_, rows)| *rows).collect();
    since.sort_unstable();
    since.get(since.len() / 2).copied().unwrap_or(0)
}

/// The months of a table or of a part of it, with what is odd about them.
fn described(table: &str, part: Option<&str>, counts: &BTreeMap<Date, u64>, hidden: &BTreeSet<Date>) -> Vec<Vec<Cell>> {
    let (first, usual) = (begun(counts), usual(counts));
    let note = |month: &Date, rows: u64| {
        let began = first.is_some_and(|first| *month > first);
        match rows {
            0 if began => Some("missing"),
            rows if began && usual >= ENOUGH && (rows as f64) < LOW * usual as f64 => Some("low"),
            _ => None,
        }
    };
    counts
        .iter()
        .map(|(month, rows)| {
            let hidden = hidden.contains(month);
            vec![
                table.into(),
                part.map(str::to_owned).into(),
                Cell::Date(days(*month)),
                if hidden { Cell::Null } else { (*rows).into() },
                note(month, *rows).into(),
                if hidden { "suppressed" } else { "shown" }.into(),
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;

    fn notes(counts: &[u64]) -> Vec<Cell> {
        let months: BTreeMap<Date, u64> =
            (0_i32..).zip(counts).map(|(index, rows)| (date(2026, 1, 1) + index.months(), *rows)).collect();
        described("referral", None, &months, &hidden(&months, 11)).into_iter().map(|row| row[4].clone()).collect()
    }

    #[test]
    fn a_feed_that_breaks_off_is_seen_and_one_that_has_not_begun_is_not() {
        let (none, missing, low) = (Cell::Null, Cell::from("missing"), Cell::from("low"));
        assert_eq!(
            notes(&[0, 40, 100, 100, 49, 50, 0, 100, 100]),
            [&none, &none, &none, &none, &low, &none, &missing, &none, &none].map(Clone::clone)
        );
        assert_eq!(notes(&[20, 20, 3, 0]), [none.clone(), none.clone(), none.clone(), missing.clone()], "few rows");
        assert_eq!(notes(&[0, 0]), [none.clone(), none]);
    }

    #[test]
    fn few_rows_are_suppressed_and_none_is_a_number() {
        let months = BTreeMap::from([(date(2026, 1, 1), 10), (date(2026, 2, 1), 11), (date(2026, 3, 1), 0)]);
        let hidden = hidden(&months, 11);
        let rows: Vec<Cell> =
            described("referral", None, &months, &hidden).into_iter().map(|row| row[3].clone()).collect();
        assert_eq!(rows, [Cell::Null, 11_u64.into(), 0_u64.into()]);
    }

    #[test]
    fn a_small_part_is_not_given_away_by_the_others() {
        let month = date(2026, 1, 1);
        let part = |rows: u64| BTreeMap::from([(month, rows)]);
        let parts = BTreeMap::from([
            ("emergency".to_owned(), part(5)),
            ("inpatient".to_owned(), part(60)),
            ("ambulatory".to_owned(), part(90)),
        ]);
        let all = part(155);
        let found = hidden_parts(&all, &parts, 11);
        assert!(found["emergency"].contains(&month) && found["inpatient"].contains(&month));
        assert!(found["ambulatory"].is_empty());
        // What is left out as too small would follow from the total.
        let parts = BTreeMap::from([("ambulatory".to_owned(), part(100))]);
        assert!(hidden_parts(&part(105), &parts, 11)["ambulatory"].contains(&month));
        assert!(hidden_parts(&part(100), &parts, 11)["ambulatory"].is_empty());
    }
}
