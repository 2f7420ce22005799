//! Days and minutes as whole numbers, and back to text, fast enough for millions of rows.
//!
//! A day is counted from 1970-01-01, a minute from its midnight (UTC). The conversions are Howard Hinnant's
//! `civil_from_days` and `days_from_civil` ("chrono-Compatible Low-Level Date Algorithms").

use jiff::civil::Date;

/// Days since 1970-01-01.
pub(crate) type Day = i64;
/// Minutes since 1970-01-01T00:00Z.
pub(crate) type Minute = i64;

/// Minutes of a day.
pub(crate) const DAY_MINUTES: i64 = 1440;

/// The day of a calendar date.
pub(crate) fn day_of(date: Date) -> Day {
    let (month, day) = (i64::from(date.month()), i64::from(date.day()));
    let year = i64::from(date.year()) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of the month.
pub(crate) fn civil(day: Day) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The day itself, or the Monday after it if it falls on a weekend.
pub(crate) fn weekday(day: Day) -> Day {
    // 1970-01-01 was a Thursday: counted from Monday, day 0 is 3.
    match (day + 3).rem_euclid(7) {
        5 => day + 2,
        6 => day + 1,
        _ => day,
    }
}

/// The day that lies this many business days after `day`.
pub(crate) fn business_days_after(day: Day, days: i64) -> Day {
    (0..days).fold(day, |reached, _| weekday(reached + 1))
}

/// The day on which a minute falls.
pub(crate) fn day_at(minute: Minute) -> Day {
    minute.div_euclid(DAY_MINUTES)
}

fn digits(out: &mut Vec<u8>, number: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

/// Writes a day as `2026-03-05`.
pub(crate) fn write_day(out: &mut Vec<u8>, day: Day) {
    let (year, month, day) = civil(day);
    digits(out, year, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
}

/// Writes a minute as `2026-03-05T14:20:00Z`.
pub(crate) fn write_minute(out: &mut Vec<u8>, minute: Minute) {
    write_day(out, day_at(minute));
    out.push(b'T');
    let of_day = minute.rem_euclid(DAY_MINUTES);
    digits(out, of_day / 60, 2);
    out.push(b':');
    digits(out, of_day % 60, 2);
    out.extend_from_slice(b":00Z");
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn days_agree_with_jiff_over_two_centuries() {
        let mut date = date(1880, 1, 1);
        let mut day = day_of(date);
        while date.year() < 2080 {
            assert_eq!(day_of(date), day);
            assert_eq!(civil(day), (i64::from(date.year()), i64::from(date.month()), i64::from(date.day())));
            date = date.tomorrow().expect("within range");
            day += 1;
        }
        assert_eq!(day_of(jiff::civil::date(1970, 1, 1)), 0);
    }

    #[test]
    fn text_is_iso_8601() {
        let mut out = Vec::new();
        write_minute(&mut out, day_of(date(2026, 3, 5)) * DAY_MINUTES + 14 * 60 + 20);
        assert_eq!(out, b"2026-03-05T14:20:00Z");
    }

    #[test]
    fn weekends_move_to_monday() {
        let friday = day_of(date(2026, 11, 20));
        assert_eq!(weekday(friday), friday);
        assert_eq!(weekday(friday + 1), friday + 3);
        assert_eq!(business_days_after(friday, 2), friday + 4);
    }
}
