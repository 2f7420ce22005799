//! How the dates of a column are written: counted over the whole file, so that the order of day and month is never guessed
//! from a row.

use std::collections::BTreeSet;

use crate::dates::{self, Day, Zone};
use crate::mapping::DateOrder;

/// Counts of the dates whose day and month stand before the year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrderTally {
    /// Dates that only month, day, year reads.
    pub mdy_only: u64,
    /// Dates that only day, month, year reads.
    pub dmy_only: u64,
    /// Dates that both orders read, as different days.
    pub both: u64,
    /// Dates that both orders read, as the same day.
    pub same: u64,
    /// Dates that would lie after the extract date as month, day, year, in columns in which none can.
    pub mdy_future: u64,
    /// The same as day, month, year.
    pub dmy_future: u64,
}

impl OrderTally {
    /// How many dates an order reads.
    #[must_use]
    pub fn read_by(&self, order: DateOrder) -> u64 {
        self.both
            + self.same
            + match order {
                DateOrder::Mdy => self.mdy_only,
                DateOrder::Dmy => self.dmy_only,
            }
    }

    /// Dates that at least one order reads.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.mdy_only + self.dmy_only + self.both + self.same
    }

    /// The same with another column's counts.
    pub fn add(&mut self, other: &Self) {
        self.mdy_only += other.mdy_only;
        self.dmy_only += other.dmy_only;
        self.both += other.both;
        self.same += other.same;
        self.mdy_future += other.mdy_future;
        self.dmy_future += other.dmy_future;
    }
}

/// How the dates of a column are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DateTally {
    /// Dates with slashes or hyphens between numbers before the year.
    pub slashes: OrderTally,
    /// Dates with dots.
    pub dots: OrderTally,
    /// Cells that say midnight in UTC.
    pub midnight_utc: u64,
    /// Cells that say any other time.
    pub other_times: u64,
    /// Cells with a year of two digits.
    pub short_years: u64,
    /// The forms seen.
    pub forms: BTreeSet<Form>,
}

/// A form in which a date stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    day: &'static str,
    order: bool,
    time: bool,
    zone: &'static str,
}

/// The first day of the year 2100.
const YEAR_2100: i32 = 47_482;

const ISO: Form = Form { day: "%Y-%m-%d", order: false, time: false, zone: "" };

impl Form {
    /// The form in strftime's letters.
    #[must_use]
    pub fn pattern(&self, order: DateOrder) -> String {
        let day = match (self.order, order) {
            (true, DateOrder::Dmy) => self.day.replace("%m/%d", "%d/%m"),
            _ => self.day.to_owned(),
        };
        let time = if self.time { " %H:%M" } else { "" };
        format!("{day}{time}{}", self.zone)
    }
}

impl DateTally {
    /// Counts a cell. `extract_day` is the day after which none can lie, in columns in which none can.
    pub fn add(&mut self, text: &str, extract_day: Option<i32>) {
        let bytes = text.as_bytes();
        // Most cells of most extracts.
        if bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-' {
            self.forms.insert(ISO);
            return;
        }
        let Some(written) = dates::read(text) else { return };
        match (written.time, written.zone) {
            (None, _) => {}
            (Some(0 | 86_400_000_000), Some(Zone::Utc)) => self.midnight_utc += 1,
            (Some(_), _) => self.other_times += 1,
        }
        let (day, ordered, short) = match written.day {
            Day::Told { short, .. }
                if text.bytes().any(|byte| byte.is_ascii_alphabetic() && byte != b'T' && byte != b'Z')
                    && text.bytes().take(6).any(|byte| byte.is_ascii_alphabetic()) =>
            {
                (if short { "%d-%b-%y" } else { "%d-%b-%Y" }, false, short)
            }
            Day::Told { .. } => {
                (if bytes.get(4).is_some_and(u8::is_ascii_digit) { "%Y%m%d" } else { "%Y-%m-%d" }, false, false)
            }
            Day::Order { short, dots: true, .. } => (if short { "%d.%m.%y" } else { "%d.%m.%Y" }, false, short),
            Day::Order { short, dots: false, .. } => (if short { "%m/%d/%y" } else { "%m/%d/%Y" }, true, short),
            Day::Far => return,
        };
        let zone = match written.zone {
            Some(Zone::Utc) => "Z",
            Some(Zone::Offset(_)) => "%z",
            None => "",
        };
        self.forms.insert(Form { day, order: ordered, time: written.time.is_some(), zone });
        self.short_years += u64::from(short);
        let Day::Order { dots, .. } = written.day else { return };
        // Which century does not matter to the order; a day far ahead lets every year of two digits be of this one.
        let latest = extract_day.map_or(YEAR_2100, |day| day + 366);
        let read = |order| dates::day_of(written.day, order, latest);
        let tally = if dots { &mut self.dots } else { &mut self.slashes };
        let (mdy, dmy) = (read(DateOrder::Mdy), read(DateOrder::Dmy));
        match (mdy, dmy) {
            (Some(one), Some(other)) if one == other => tally.same += 1,
            (Some(_), Some(_)) => tally.both += 1,
            (Some(_), None) => tally.mdy_only += 1,
            (None, Some(_)) => tally.dmy_only += 1,
            (None, None) => {}
        }
        if let Some(extract_day) = extract_day {
            tally.mdy_future += u64::from(mdy.is_some_and(|day| day > extract_day));
            tally.dmy_future += u64::from(dmy.is_some_and(|day| day > extract_day));
        }
    }

    /// Whether the column holds midnight in UTC throughout, which is how some systems write a plain date.
    #[must_use]
    pub fn is_midnight_utc(&self) -> bool {
        self.midnight_utc > 0 && self.other_times == 0
    }
}
