//! Rows of each table by month: whether a feed broke off or came in part.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Serialize;

use crate::format;
use crate::model::{FeedMonth, Results};

/// Width of a month and height of a drawing, in its own units.
const MONTH: i64 = 5;
const HEIGHT: i64 = 24;

/// Tables by month.
#[derive(Debug, Serialize)]
pub struct Feeds {
    /// First and last month.
    span: String,
    rows: Vec<FeedRow>,
    /// Whether some month of some table is odd.
    odd: bool,
}

/// One table.
#[derive(Debug, Serialize)]
struct FeedRow {
    table: String,
    bars: String,
    usual: String,
    latest: String,
    /// Months that are odd, in words; empty for none.
    odd: String,
}

impl Feeds {
    /// Nothing where the results do not tell.
    pub fn new(results: &Results) -> Option<Self> {
        let mut months: Vec<&FeedMonth> = results.feed_months.iter().collect();
        months.sort_by(|one, other| {
            (&one.table_name, &one.part, one.month).cmp(&(&other.table_name, &other.part, other.month))
        });
        let (first, last) = (months.iter().map(|row| row.month).min()?, months.iter().map(|row| row.month).max()?);
        let rows: Vec<FeedRow> = months
            .chunk_by(|one, other| (&one.table_name, &one.part) == (&other.table_name, &other.part))
            .map(feed)
            .collect();
        Some(Self {
            span: format!("{} to {}", format::month(first), format::month(last)),
            odd: rows.iter().any(|row| !row.odd.is_empty()),
            rows,
        })
    }
}

fn feed(months: &[&FeedMonth]) -> FeedRow {
    let mut known: Vec<i64> = months.iter().filter_map(|row| row.rows).collect();
    known.sort_unstable();
    let few = || "few".to_owned();
    FeedRow {
        table: months.first().map(|row| name(row)).unwrap_or_default(),
        bars: bars(months, known.last().copied().unwrap_or(0)),
        usual: known.get(known.len() / 2).map_or_else(few, |rows| format::count(*rows)),
        latest: months.last().map_or_else(few, |row| row.rows.map_or_else(few, format::count)),
        odd: [("missing", "no rows in"), ("low", "less than half the usual in")]
            .into_iter()
            .filter_map(|(note, words)| {
                let odd: Vec<Date> = months.iter().filter(|row| row.note == note).map(|row| row.month).collect();
                (!odd.is_empty()).then(|| format!("{words} {}", stretches(&odd)))
            })
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// The table in words, with the class or type of its rows.
fn name(row: &FeedMonth) -> String {
    let table = row.table_name.replace('_', " ");
    if row.part.is_empty() { table } else { format!("{table}: {}", row.part.replace('_', " ")) }
}

/// Months in words, neighbours as one stretch.
fn stretches(months: &[Date]) -> String {
    months
        .chunk_by(|one, other| format::months_between(*one, *other) == 1)
        .map(|stretch| match stretch {
            [first, .., last] => format!("{} to {}", format::month(*first), format::month(*last)),
            _ => stretch.iter().map(|month| format::month(*month)).collect(),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// One bar for each month.
fn bars(months: &[&FeedMonth], most: i64) -> String {
    let mut path = String::new();
    for (place, month) in (0..).zip(months) {
        // Few rows are suppressed; a stump says that there are some.
        let share = month.rows.map_or(1, |rows| (rows * HEIGHT + most - 1).checked_div(most).unwrap_or(0));
        if share > 0 {
            // Writing to a text cannot fail.
            let _ = write!(path, "M{} {HEIGHT}v-{share}", place * MONTH + 2);
        }
    }
    let width = MONTH * i64::try_from(months.len()).unwrap_or(0);
    format!("<svg class=bars viewBox=\"0 0 {width} {HEIGHT}\" aria-hidden=true><path d=\"{path}\"/></svg>")
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;

    #[test]
    fn odd_months_are_named_and_few_rows_are_not_numbers() {
        let month = |index: i32, rows: Option<i64>, note: &str| FeedMonth {
            table_name: "care_plan".to_owned(),
            part: String::new(),
            month: date(2026, 1, 1) + index.months(),
            rows,
            note: note.to_owned(),
        };
        let months = [
            month(0, Some(100), ""),
            month(1, Some(0), "missing"),
            month(2, Some(0), "missing"),
            month(3, None, ""),
            month(4, Some(30), "low"),
        ];
        let row = feed(&months.iter().collect::<Vec<_>>());
        assert_eq!(row.odd, "no rows in Feb 2026 to Mar 2026; less than half the usual in May 2026");
        assert_eq!((row.table.as_str(), row.usual.as_str(), row.latest.as_str()), ("care plan", "30", "30"));
        assert!(row.bars.contains("d=\"M2 24v-24M17 24v-1M22 24v-8\""), "{}", row.bars);
    }
}
