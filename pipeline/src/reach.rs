//! How far each table reaches in time, so that a feed that broke off is not taken for a quiet month.

use std::collections::BTreeMap;

/// Rows of each table by month, months since 1970-01.
#[derive(Debug, Default)]
pub struct Reach {
    tables: BTreeMap<String, BTreeMap<i32, u64>>,
}

/// Months before the end that say what a month usually brings.
const USUAL: i32 = 6;
/// Rows that every month brings in a feed of which one silent month means something.
const LEAST: u64 = 10;
/// Rows that every month brings in a feed of which two silent months do.
const LEAST_FOR_TWO: u64 = 4;

/// A feed that broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokeOff {
    /// Table.
    pub table: String,
    /// Last month with rows, months since 1970-01.
    pub last: i32,
    /// Rows that a month usually brought before.
    pub usual: u64,
    /// Whole months without rows up to the clock.
    pub silent: i32,
}

impl Reach {
    /// Notes the months of a table.
    pub fn note(&mut self, table: &str, months: BTreeMap<i32, u64>) {
        self.tables.insert(table.to_owned(), months);
    }

    /// The feeds in which at least one whole month before the clock's month has no rows, although each of the six months
    /// before had at least ten (four, where two months have none).
    #[must_use]
    pub fn broke_off(&self, clock_month: i32) -> Vec<BrokeOff> {
        let mut found = Vec::new();
        for (table, months) in &self.tables {
            let Some(last) = months.range(..=clock_month).next_back().map(|(month, _)| *month) else { continue };
            let silent = clock_month - 1 - last;
            let before: Vec<u64> = (last - USUAL..last).map(|month| months.get(&month).copied().unwrap_or(0)).collect();
            let wanted = if silent >= 2 { LEAST_FOR_TWO } else { LEAST };
            if silent >= 1 && before.iter().all(|rows| *rows >= wanted) {
                let usual = before.iter().sum::<u64>() / before.len() as u64;
                found.push(BrokeOff { table: table.clone(), last, usual, silent });
            }
        }
        found
    }
}

/// A month as text.
#[must_use]
pub fn iso_month(month: i32) -> String {
    format!("{:04}-{:02}", 1970 + month.div_euclid(12), month.rem_euclid(12) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_feed_that_was_steady_can_break_off() {
        let mut reach = Reach::default();
        reach.note("encounter", (600..=610).map(|month| (month, 40)).collect());
        reach.note("survey_response", (600..=610).map(|month| (month, if month % 2 == 0 { 40 } else { 0 })).collect());
        reach.note("claim_line", (600..=612).map(|month| (month, 40)).collect());
        let found = reach.broke_off(613);
        assert_eq!(found, [BrokeOff { table: "encounter".to_owned(), last: 610, usual: 40, silent: 2 }]);
        assert_eq!(iso_month(found[0].last), "2020-11");
    }
}
