//! Date and time patterns: stated by the mapping, or found once for each file; never guessed row by row.

use polars::prelude::*;

use crate::mapping::DateOrder;

/// How a column of dates or times is written in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// strftime letters.
    pub format: String,
    /// What it holds.
    pub holds: Holds,
}

/// What a pattern holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A calendar date.
    Date,
    /// A local date and time without an offset.
    LocalTime,
    /// An instant whose text ends in `Z`.
    UtcTime,
    /// An instant with its offset, such as `-05:00`.
    OffsetTime,
}

impl Pattern {
    fn new(format: &str, holds: Holds) -> Self {
        Self { format: format.to_owned(), holds }
    }

    /// The pattern that a mapping states.
    #[must_use]
    pub fn stated(format: &str) -> Self {
        let holds = if format.contains("%z") || format.contains("%:z") || format.contains("%#z") {
            Holds::OffsetTime
        } else if format.ends_with('Z') {
            Holds::UtcTime
        } else if format.contains("%H") || format.contains("%I") || format.contains("%T") {
            Holds::LocalTime
        } else {
            Holds::Date
        };
        Self::new(format, holds)
    }

    /// The pattern that reads most of the samples; ISO 8601 where none reads any.
    #[must_use]
    pub fn find(samples: &[String], order: DateOrder) -> Self {
        let mut best = (0, Self::new("%Y-%m-%d", Holds::Date));
        for candidate in candidates(order) {
            let read = samples.iter().filter(|sample| candidate.shape_fits(sample)).count();
            if read > best.0 {
                best = (read, candidate);
            }
        }
        best.1
    }

    /// Whether a text has the shape of the pattern; Polars has the last word on whether the date exists.
    fn shape_fits(&self, text: &str) -> bool {
        let mut rest = text;
        let mut letters = self.format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                let Some(shorter) = rest.strip_prefix(letter) else { return false };
                rest = shorter;
                continue;
            }
            let digits = match letters.next() {
                Some('Y') => 4,
                Some('.') => {
                    letters.next();
                    if let Some(fraction) = rest.strip_prefix('.') {
                        rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
                    }
                    continue;
                }
                Some('z') => return offset_fits(rest),
                _ => 2,
            };
            if rest.len() < digits || !rest.as_bytes()[..digits].iter().all(u8::is_ascii_digit) {
                return false;
            }
            rest = &rest[digits..];
        }
        rest.is_empty()
    }

    /// The date that a text column holds, local where it holds a time.
    pub fn date(&self, text: Expr, time_zone: &str) -> Expr {
        match self.holds {
            Holds::Date => self.parse(text, DataType::Date),
            Holds::LocalTime => self.parse(text, self.raw_type()).dt().date(),
            Holds::OffsetTime => {
                // The written date is the local one; the offset only decides which instant it is.
                let valid = self.parse(text.clone(), self.raw_type()).is_not_null();
                let written = text.str().replace(lit(r"\s*[+-]\d{2}:?\d{2}$"), lit(""), false);
                let local = Self::new(self.format.trim_end_matches("%z").trim_end(), Holds::LocalTime);
                let date = local.parse(written, local.raw_type()).dt().date();
                when(valid).then(date).otherwise(lit(NULL).cast(DataType::Date))
            }
            Holds::UtcTime => {
                let instant = self.instant(text, time_zone);
                if time_zone == "UTC" {
                    instant.dt().date()
                } else {
                    instant.dt().convert_time_zone(zone(time_zone)).dt().date()
                }
            }
        }
    }

    /// The instant that a text column holds, in UTC; null throughout for a pattern without a time.
    pub fn instant(&self, text: Expr, time_zone: &str) -> Expr {
        let utc = DataType::Datetime(TimeUnit::Microseconds, Some(zone("UTC")));
        match self.holds {
            Holds::Date => lit(NULL).cast(utc),
            Holds::UtcTime => self.parse(text, self.raw_type()).dt().replace_time_zone(
                Some(zone("UTC")),
                lit("earliest"),
                NonExistent::Null,
            ),
            Holds::OffsetTime => self.parse(text, self.raw_type()),
            Holds::LocalTime => self
                .parse(text, self.raw_type())
                .dt()
                .replace_time_zone(Some(zone(time_zone)), lit("earliest"), NonExistent::Null)
                .dt()
                .convert_time_zone(zone("UTC")),
        }
    }

    fn raw_type(&self) -> DataType {
        let zone = (self.holds == Holds::OffsetTime).then(|| zone("UTC"));
        DataType::Datetime(TimeUnit::Microseconds, zone)
    }

    fn parse(&self, text: Expr, kind: DataType) -> Expr {
        let options =
            StrptimeOptions { format: Some(self.format.as_str().into()), strict: false, exact: true, cache: true };
        text.str().strptime(kind, options, lit("earliest"))
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::opt_try_new(Some(PlSmallStr::from_str(name))).ok().flatten().unwrap_or(TimeZone::UTC)
}

fn offset_fits(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().skip(1).filter(|byte| *byte != b':').collect();
    text.starts_with(['+', '-']) && digits.len() == 4 && digits.iter().all(u8::is_ascii_digit)
}

fn candidates(order: DateOrder) -> Vec<Pattern> {
    let slashes = match order {
        DateOrder::Mdy => "%m/%d/%Y",
        DateOrder::Dmy => "%d/%m/%Y",
    };
    let dots = "%d.%m.%Y";
    let mut found = Vec::new();
    for date in ["%Y-%m-%d", "%Y%m%d", slashes, dots, "%Y/%m/%d"] {
        found.push(Pattern::new(date, Holds::Date));
        for joint in ['T', ' '] {
            for time in ["%H:%M:%S%.f", "%H:%M:%S", "%H:%M"] {
                found.push(Pattern::new(&format!("{date}{joint}{time}"), Holds::LocalTime));
                if date == "%Y-%m-%d" {
                    found.push(Pattern::new(&format!("{date}{joint}{time}Z"), Holds::UtcTime));
                    found.push(Pattern::new(&format!("{date}{joint}{time}%z"), Holds::OffsetTime));
                }
            }
        }
    }
    // A pattern that also takes fractions reads whole seconds too; put the plain one first, it is faster.
    found.sort_by_key(|pattern| pattern.format.contains("%.f"));
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(samples: &[&str], order: DateOrder, time_zone: &str) -> (Pattern, Vec<String>, Vec<String>) {
        let texts: Vec<String> = samples.iter().map(|text| (*text).to_owned()).collect();
        let pattern = Pattern::find(&texts, order);
        let frame = df!("t" => texts).unwrap().lazy();
        let frame = frame
            .select([
                pattern.date(col("t"), time_zone).cast(DataType::String).alias("d"),
                pattern.instant(col("t"), time_zone).cast(DataType::String).alias("i"),
            ])
            .collect()
            .unwrap();
        let texts = |name: &str| {
            frame.column(name).unwrap().str().unwrap().iter().map(|text| text.unwrap_or("null").to_owned()).collect()
        };
        (pattern, texts("d"), texts("i"))
    }

    #[test]
    fn impossible_dates_are_null_whatever_the_pattern() {
        let (_, dates, _) = read(&["2025-02-28", "2025-02-31", "2025-2-x"], DateOrder::Mdy, "UTC");
        assert_eq!(dates, ["2025-02-28", "null", "null"]);
        let (_, dates, _) = read(&["28/02/2025", "31/02/2025", "01/03/2025"], DateOrder::Dmy, "UTC");
        assert_eq!(dates, ["2025-02-28", "null", "2025-03-01"]);
        let (_, dates, _) = read(&["20250228", "20250231"], DateOrder::Mdy, "UTC");
        assert_eq!(dates, ["2025-02-28", "null"]);
    }

    #[test]
    fn an_offset_keeps_the_written_local_date_and_the_true_instant() {
        let (pattern, dates, instants) =
            read(&["2025-03-01T23:30:00-05:00", "2025-07-01T00:10:00-04:00"], DateOrder::Mdy, "America/New_York");
        assert_eq!(pattern.holds, Holds::OffsetTime);
        assert_eq!(dates, ["2025-03-01", "2025-07-01"]);
        assert!(instants[0].starts_with("2025-03-02 04:30:00"), "{instants:?}");
    }

    #[test]
    fn a_z_is_utc_and_its_local_date_follows_the_time_zone() {
        let (_, dates, instants) = read(&["2025-03-02T02:30:00Z"], DateOrder::Mdy, "America/New_York");
        assert_eq!(dates, ["2025-03-01"]);
        assert!(instants[0].starts_with("2025-03-02 02:30:00"), "{instants:?}");
        let (_, dates, _) = read(&["2025-03-02T02:30:00Z", "2025-03-02T02:30:00.123Z"], DateOrder::Mdy, "UTC");
        assert_eq!(dates[0], "2025-03-02");
    }

    #[test]
    fn a_stated_pattern_gives_the_date_that_its_text_says() {
        let cases = [
            ("%d-%b-%Y %H:%M", "01-JAN-2026 10:30", "2026-01-01"),
            ("%m/%d/%y %H:%M", "01/02/26 10:30", "2026-01-02"),
            ("%d %b %Y %I:%M %p", "03 Feb 2026 11:59 PM", "2026-02-03"),
            ("%d.%m.%Y %H:%M:%S %z", "01.03.2026 23:30:00 -0500", "2026-03-01"),
        ];
        for (format, text, wanted) in cases {
            let pattern = Pattern::stated(format);
            let frame = df!("t" => [text]).unwrap().lazy();
            let frame =
                frame.select([pattern.date(col("t"), "UTC").cast(DataType::String).alias("d")]).collect().unwrap();
            assert_eq!(frame.column("d").unwrap().str().unwrap().get(0), Some(wanted), "{format}");
        }
    }

    #[test]
    fn a_time_without_offset_is_local() {
        let (pattern, dates, instants) = read(&["03/01/2025 22:15"], DateOrder::Mdy, "America/New_York");
        assert_eq!(pattern.format, "%m/%d/%Y %H:%M");
        assert_eq!(dates, ["2025-03-01"]);
        assert!(instants[0].starts_with("2025-03-02 03:15:00"), "{instants:?}");
    }
}
