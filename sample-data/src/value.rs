//! The values of a row, and how each is written.

use crate::calendar::{Day, Minute, write_day, write_minute};

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// No value.
    Empty,
    /// Text.
    Text(&'a str),
    /// A local date.
    Day(Day),
    /// An instant in UTC.
    Instant(Minute),
    /// An amount, in cents.
    Money(i64),
    /// A whole number.
    Whole(i64),
    /// A number with one decimal, in tenths.
    Tenths(i64),
    /// True or false.
    Truth(bool),
    /// The identifier of a patient.
    Patient(u64),
    /// The identifier of a patient's nth row of a table, by the letter of that table.
    Item(char, u64, usize),
    /// The identifier of an organization.
    Organization(u32),
    /// The identifier of a practitioner.
    Practitioner(u32),
    /// A postal code; leading zeros count.
    Postal(i64),
}

impl<'a> Value<'a> {
    /// The value made from `inner`, or none.
    pub(crate) fn maybe<T>(inner: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        inner.map_or(Self::Empty, make)
    }

    /// Text, or none.
    pub(crate) fn text(inner: Option<&'a str>) -> Self {
        Self::maybe(inner, Value::Text)
    }

    /// Appends the value as it stands in a file, before any quoting.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => {}
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Day(day) => write_day(out, day),
            Self::Instant(minute) => write_minute(out, minute),
            Self::Money(cents) => {
                sign(out, cents);
                number(out, cents.unsigned_abs() / 100, 1);
                out.push(b'.');
                number(out, cents.unsigned_abs() % 100, 2);
            }
            Self::Whole(whole) => {
                sign(out, whole);
                number(out, whole.unsigned_abs(), 1);
            }
            Self::Tenths(tenths) => {
                sign(out, tenths);
                number(out, tenths.unsigned_abs() / 10, 1);
                out.push(b'.');
                number(out, tenths.unsigned_abs() % 10, 1);
            }
            Self::Truth(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
            Self::Patient(patient) => {
                out.push(b'P');
                number(out, patient, 7);
            }
            Self::Item(letter, patient, nth) => {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                number(out, patient, 7);
                out.push(b'-');
                number(out, nth as u64, 1);
            }
            Self::Organization(organization) => {
                out.push(b'O');
                number(out, u64::from(organization), 2);
            }
            Self::Practitioner(practitioner) => {
                out.push(b'D');
                number(out, u64::from(practitioner), 4);
            }
            Self::Postal(code) => number(out, code.unsigned_abs(), 5),
        }
    }
}

fn sign(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
}

/// Appends a number with at least `width` digits.
fn number(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let start = out.len();
    while number > 0 || out.len() - start < width {
        out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
    }
    out[start..].reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: Value<'_>) -> String {
        let mut out = Vec::new();
        value.write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn values_are_written_as_the_contracts_read_them() {
        assert_eq!(text(Value::Money(1_234_505)), "12345.05");
        assert_eq!(text(Value::Money(-70)), "-0.70");
        assert_eq!(text(Value::Tenths(95)), "9.5");
        assert_eq!(text(Value::Whole(0)), "0");
        assert_eq!(text(Value::Patient(12)), "P0000012");
        assert_eq!(text(Value::Patient(123_456_789)), "P123456789");
        assert_eq!(text(Value::Item('E', 12, 3)), "E0000012-3");
        assert_eq!(text(Value::Postal(110)), "00110");
        assert_eq!(text(Value::maybe(None, Value::Day)), "");
    }
}
