//! Dates and times as extracts write them: what one cell says, and which day and instant that is.
//!
//! [`read`] takes a cell apart without guessing: it says which numbers stand where. [`Reader`] makes a day and an instant
//! of it, with what is decided once for a whole column: the order of day and month, the time zone, and whether
//! midnight in UTC stands for a plain date. A mapping that states a `format` uses [`crate::patterns`] instead.

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::mapping::DateOrder;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The day as it is written.
    pub day: Day,
    /// Microseconds since midnight; up to and including 24:00. None for a cell that holds a date alone.
    pub time: Option<i64>,
    /// The offset, where there is one.
    pub zone: Option<Zone>,
}

/// A day as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// Year, month and day are told apart by their form: `2026-03-02`, `20260302`, `2 Mar 2026`.
    Told {
        /// Year; two digits where `short`.
        year: i32,
        /// Month.
        month: u32,
        /// Day of the month.
        day: u32,
        /// Whether the year has two digits.
        short: bool,
    },
    /// Two numbers before the year, whose order the form does not tell: `3/2/2026`, `02.03.2026`.
    Order {
        /// The first number.
        first: u32,
        /// The second number.
        second: u32,
        /// Year; two digits where `short`.
        year: i32,
        /// Whether the year has two digits.
        short: bool,
        /// Whether dots stand between the numbers, which is day, month, year wherever it is customary.
        dots: bool,
    },
    /// A year of more than four digits, which systems write for "open-ended".
    Far,
}

/// The offset that a cell states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// `Z`, `UTC`, `GMT`, or an offset of zero: an instant, whose local date follows from the time zone.
    Utc,
    /// Another offset, in seconds: the written date is the local one.
    Offset(i64),
}

/// Days since 1970-01-01 of a date of the Gregorian calendar; none where there is no such date.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
#[must_use]
pub fn days_of(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let from_march = i32::try_from((month + 9) % 12).ok()?;
    let of_year = (153 * from_march + 2) / 5 + i32::try_from(day).ok()? - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The year of a day; the inverse of [`days_of`], cut off to the year.
#[must_use]
pub fn year_of(days: i32) -> i32 {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    // January and February belong to the year that began in the March before.
    year + era * 400 + i32::from(from_march >= 10)
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Takes a cell apart; none where it has none of the forms that extracts write.
#[must_use]
pub fn read(text: &str) -> Option<Written> {
    // A date joined with an empty time.
    let text = text.strip_suffix('|').unwrap_or(text);
    let mut cell = Cell { rest: text.as_bytes() };
    let (day, compact_time) = cell.day()?;
    let (time, zone) = match compact_time {
        Some(time) => (Some(time), cell.zone()?),
        None if cell.rest.is_empty() => (None, None),
        None => {
            if !cell.joint() {
                return None;
            }
            (Some(cell.time()?), cell.zone()?)
        }
    };
    cell.rest.is_empty().then_some(Written { day, time, zone })
}

struct Cell<'a> {
    rest: &'a [u8],
}

impl Cell<'_> {
    fn digits(&mut self) -> (u64, usize) {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = self.rest[..length]
            .iter()
            .fold(0_u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        self.rest = &self.rest[length..];
        (value, length)
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.rest.first() == Some(&wanted);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn blanks(&mut self) -> usize {
        let length = self.rest.iter().take_while(|byte| **byte == b' ').count();
        self.rest = &self.rest[length..];
        length
    }

    /// One or two digits up to a limit.
    fn small(&mut self, most: u64) -> Option<u32> {
        let (value, length) = self.digits();
        ((1..=2).contains(&length) && value <= most).then(|| u32::try_from(value).ok()).flatten()
    }

    /// The day, and the time where both stand in one run of digits, as HL7 version 2 writes them.
    fn day(&mut self) -> Option<(Day, Option<i64>)> {
        if let Some(month) = self.month() {
            // Mar 2, 2026
            self.take(b'.');
            self.blanks();
            let day = self.small(31)?;
            self.take(b',');
            if self.blanks() == 0 {
                return None;
            }
            let (year, length) = self.digits();
            return (length == 4).then(|| Some((told(year, month, day)?, None))).flatten();
        }
        self.take(b'+');
        let (first, length) = self.digits();
        match length {
            8 => Some((told(first / 10_000, (first / 100 % 100) as u32, (first % 100) as u32)?, None)),
            12 | 14 => {
                let (date, clock) = if length == 12 {
                    (first / 10_000, first % 10_000 * 100)
                } else {
                    (first / 1_000_000, first % 1_000_000)
                };
                let day = told(date / 10_000, (date / 100 % 100) as u32, (date % 100) as u32)?;
                let time = clock_of(clock / 10_000, clock / 100 % 100, clock % 100)?;
                Some((day, Some(time + self.fraction())))
            }
            4 => {
                let joint = *self.rest.first().filter(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
                self.take(joint);
                let month = self.small(99)?;
                if !self.take(joint) {
                    return None;
                }
                let day = self.small(99)?;
                Some((told(first, month, day)?, None))
            }
            1 | 2 => self.day_first(u32::try_from(first).ok()?),
            5.. if matches!(self.rest.first(), Some(b'-')) => {
                self.take(b'-');
                self.small(12)?;
                self.take(b'-').then_some(())?;
                self.small(31)?;
                Some((Day::Far, None))
            }
            _ => None,
        }
    }

    fn day_first(&mut self, first: u32) -> Option<(Day, Option<i64>)> {
        let joint = match self.rest.first() {
            Some(joint @ (b'/' | b'-' | b'.' | b' ')) => {
                self.rest = &self.rest[1..];
                Some(*joint)
            }
            _ => None,
        };
        if joint == Some(b'.') {
            self.blanks();
        }
        if let Some(month) = self.month() {
            // 2-Mar-2026, 02MAR2026, 2. März is not English and not read.
            self.take(b',');
            match joint {
                Some(b'/' | b'-') if !self.take(joint?) => return None,
                Some(b' ' | b'.') => {
                    self.take(b'.');
                    if self.blanks() == 0 {
                        return None;
                    }
                }
                _ => {}
            }
            let (year, length) = self.digits();
            let year = i32::try_from(year).ok()?;
            return match length {
                2 | 4 => Some((Day::Told { year, month, day: first, short: length == 2 }, None)),
                _ => None,
            };
        }
        let joint = joint.filter(|joint| *joint != b' ')?;
        let second = self.small(99)?;
        if !self.take(joint) {
            return None;
        }
        let (year, length) = self.digits();
        let year = i32::try_from(year).ok()?;
        match length {
            2 | 4 => Some((Day::Order { first, second, year, short: length == 2, dots: joint == b'.' }, None)),
            _ => None,
        }
    }

    /// An English month, whole or its first three letters, in any case.
    fn month(&mut self) -> Option<u32> {
        const MONTHS: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if length < 3 {
            return None;
        }
        let word = self.rest[..length].to_ascii_lowercase();
        let number = MONTHS.iter().position(|month| {
            month.as_bytes() == word || month.as_bytes()[..3] == word || (*month == "september" && word == b"sept")
        })?;
        self.rest = &self.rest[length..];
        u32::try_from(number + 1).ok()
    }

    /// What stands between a date and its time.
    fn joint(&mut self) -> bool {
        if self.blanks() > 0 {
            return true;
        }
        let found = self.take(b'T') || self.take(b't') || self.take(b'|') || self.take(b':') || self.take(b',');
        self.blanks();
        found
    }

    fn time(&mut self) -> Option<i64> {
        let hour = self.small(24)?;
        let mut time = if self.take(b':') {
            let minute = self.two(59)?;
            let second = if self.take(b':') { self.two(59)? } else { 0 };
            let fraction = if minute == 0 && second == 0 && !matches!(self.rest.first(), Some(b'.' | b',')) {
                0
            } else {
                self.fraction()
            };
            clock_of(u64::from(hour), u64::from(minute), u64::from(second))? + fraction
        } else {
            // 9 AM
            let half = matches!(self.rest.first(), Some(b' ' | b'A' | b'a' | b'P' | b'p'));
            half.then(|| clock_of(u64::from(hour), 0, 0))??
        };
        let before = self.rest;
        self.blanks();
        let half = match self.rest {
            [half @ (b'A' | b'a' | b'P' | b'p'), b'M' | b'm', ..] => Some(half.to_ascii_uppercase()),
            _ => None,
        };
        match half {
            Some(half) => {
                self.rest = &self.rest[2..];
                let hours = time / 3_600_000_000;
                if !(1..=12).contains(&hours) {
                    return None;
                }
                time += match (half, hours) {
                    (b'A', 12) => -12 * 3_600_000_000,
                    (b'P', 12) | (b'A', _) => 0,
                    _ => 12 * 3_600_000_000,
                };
            }
            None => self.rest = before,
        }
        (time <= DAY).then_some(time)
    }

    fn two(&mut self, most: u64) -> Option<u32> {
        let (value, length) = self.digits();
        (length == 2 && value <= most).then(|| u32::try_from(value).ok()).flatten()
    }

    /// A fraction of a second, in microseconds.
    fn fraction(&mut self) -> i64 {
        let [b'.' | b',', digit, ..] = self.rest else { return 0 };
        if !digit.is_ascii_digit() {
            return 0;
        }
        self.rest = &self.rest[1..];
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut micros = 0;
        for place in 0..6 {
            micros = micros * 10 + if place < length { i64::from(self.rest[place] - b'0') } else { 0 };
        }
        self.rest = &self.rest[length..];
        micros
    }

    /// The offset behind a time; an error as none of `Option`, no offset as `Some(None)`.
    #[allow(clippy::option_option)] // The outer one says whether the text has the form, the inner one what it says.
    fn zone(&mut self) -> Option<Option<Zone>> {
        self.blanks();
        let zone = match self.rest {
            [] => return Some(None),
            [b'Z' | b'z', ..] => {
                self.rest = &self.rest[1..];
                Zone::Utc
            }
            [a, b, c, ..] if matches!(&[*a, *b, *c].map(|letter| letter.to_ascii_uppercase()), b"UTC" | b"GMT") => {
                self.rest = &self.rest[3..];
                Zone::Utc
            }
            [sign @ (b'+' | b'-'), ..] => {
                self.rest = &self.rest[1..];
                let (digits, length) = self.digits();
                let (hours, minutes) = match length {
                    1 | 2 => {
                        let minutes = if self.take(b':') { u64::from(self.two(59)?) } else { 0 };
                        (digits, minutes)
                    }
                    4 => (digits / 100, digits % 100),
                    _ => return None,
                };
                if hours > 18 || minutes > 59 {
                    return None;
                }
                let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
                match seconds {
                    0 => Zone::Utc,
                    _ if *sign == b'-' => Zone::Offset(-seconds),
                    _ => Zone::Offset(seconds),
                }
            }
            _ => return None,
        };
        // Java writes the zone's name behind its offset: -05:00[America/New_York].
        if self.rest.first() == Some(&b'[') && self.rest.last() == Some(&b']') {
            self.rest = &[];
        }
        Some(Some(zone))
    }
}

fn told(year: u64, month: u32, day: u32) -> Option<Day> {
    Some(Day::Told { year: i32::try_from(year).ok()?, month, day, short: false })
}

fn clock_of(hours: u64, minutes: u64, seconds: u64) -> Option<i64> {
    let seconds = i64::try_from(hours * 3600 + minutes * 60 + seconds).ok()?;
    (hours <= 24 && minutes <= 59 && seconds <= 86_400 && seconds % 60 <= 59).then_some(seconds * 1_000_000)
}

/// The day that a day as written is, under an order of day and month. A year of two digits is the latest such year in
/// which the day does not lie after `latest` (days since 1970-01-01).
#[must_use]
pub fn day_of(day: Day, order: DateOrder, latest: i32) -> Option<i32> {
    let (year, month, day, short) = match day {
        Day::Told { year, month, day, short } => (year, month, day, short),
        Day::Order { first, second, year, short, .. } => match order {
            DateOrder::Mdy => (year, first, second, short),
            DateOrder::Dmy => (year, second, first, short),
        },
        Day::Far => return None,
    };
    if !short {
        return days_of(year, month, day);
    }
    let century = year_of(latest).div_euclid(100) * 100;
    let this = days_of(century + year, month, day).filter(|days| *days <= latest);
    this.or_else(|| days_of(century - 100 + year, month, day))
}

/// What is decided once for a column, so that every cell of it is read alike.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Order of day and month where slashes or hyphens stand between the numbers.
    pub order: DateOrder,
    /// Order of day and month where dots do.
    pub dots: DateOrder,
    /// Whether the column holds midnight in UTC throughout, which is how some systems write a plain date.
    pub midnight_is_date: bool,
    /// The latest day that the column allows, days since 1970-01-01: it picks the century of years of two digits.
    pub latest: i32,
    /// Zone of times without an offset, and of the local date of instants; none for UTC.
    pub zone: Option<TimeZone>,
}

/// Which reading of an hour that the clock shows twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// The first, before the clock is put back.
    First,
    /// The second, after it.
    Second,
}

impl Reader {
    fn day(&self, written: &Written) -> Option<i32> {
        let order = match written.day {
            Day::Order { dots: true, .. } => self.dots,
            _ => self.order,
        };
        day_of(written.day, order, self.latest)
    }

    /// The local date that a cell says, days since 1970-01-01.
    #[must_use]
    pub fn date(&self, text: &str) -> Option<i32> {
        // Most cells of most extracts: a plain ISO date.
        let bytes = text.as_bytes();
        if let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes
            && [y1, y2, y3, y4, m1, m2, d1, d2].iter().all(|digit| digit.is_ascii_digit())
        {
            let number = |digits: &[&u8]| digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(**digit - b'0'));
            return days_of(i32::try_from(number(&[y1, y2, y3, y4])).ok()?, number(&[m1, m2]), number(&[d1, d2]));
        }
        let written = read(text)?;
        let day = self.day(&written)?;
        let Some(time) = written.time else { return Some(day) };
        match (written.zone, &self.zone) {
            (Some(Zone::Utc), Some(zone)) if !(self.midnight_is_date && time % DAY == 0) => {
                let instant = i64::from(day) * DAY + time;
                let offset = zone.to_offset(Timestamp::from_microsecond(instant).ok()?).seconds();
                i32::try_from((instant + i64::from(offset) * 1_000_000).div_euclid(DAY)).ok()
            }
            _ => Some(day + i32::from(time == DAY)),
        }
    }

    /// The instant that a cell says, microseconds since 1970-01-01 in UTC; none for a cell that holds a date alone, and
    /// for a local time that the spring change of the clock skips.
    #[must_use]
    pub fn instant(&self, text: &str, repeated: Repeated) -> Option<i64> {
        let written = read(text)?;
        let time = written.time?;
        if self.midnight_is_date && written.zone == Some(Zone::Utc) && time % DAY == 0 {
            return None;
        }
        let local = i64::from(self.day(&written)?) * DAY + time;
        match (written.zone, &self.zone) {
            (Some(Zone::Offset(seconds)), _) => Some(local - seconds * 1_000_000),
            (Some(Zone::Utc), _) | (None, None) => Some(local),
            (None, Some(zone)) => {
                let civil = TimeZone::UTC.to_datetime(Timestamp::from_microsecond(local).ok()?);
                let offset = match zone.to_ambiguous_timestamp(civil).offset() {
                    AmbiguousOffset::Unambiguous { offset } => offset,
                    AmbiguousOffset::Fold { before, after } => match repeated {
                        Repeated::First => before,
                        Repeated::Second => after,
                    },
                    AmbiguousOffset::Gap { .. } => return None,
                };
                Some(local - i64::from(offset.seconds()) * 1_000_000)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn reader(order: DateOrder, zone: &str) -> Reader {
        let zone = (zone != "UTC").then(|| TimeZone::get(zone).unwrap());
        let latest = days_of(2026, 7, 31).unwrap();
        Reader { order, dots: DateOrder::Dmy, midnight_is_date: false, latest, zone }
    }

    fn iso(days: Option<i32>) -> String {
        days.map_or_else(
            || "none".to_owned(),
            |days| jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(days)).to_string(),
        )
    }

    #[test]
    fn days_agree_with_the_calendar() {
        let mut date = jiff::civil::date(1582, 10, 15);
        while date < jiff::civil::date(2450, 1, 1) {
            let wanted = jiff::civil::date(1970, 1, 1).until((jiff::Unit::Day, date)).unwrap().get_days();
            let found =
                days_of(date.year().into(), date.month().unsigned_abs().into(), date.day().unsigned_abs().into());
            assert_eq!(found, Some(wanted), "{date}");
            assert_eq!(year_of(wanted), i32::from(date.year()), "{date}");
            date = date.saturating_add(jiff::Span::new().days(13));
        }
        for (year, month, day) in
            [(2025, 2, 29), (1900, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0)]
        {
            assert_eq!(days_of(year, month, day), None);
        }
        assert_eq!(days_of(2000, 2, 29), Some(11016));
    }

    #[test]
    fn forms_that_name_the_month_or_begin_with_the_year_need_no_order() {
        for text in [
            "2026-03-02",
            "2026-3-2",
            "2026/03/02",
            "2026.3.2",
            "20260302",
            "2-Mar-2026",
            "02-MAR-2026",
            "2 March 2026",
            "02MAR2026",
            "Mar 2, 2026",
            "March 02 2026",
            "2-Mar-26",
            "20260302101500",
            "202603021015",
            "20260302T10:15",
            "2026-03-02 10:15:00.123456",
            "02MAR2026:10:15:00",
            "2026-03-02T10:15:00-05:00[America/New_York]",
            "20260302101500.000-0500",
            "2026-03-02 10:15 AM",
            "2026-03-02 9 AM",
            "2026-03-02T10:15:00,5",
        ] {
            for order in [DateOrder::Mdy, DateOrder::Dmy] {
                assert_eq!(iso(reader(order, "America/New_York").date(text)), "2026-03-02", "{text}");
            }
        }
    }

    #[test]
    fn numbers_before_the_year_follow_the_order() {
        for text in ["3/2/2026", "03/02/2026", "3-2-2026", "3/2/26", "03/02/2026 23:59", "3/2/2026 11:59 PM"] {
            assert_eq!(iso(reader(DateOrder::Mdy, "UTC").date(text)), "2026-03-02", "{text}");
            assert_eq!(iso(reader(DateOrder::Dmy, "UTC").date(text)), "2026-02-03", "{text}");
        }
        assert_eq!(iso(reader(DateOrder::Mdy, "UTC").date("02.03.2026")), "2026-03-02");
        assert_eq!(iso(reader(DateOrder::Mdy, "UTC").date("2. 3. 2026")), "none");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "x",
            "202601200",
            "20260112*",
            "2026-02-31",
            "31/31/2026",
            "2026-13-01",
            "12",
            "2026",
            "2026-01",
            "1/2",
            "1/2/3456789",
            "1/2-2026",
            "2026-01-01T",
            "2026-01-01 25:00",
            "2026-01-01 24:01",
            "2026-01-01 10:60",
            "2026-01-01 1:2",
            "2026-01-01 13:00 PM",
            "2026-01-01 0:30 AM",
            "2026-01-01 10:00 X",
            "2026-01-01 10:00+99",
            "2026-01-01 0915",
            "Smarch 3, 2026",
            "2026-01-01 10:00:00.x",
            "4.71E+11",
            "292278994-08-17",
        ] {
            assert_eq!(iso(reader(DateOrder::Mdy, "UTC").date(text)), "none", "{text}");
        }
        assert_eq!(read("292278994-08-17T07:12:55Z").unwrap().day, Day::Far);
    }

    #[test]
    fn a_year_of_two_digits_is_the_latest_that_is_not_in_the_future() {
        let reader = reader(DateOrder::Mdy, "UTC");
        assert_eq!(iso(reader.date("3/2/26")), "2026-03-02");
        assert_eq!(iso(reader.date("8/2/26")), "1926-08-02");
        assert_eq!(iso(reader.date("3/2/50")), "1950-03-02");
        assert_eq!(iso(reader.date("2-Feb-00")), "2000-02-02");
    }

    #[test]
    fn an_offset_of_zero_is_utc_and_any_other_keeps_its_written_date() {
        let reader = reader(DateOrder::Mdy, "America/New_York");
        for text in ["2026-04-01 02:10:00Z", "2026-04-01 02:10:00+00:00", "2026-04-01T02:10-00", "2026-04-01 02:10 UTC"]
        {
            assert_eq!(iso(reader.date(text)), "2026-03-31", "{text}");
        }
        for text in ["2026-04-01 02:10:00-05", "2026-04-01 02:10:00-05:00", "2026-04-01 02:10:00 -0500"] {
            assert_eq!(iso(reader.date(text)), "2026-04-01", "{text}");
            let instant = Timestamp::from_microsecond(reader.instant(text, Repeated::First).unwrap()).unwrap();
            assert_eq!(instant.to_string(), "2026-04-01T07:10:00Z", "{text}");
        }
    }

    #[test]
    fn midnight_at_the_end_of_a_day_is_the_next_day() {
        let reader = reader(DateOrder::Mdy, "America/New_York");
        assert_eq!(iso(reader.date("2026-01-08 24:00")), "2026-01-09");
        let instant = reader.instant("2026-01-08 24:00", Repeated::First).unwrap();
        assert_eq!(Timestamp::from_microsecond(instant).unwrap().to_string(), "2026-01-09T05:00:00Z");
        assert_eq!(reader.instant("2026-01-08", Repeated::First), None);
    }

    #[test]
    fn an_hour_that_the_clock_shows_twice_has_two_readings_and_one_that_it_skips_none() {
        let reader = reader(DateOrder::Mdy, "America/New_York");
        let first = reader.instant("2025-11-02 01:30", Repeated::First).unwrap();
        let second = reader.instant("2025-11-02 01:30", Repeated::Second).unwrap();
        assert_eq!(second - first, 3_600_000_000);
        assert_eq!(reader.instant("2026-03-08 02:30", Repeated::First), None);
        assert_eq!(iso(reader.date("2026-03-08 02:30")), "2026-03-08");
    }

    #[test]
    fn a_column_of_midnights_in_utc_holds_dates() {
        let mut reader = reader(DateOrder::Mdy, "America/New_York");
        assert_eq!(iso(reader.date("2026-02-01T00:00:00Z")), "2026-01-31");
        reader.midnight_is_date = true;
        assert_eq!(iso(reader.date("2026-02-01T00:00:00Z")), "2026-02-01");
        assert_eq!(reader.instant("2026-02-01T00:00:00Z", Repeated::First), None);
    }
}
