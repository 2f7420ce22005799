//! The measured span: months, the day on which the extracts were taken, and how far each feed is loaded.

use carecoord_lake::manifest::{Manifest, TableEntry};
use jiff::civil::Date;
use jiff::{ToSpan, Unit};

use crate::definition::Feed;
use crate::error::{MeasureError, Result};

/// Months that a run measures at most: a hundred years.
const MOST_MONTHS: i64 = 1_200;
/// Years of which a month can be reported. Windows and run-outs then stay within what a date can be.
const YEARS: std::ops::RangeInclusive<i16> = 1850..=2200;

/// What is measured, and when the data were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// First day of the first month.
    pub first_month: Date,
    /// First day of the month reported, the last one measured.
    pub report_month: Date,
    /// Day on which the extracts were taken.
    pub extract_date: Date,
    /// Whether no one stated that day, so that the last date in the data stands in for it.
    pub extract_date_assumed: bool,
}

impl Span {
    /// A span of `months` months that ends with the month reported.
    ///
    /// # Errors
    /// When there are no months.
    pub fn new(report_month: Date, months: i64, extract_date: Date, extract_date_assumed: bool) -> Result<Self> {
        let setting = |what: &str, reason: String| MeasureError::Setting { what: what.to_owned(), reason };
        if !(1..=MOST_MONTHS).contains(&months) {
            return Err(setting("months", format!("{months}; 1 to {MOST_MONTHS} are possible")));
        }
        if !YEARS.contains(&report_month.year()) {
            let (first, last) = (YEARS.start(), YEARS.end());
            return Err(setting("month", format!("{report_month}; years from {first} to {last} are possible")));
        }
        let report_month = report_month.first_of_month();
        let first_month = report_month.saturating_sub((months - 1).months());
        Ok(Self { first_month, report_month, extract_date, extract_date_assumed })
    }

    /// The last month that is over on the day of the extract.
    #[must_use]
    pub fn last_whole_month(extract_date: Date) -> Date {
        if extract_date == extract_date.last_of_month() {
            extract_date.first_of_month()
        } else {
            extract_date.first_of_month().saturating_sub(1.month())
        }
    }

    /// Last day measured.
    #[must_use]
    pub fn last_day(&self) -> Date {
        self.report_month.last_of_month()
    }

    /// First days of all months, in order.
    #[must_use]
    pub fn months(&self) -> Vec<Date> {
        let mut months = Vec::new();
        let mut month = self.first_month;
        while month <= self.report_month {
            months.push(month);
            month = month.saturating_add(1.month());
        }
        months
    }

    /// The day up to which a feed is loaded and believed complete: extract date less run-out (`measures.md` 0.4).
    #[must_use]
    pub fn data_through(&self, feed: Feed) -> Date {
        self.extract_date.saturating_sub(feed.runout_days().days())
    }

    /// Whether a period that ends on `last_day` is final for a window W and a feed: `last_day + W + R <= extract_date`.
    #[must_use]
    pub fn is_final(&self, last_day: Date, window_days: i64, feed: Feed) -> bool {
        last_day.saturating_add((window_days + feed.runout_days()).days()) <= self.extract_date
    }
}

/// Days since 1970-01-01.
#[must_use]
pub fn days(date: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until((Unit::Day, date)).map_or(0, |span| span.get_days())
}

/// The date of a number of days since 1970-01-01; the first or the last date that there is for numbers beyond them.
#[must_use]
pub fn date_of(days: i32) -> Date {
    let since = jiff::Span::new().try_days(i64::from(days));
    let date = since.and_then(|since| jiff::civil::date(1970, 1, 1).checked_add(since));
    date.unwrap_or(if days < 0 { Date::MIN } else { Date::MAX })
}

/// First day of the period of this length that a month lies in.
#[must_use]
pub fn period_start(kind: &str, month: Date) -> Date {
    match kind {
        "year" => jiff::civil::date(month.year(), 1, 1),
        "quarter" => jiff::civil::date(month.year(), (month.month() - 1) / 3 * 3 + 1, 1),
        _ => month.first_of_month(),
    }
}

/// Last day of the period of this length that begins on a day.
#[must_use]
pub fn period_end(kind: &str, start: Date) -> Date {
    let months = match kind {
        "year" => 12,
        "quarter" => 3,
        _ => 1,
    };
    start.saturating_add((months - 1).months()).last_of_month()
}

/// The span that a lake and the options ask for. The extract date is what someone stated, else the last date of the
/// first of these tables in which something happened: encounter, referral, claim line, survey response, any other.
///
/// # Errors
/// When the lake holds no dates or a date cannot be read.
pub fn span_of(manifest: &Manifest, report_month: Option<Date>, months: i64) -> Result<Span> {
    let setting = |what: &str, reason: String| MeasureError::Setting { what: what.to_owned(), reason };
    let parse = |text: &str| text.parse::<Date>().map_err(|error| setting("extract_date", format!("{text}: {error}")));
    // A lake from before the last day of what happened was kept has only the last day of all rows.
    let last = |entry: &TableEntry| entry.last_happened.clone().or_else(|| entry.last_date.clone());
    let last_of = |table: &str| manifest.tables.get(table).and_then(last);
    let seen = ["encounter", "referral", "claim_line", "survey_response"].into_iter().find_map(last_of);
    let seen = seen.or_else(|| manifest.tables.values().filter_map(|entry| entry.last_happened.clone()).max());
    let seen = seen.or_else(|| manifest.tables.values().filter_map(|entry| entry.last_date.clone()).max());
    let (extract_date, assumed) = match (&manifest.extract_date, seen) {
        (Some(stated), _) => (parse(stated)?, false),
        (None, Some(seen)) => (parse(&seen)?, true),
        (None, None) => {
            return Err(setting(
                "extract_date",
                "the lake holds no dated rows; state the day with --extract-date".to_owned(),
            ));
        }
    };
    let report_month = report_month.unwrap_or_else(|| Span::last_whole_month(extract_date));
    Span::new(report_month, months, extract_date, assumed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_month_is_final_when_its_last_day_has_been_followed_up_in_loaded_data() {
        let span = Span::new(date(2025, 6, 1), 6, date(2025, 7, 23), false).expect("months");
        assert_eq!(span.first_month, date(2025, 1, 1));
        assert_eq!(span.data_through(Feed::Ehr), date(2025, 7, 20));
        // 20 June + 30 = 20 July is loaded; the month's last day, 30 June, is not followed up yet.
        assert!(!span.is_final(date(2025, 6, 30), 30, Feed::Ehr));
        assert!(span.is_final(date(2025, 6, 20), 30, Feed::Ehr));
        assert_eq!(Span::last_whole_month(date(2025, 6, 30)), date(2025, 6, 1));
        assert_eq!(Span::last_whole_month(date(2025, 6, 29)), date(2025, 5, 1));
        assert_eq!(period_end("quarter", date(2025, 4, 1)), date(2025, 6, 30));
        assert_eq!(date_of(days(date(2024, 2, 29))), date(2024, 2, 29));
    }
}
