//! Date and time patterns that a mapping states, in strftime's letters; Polars parses them.

use polars::prelude::*;

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

    /// The date that a text column holds, local where it holds a time.
    pub fn date(&self, text: Expr, time_zone: &str) -> Expr {
        match self.holds {
            Holds::Date => self.parse(text, DataType::Date),
            Holds::LocalTime => self.parse(text, self.raw_type()).dt().date(),
            Holds::OffsetTime => {
                // The written date is the local one; the offset only decides which instant it is. An offset of zero is
                // how programs write UTC, and then the time zone tells the local date.
                let instant = self.parse(text.clone(), self.raw_type());
                let zero = text.clone().str().contains(lit(r"[+-]00:?(00)?$"), true);
                let written = text.str().replace(lit(r"\s*[+-]\d{2}:?(\d{2})?$"), lit(""), false);
                let format = ["%:z", "%#z", "%z"].iter().find_map(|offset| self.format.strip_suffix(offset));
                let local = Self::new(format.unwrap_or(&self.format).trim_end(), Holds::LocalTime);
                let date = local.parse(written, local.raw_type()).dt().date();
                let moved = instant.clone().dt().convert_time_zone(zone(time_zone)).dt().date();
                when(instant.is_not_null())
                    .then(when(zero).then(moved).otherwise(date))
                    .otherwise(lit(NULL).cast(DataType::Date))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn date(format: &str, text: &str, time_zone: &str) -> String {
        let frame = df!("t" => [text]).unwrap().lazy();
        let date = Pattern::stated(format).date(col("t"), time_zone).cast(DataType::String).alias("d");
        frame.select([date]).collect().unwrap().column("d").unwrap().str().unwrap().get(0).unwrap_or("none").to_owned()
    }

    #[test]
    fn a_stated_pattern_gives_the_date_that_its_text_says() {
        for (format, text, wanted) in [
            ("%d-%b-%Y %H:%M", "01-JAN-2026 10:30", "2026-01-01"),
            ("%m/%d/%y %H:%M", "01/02/26 10:30", "2026-01-02"),
            ("%d %b %Y %I:%M %p", "03 Feb 2026 11:59 PM", "2026-02-03"),
            ("%d.%m.%Y %H:%M:%S %z", "01.03.2026 23:30:00 -0500", "2026-03-01"),
            ("%Y-%m-%d %H:%M:%S%:z", "2026-03-01 23:30:00-05:00", "2026-03-01"),
            ("%Y-%m-%d", "2026-02-31", "none"),
        ] {
            assert_eq!(date(format, text, "UTC"), wanted, "{format}");
        }
    }

    #[test]
    fn utc_is_moved_to_the_time_zone_however_it_is_written() {
        assert_eq!(date("%Y-%m-%dT%H:%MZ", "2026-03-02T02:30Z", "America/New_York"), "2026-03-01");
        assert_eq!(date("%Y-%m-%dT%H:%M%z", "2026-03-02T02:30+0000", "America/New_York"), "2026-03-01");
        assert_eq!(date("%Y-%m-%dT%H:%M%z", "2026-03-02T02:30-0500", "America/New_York"), "2026-03-02");
    }
}
