//! Identifiers that other programs have changed: numbers in scientific notation, decimals, lost zeros, lost case. They
//! join people who are several and split people who are one, and no later step can see it.

use carecoord_lake::contract::{Column, ColumnType, Contract};

/// Whether a column identifies something: part of a key, a reference, or an `…_id`.
#[must_use]
pub fn is_identifier(contract: &Contract, column: &Column) -> bool {
    column.kind == ColumnType::Text
        && column.allowed.is_empty()
        && (column.reference().is_some()
            || column.name.ends_with("_id")
            || contract.bucket_by.as_ref() == Some(&column.name))
}

/// Whether an identifier looks like a large number that a spreadsheet has written in scientific notation: `4.71E+11`.
#[must_use]
pub fn is_scientific(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let Some(at) = bytes.iter().position(|byte| matches!(byte, b'E' | b'e')) else { return false };
    let (mantissa, exponent) = (&bytes[..at], &bytes[at + 1..]);
    let signed = matches!(exponent.first(), Some(b'+'));
    let digits = exponent.strip_prefix(b"+").unwrap_or(exponent);
    let point = mantissa.contains(&b'.') || mantissa.contains(&b',');
    // 12E5 may be a room; a point or a plus sign makes it a number.
    (signed || point)
        && (1..=3).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && mantissa.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
}

/// What is left of an identifier when everything is taken away that programs lose or add: case, zeros in front, decimals
/// of zero. Two identifiers with one such form may be one.
#[must_use]
pub fn bare(text: &str) -> String {
    let text = crate::numbers::whole(text);
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let short = text.trim_start_matches('0');
        return if short.is_empty() { "0".to_owned() } else { short.to_owned() };
    }
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_in_scientific_notation_look_like_them() {
        for text in ["4.71E+11", "1.67683E+15", "5e+10", "4,71E+11", "1.5E9"] {
            assert!(is_scientific(text), "{text}");
        }
        for text in ["12E5", "P4.71E+11", "E11", "4.71", "4E", "4.71E+", "a1e+5", "12E+5000", "471000000000"] {
            assert!(!is_scientific(text), "{text}");
        }
    }

    #[test]
    fn what_programs_lose_makes_no_other_identifier() {
        assert_eq!(
            ["101", "00101", "101.0", "P1", "p1", "000", "1.5"].map(bare),
            ["101", "101", "101", "p1", "p1", "0", "1.5"]
        );
    }
}
