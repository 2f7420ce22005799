//! Numbers and dates as a reader expects them: thousands separators, a true minus sign, months by name; as the locale says.

use jiff::civil::Date;

use crate::locale::Locale;
use crate::model::Measure;

/// A whole number with thousands separators.
pub fn count(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", separated(&number.unsigned_abs().to_string()))
}

/// A number with so many decimals and thousands separators; never "−0".
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let negative = value < 0.0 && text.contains(|digit: char| digit.is_ascii_digit() && digit != '0');
    let sign = if negative { "−" } else { "" };
    let decimal = &Locale::current().numbers.decimal;
    let fraction = fraction.map(|digits| format!("{decimal}{digits}")).unwrap_or_default();
    format!("{sign}{}{fraction}", separated(whole))
}

/// A sum of units: without decimals where it is whole or they would not matter, with two elsewhere.
pub fn amount(value: f64) -> String {
    if value.abs() >= 1000.0 || (value - value.round()).abs() < 1e-9 { number(value, 0) } else { number(value, 2) }
}

fn separated(digits: &str) -> String {
    let locale = Locale::current();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(&locale.numbers.group);
        }
        text.push(digit);
    }
    text
}

fn name_of(names: &[String; 12], date: Date) -> &str {
    usize::try_from(date.month()).ok().and_then(|month| names.get(month - 1)).map_or("", String::as_str)
}

fn filled(pattern: &str, date: Date, month: &str) -> String {
    pattern
        .replace("{day}", &date.day().to_string())
        .replace("{quarter}", &((date.month() - 1) / 3 + 1).to_string())
        .replace("{year}", &date.year().to_string())
        .replace("{month}", month)
}

/// "August 2026".
pub fn month_long(date: Date) -> String {
    let dates = &Locale::current().dates;
    filled(&dates.month, date, name_of(&dates.months, date))
}

/// "Aug 2026".
pub fn month(date: Date) -> String {
    let dates = &Locale::current().dates;
    filled(&dates.month, date, name_of(&dates.short_months, date))
}

/// "Aug".
pub fn month_short(date: Date) -> String {
    name_of(&Locale::current().dates.short_months, date).to_owned()
}

/// "21 November 2026".
pub fn day(date: Date) -> String {
    let dates = &Locale::current().dates;
    filled(&dates.day, date, name_of(&dates.months, date))
}

/// The period in the words of its length: "Aug 2026", "Q3 2026", "2026".
pub fn period(kind: &str, date: Date) -> String {
    match kind {
        "quarter" => filled(&Locale::current().dates.quarter, date, ""),
        "year" => date.year().to_string(),
        _ => month(date),
    }
}

/// Months from one date's month to another's; negative where the other is earlier.
pub fn months_between(from: Date, to: Date) -> i32 {
    (i32::from(to.year()) - i32::from(from.year())) * 12 + i32::from(to.month()) - i32::from(from.month())
}

/// How a measure's values are written: "12.8%", "$412.30", "61.2".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFormat {
    /// Before the number.
    pub prefix: String,
    /// Directly after the number.
    pub suffix: &'static str,
    /// Rest of the unit, in words, for a caption or a smaller text after the value; may be empty.
    pub unit: String,
    /// Decimals.
    pub decimals: usize,
}

impl ValueFormat {
    /// The format of a measure's displayed values.
    pub fn of(measure: &Measure) -> Self {
        let decimals = usize::try_from(measure.decimals).unwrap_or(0).min(6);
        let unit = measure.value_unit.trim();
        let plain = |prefix: &str, suffix, unit: &str| Self {
            prefix: prefix.to_owned(),
            suffix,
            unit: unit.trim().to_owned(),
            decimals,
        };
        if let Some(rest) = unit.strip_prefix('%') {
            plain("", "%", rest)
        } else if let Some(rest) = unit.strip_prefix("US$").or(unit.strip_prefix('$')).or(unit.strip_prefix("USD")) {
            plain("$", "", rest)
        } else if let Some((code, rest)) = currency(unit) {
            plain(&format!("{code}\u{a0}"), "", rest)
        } else {
            plain("", "", unit)
        }
    }

    /// A value with its sign of unit.
    pub fn value(&self, value: f64) -> String {
        self.rounded(value, self.decimals)
    }

    /// A value with other decimals than the measure's: an axis needs only as many as its step has.
    pub fn rounded(&self, value: f64, decimals: usize) -> String {
        let text = number(value, decimals);
        // The minus sign stands before a currency sign: −$5, not $−5.
        match text.strip_prefix('−') {
            Some(digits) => format!("−{}{digits}{}", self.prefix, self.suffix),
            None => format!("{}{text}{}", self.prefix, self.suffix),
        }
    }

    /// An interval: "10.1% to 16.2%".
    pub fn interval(&self, lower: f64, upper: f64) -> String {
        format!("{} to {}", self.value(lower), self.value(upper))
    }

    /// An interval in a table, whose heading names the unit: "10.1 to 16.2".
    pub fn short_interval(&self, lower: f64, upper: f64) -> String {
        format!("{} to {}", number(lower, self.decimals), number(upper, self.decimals))
    }

    /// The whole unit in words, empty where there is none: "%", "$ per member-month", "per 1,000 member-months".
    pub fn in_words(&self) -> String {
        let sign = format!("{}{}", self.prefix, self.suffix);
        match (sign.is_empty(), self.unit.is_empty()) {
            (_, true) => sign,
            (true, false) => self.unit.clone(),
            (false, false) => format!("{sign} {}", self.unit),
        }
    }
}

/// An ISO 4217 code at the start of a unit, and the rest.
fn currency(unit: &str) -> Option<(&str, &str)> {
    let (code, rest) = unit.split_once(' ').unwrap_or((unit, ""));
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code.then_some((code, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn counts_are_separated_and_minus_zero_is_zero() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(-12), "−12");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(number(-1234.56, 1), "−1,234.6");
        assert_eq!(amount(12.0), "12");
        assert_eq!(amount(12.345), "12.35");
    }

    #[test]
    fn amounts_of_money_name_their_currency() {
        let format = |unit: &str| {
            let measure = Measure { value_unit: unit.to_owned(), ..crate::model::test_rows::measure("lower") };
            let format = ValueFormat::of(&measure);
            (format.value(-437.27), format.unit)
        };
        assert_eq!(format("USD per member per month"), ("−$437.3".to_owned(), "per member per month".to_owned()));
        assert_eq!(
            format("EUR per member per month"),
            ("−EUR\u{a0}437.3".to_owned(), "per member per month".to_owned())
        );
        assert_eq!(format("per 1,000"), ("−437.3".to_owned(), "per 1,000".to_owned()));
    }

    #[test]
    fn periods_have_names() {
        assert_eq!(period("quarter", date(2026, 10, 1)), "Q4 2026");
        assert_eq!(month(date(2026, 9, 1)), "Sep 2026");
        assert_eq!(months_between(date(2025, 11, 1), date(2026, 2, 1)), 3);
    }
}
