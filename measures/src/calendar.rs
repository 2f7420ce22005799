//! Years, months and days of dates that are numbers of days, without a calculation for each row.

use std::sync::LazyLock;

use jiff::civil::{Date, date};

use crate::span::{date_of, days};

const FIRST: Date = date(1850, 1, 1);
const LAST: Date = date(2250, 12, 31);

struct Calendar {
    first: i32,
    /// Year, month and day as one number `yyyymmdd`, a day after the other.
    days: Vec<i32>,
}

static CALENDAR: LazyLock<Calendar> = LazyLock::new(|| {
    let numbers = FIRST.series(jiff::ToSpan::day(1)).take_while(|day| *day <= LAST).map(number);
    Calendar { first: days(FIRST), days: numbers.collect() }
});

fn number(day: Date) -> i32 {
    i32::from(day.year()) * 10_000 + i32::from(day.month()) * 100 + i32::from(day.day())
}

/// A day as `yyyymmdd`. `day` is a number of days since 1970-01-01.
#[must_use]
pub fn yyyymmdd(day: i32) -> i32 {
    let place = usize::try_from(i64::from(day) - i64::from(CALENDAR.first)).ok();
    place.and_then(|place| CALENDAR.days.get(place).copied()).unwrap_or_else(|| number(date_of(day)))
}

/// The first day of the month that a day lies in, both as days since 1970-01-01.
#[must_use]
pub fn first_of_month(day: i32) -> i32 {
    // Nothing is measured on a day that is no date. Such a number must only not end the run.
    day.saturating_sub(yyyymmdd(day) % 100 - 1)
}

/// Completed years between two days. Before the first of them it is 0 or negative.
#[must_use]
pub fn age_at(birth: i32, day: i32) -> i32 {
    (yyyymmdd(day) - yyyymmdd(birth)) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthday_completes_a_year() {
        let day = |year, month, of_month| days(date(year, month, of_month));
        assert_eq!(age_at(day(1959, 8, 10), day(2024, 8, 9)), 64);
        assert_eq!(age_at(day(1959, 8, 10), day(2024, 8, 10)), 65);
        // Born on 29 February: a year older on 1 March.
        assert_eq!(age_at(day(2000, 2, 29), day(2018, 2, 28)), 17);
        assert_eq!(age_at(day(2000, 2, 29), day(2018, 3, 1)), 18);
        assert_eq!(age_at(day(2024, 5, 1), day(2024, 4, 1)), 0);
    }

    #[test]
    fn dates_of_any_year_have_a_month() {
        for (year, month, of_month) in [(1, 1, 1), (1849, 12, 31), (2024, 2, 29), (2251, 1, 1), (9999, 12, 31)] {
            let day = date(year, month, of_month);
            assert_eq!(first_of_month(days(day)), days(day.first_of_month()), "{day}");
            assert_eq!(yyyymmdd(days(day)), number(day));
        }
        // Numbers that are no date end no run.
        for day in [i32::MIN, i32::MAX] {
            assert!(age_at(0, day).abs() > 7_000 && first_of_month(day) != 0);
        }
    }
}
