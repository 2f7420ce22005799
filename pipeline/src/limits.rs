//! Which days a column can hold. A day outside its limits is no day: it must neither end a run nor move the lake's clock.

use carecoord_lake::contract::{Column, ColumnType, Contract};

use crate::dates;

/// Days after the extract date within which a column of what has happened still holds days: the extract date is often
/// the day of the query, and rows go on to arrive while it runs.
pub const GRACE: i32 = 31;
/// The year from which the end of a span means "open-ended", and any other day is a dummy.
const FAR: i32 = 2200;

/// Why a text that reads as a date is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// A value that systems write for "no date".
    Dummy,
    /// Before 1850 or later than the column allows.
    Implausible,
    /// A day far ahead in a column in which that means that the end is open.
    OpenEnded,
}

/// The days that a column can hold, days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    first: i32,
    last: i32,
    open_end: bool,
    /// Whether it may lie on any day to come.
    unbounded: bool,
    /// The extract date, for a column of what has happened.
    pub extract_day: Option<i32>,
}

impl Limits {
    /// The limits of a column. A timestamp has those of its local date.
    #[must_use]
    pub fn new(contract: &Contract, column: &Column, extract_day: i32) -> Self {
        let local = contract.columns.iter().find(|other| other.local_date_of.as_deref() == Some(&column.name));
        let column = if column.kind == ColumnType::Timestamp { local.unwrap_or(column) } else { column };
        let ahead = column.ahead_days.unwrap_or(GRACE);
        Self {
            first: dates::days_of(1850, 1, 1).unwrap_or(i32::MIN),
            last: extract_day.saturating_add(ahead),
            open_end: column.open_end,
            unbounded: column.open_end && column.ahead_days.is_none(),
            extract_day: (column.ahead_days.is_none() && !column.open_end).then_some(extract_day),
        }
    }

    /// Whether a day far ahead means that the end is open.
    #[must_use]
    pub fn is_open_end(&self) -> bool {
        self.open_end
    }

    /// The last day that the column can hold.
    #[must_use]
    pub fn last(&self) -> i32 {
        self.last
    }

    /// Why a day is outside; nothing for one within.
    #[must_use]
    pub fn outside(&self, day: i32) -> Option<Outside> {
        if day >= self.first && day <= self.last && !DUMMIES.contains(&day) {
            return None;
        }
        let year = dates::year_of(day);
        if self.open_end && year >= FAR {
            return Some(Outside::OpenEnded);
        }
        let dummy = year >= FAR || year <= 1 || DUMMIES.contains(&day);
        if dummy {
            return Some(Outside::Dummy);
        }
        // A span may be agreed to end on any day to come.
        if self.unbounded && day >= self.first {
            return None;
        }
        Some(Outside::Implausible)
    }
}

/// 1900-01-01.
const NINETEEN_HUNDRED: i32 = -25_567;
/// 1753-01-01 (the first day of SQL Server), 1899-12-30 and 1899-12-31 (day 0 of spreadsheets), 1900-01-01.
const DUMMIES: [i32; 4] = [-79_257, -25_569, -25_568, NINETEEN_HUNDRED];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use carecoord_lake::contract;

    use super::*;

    fn outside(table: &str, column: &str, (year, month, day): (i32, u32, u32)) -> Option<Outside> {
        let contract = contract::table(table).unwrap();
        let limits = Limits::new(contract, contract.column(column).unwrap(), dates::days_of(2026, 7, 31).unwrap());
        limits.outside(dates::days_of(year, month, day).unwrap())
    }

    #[test]
    fn dummies_typing_errors_and_open_ends_are_told_apart() {
        use Outside::{Dummy, Implausible, OpenEnded};
        for (table, column, day, wanted) in [
            ("encounter", "end_date", (2026, 7, 31), None),
            ("encounter", "end_date", (2026, 8, 31), None),
            ("encounter", "end_date", (2026, 9, 1), Some(Implausible)),
            ("encounter", "end_date", (4700, 12, 31), Some(Dummy)),
            ("encounter", "start_date", (2062, 3, 3), Some(Implausible)),
            ("encounter", "start_date", (2026, 11, 15), None),
            ("encounter", "started_at", (2062, 3, 3), Some(Implausible)),
            ("patient", "birth_date", (1900, 1, 1), Some(Dummy)),
            ("patient", "birth_date", (1, 1, 1), Some(Dummy)),
            ("patient", "birth_date", (1753, 1, 1), Some(Dummy)),
            ("patient", "birth_date", (1899, 12, 30), Some(Dummy)),
            ("patient", "birth_date", (1849, 12, 31), Some(Implausible)),
            ("patient", "birth_date", (1912, 2, 29), None),
            ("patient", "deceased_date", (9999, 12, 31), Some(Dummy)),
            ("coverage", "end_date", (9999, 12, 31), Some(OpenEnded)),
            ("coverage", "end_date", (2099, 12, 31), None),
            ("coverage", "end_date", (1900, 1, 1), Some(Dummy)),
            ("appointment", "start_date", (9999, 12, 31), Some(OpenEnded)),
            ("appointment", "start_date", (2062, 3, 3), Some(Implausible)),
        ] {
            assert_eq!(outside(table, column, day), wanted, "{table}.{column} {day:?}");
        }
    }
}
