//! How many rows each feed has in each month: a feed that broke off makes a measure fall or rise for no other reason.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use carecoord_lake::contract;
use carecoord_lake::manifest::Manifest;
use jiff::civil::Date;

use crate::error::{MeasureError, Result};
use crate::rows::Cell;
use crate::span::{date_of, days};
use crate::workbench::Workbench;

/// Tables whose rows are spans: the month in which one begins says nothing of the feed.
const SPANS: [&str; 3] = ["attribution", "coverage", "program_enrollment"];
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
        let mut counts: BTreeMap<Date, u64> = span.months().into_iter().map(|month| (month, 0)).collect();
        let query = format!(
            "select cast(date_trunc('month', \"{time}\") as date) as month, count(*) as found from lake.{table} \
             where \"{time}\" between date '{first}' and date '{last}' group by 1",
            table = table.name,
            first = span.first_month,
            last = span.last_day(),
        );
        for bench in groups {
            for (month, rows) in months(bench, &query).await? {
                *counts.entry(month).or_default() += rows;
            }
        }
        found.extend(told(&table.name, &counts, threshold));
    }
    Ok(found)
}

async fn months(bench: &Workbench, query: &str) -> Result<Vec<(Date, u64)>> {
    let broken = |reason: &str| MeasureError::engine("the rows of a month", reason);
    let mut found = Vec::new();
    for batch in bench.collect(query).await? {
        let months = batch.column(0).as_primitive_opt::<Date32Type>().ok_or_else(|| broken("month"))?;
        let rows = cast(batch.column(1), &DataType::Int64).map_err(|error| broken(&error.to_string()))?;
        let rows = rows.as_primitive::<Int64Type>();
        for row in (0..batch.num_rows()).filter(|row| months.is_valid(*row)) {
            found.push((date_of(months.value(row)), u64::try_from(rows.value(row)).unwrap_or(0)));
        }
    }
    Ok(found)
}

/// A table's months with what is odd about them.
fn told(table: &str, counts: &BTreeMap<Date, u64>, threshold: u64) -> Vec<Vec<Cell>> {
    let first = counts.iter().find(|(_, rows)| **rows > 0).map(|(month, _)| *month);
    let mut since: Vec<u64> =
        counts.iter().filter(|(month, _)| first.is_some_and(|first| **month >= first)).map(|(_, rows)| *rows).collect();
    since.sort_unstable();
    let usual = since.get(since.len() / 2).copied().unwrap_or(0);
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
            let hidden = (1..threshold).contains(rows);
            vec![
                table.into(),
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
        told("referral", &months, 11).into_iter().map(|row| row[3].clone()).collect()
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
        let rows: Vec<Cell> = told("referral", &months, 11).into_iter().map(|row| row[2].clone()).collect();
        assert_eq!(rows, [Cell::Null, 11_u64.into(), 0_u64.into()]);
    }
}
