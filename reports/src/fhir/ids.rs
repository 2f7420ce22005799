//! Identifiers, codes and URLs that FHIR allows, from those that users chose: different ones stay different.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::civil::Date;

use super::text;

/// What every URL of this project begins with.
const URN: &str = "urn:carecoord:";
/// FHIR allows an identifier 64 characters; a report's needs 19 for its period.
const LONGEST: usize = 45;

/// A URL of this project.
pub fn urn(kind: &str, name: &str) -> String {
    format!("{URN}{kind}:{}", escaped(name))
}

/// A measure's canonical URL.
pub fn measure_url(measure_id: &str) -> String {
    urn("measure", measure_id)
}

/// A version as part of a canonical reference, where neither a blank nor a bar may stand; nothing where there is none.
pub fn version(version: &str) -> Option<String> {
    let version = version.trim();
    (!version.is_empty()).then(|| escaped(version))
}

/// The reference to a measure in its version.
pub fn canonical(measure_id: &str, version: &str) -> String {
    let url = measure_url(measure_id);
    self::version(version).map_or_else(|| url.clone(), |version| format!("{url}|{version}"))
}

/// A name as a FHIR `code`: as it is where it is plain, else with its odd bytes escaped; nothing where it is empty.
pub fn code(name: &str) -> Option<String> {
    let plain = name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'%');
    let blanks_inside = name.trim() == name && !name.contains("  ");
    (!name.is_empty()).then(|| if plain && blanks_inside { name.to_owned() } else { escaped(name) })
}

/// The identifier of a measure's resource: its own one with `-` for `_`; a part of it and a hash where it is long or holds
/// anything else. The two forms cannot meet, for only the second has two dashes in a row.
pub fn resource(measure_id: &str) -> String {
    within(measure_id, LONGEST)
}

/// The same of at most so many characters, 42 or more.
fn within(measure_id: &str, longest: usize) -> String {
    let separator = |byte: u8| matches!(byte, b'.' | b'_');
    let bytes = measure_id.as_bytes();
    let plain = bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || separator(*byte));
    let parted = bytes.split(|byte| separator(*byte)).all(|part| !part.is_empty());
    if plain && parted && bytes.len() <= longest {
        return measure_id.replace('_', "-");
    }
    let mut part = String::new();
    for letter in measure_id.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            part.push(letter);
        } else if !part.is_empty() && !part.ends_with('-') {
            part.push('-');
        }
        if part.len() == 16 {
            break;
        }
    }
    let part = part.trim_end_matches('-');
    format!("{part}--{}", hex(&hash(&[measure_id])[..12]))
}

/// The identifier of a report's resource.
pub fn report(measure_id: &str, period_kind: &str, period: Date) -> String {
    format!("{}.{period_kind}-{period}", resource(measure_id))
}

/// The identifier of a report that names subjects, with `s` at its end, or of one of its lists, with the first letter of its
/// population: never that of a summary.
pub fn of_subjects(measure_id: &str, period_kind: &str, period: Date, letter: char) -> String {
    format!("{}.{period_kind}-{period}.{letter}", within(measure_id, LONGEST - 2))
}

/// A patient's identifier as a FHIR `string`: as it is, or with its odd bytes escaped where a part of it could not be told.
pub fn patient(id: &str) -> Cow<'_, str> {
    if text::string(id).is_some_and(|clean| clean == id) { Cow::Borrowed(id) } else { Cow::Owned(escaped(id)) }
}

/// A `urn:uuid` that is the same whenever the parts are: version 8 of RFC 9562, from a BLAKE3 hash.
pub fn uuid(parts: &[&str]) -> String {
    let mut bytes = hash(parts);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    format!("urn:uuid:{}", parts.join("-"))
}

/// A name for programs, as FHIR asks for it: `ReadmissionUnplanned30`.
pub fn computable(measure_id: &str) -> String {
    let words = measure_id.split(|letter: char| !letter.is_ascii_alphanumeric());
    let name: String = words.map(crate::words::capitalised).collect();
    let name =
        if name.starts_with(|letter: char| letter.is_ascii_uppercase()) { name } else { format!("Measure{name}") };
    name.chars().take(255).collect()
}

/// The text with every byte escaped that is not unreserved in URLs.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The first 16 bytes of a hash of all parts; each goes with its length, so that no two lists of parts run together.
fn hash(parts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;

    use super::*;

    #[test]
    fn different_measures_have_different_identifiers_that_fhir_allows() {
        let long = "a".repeat(300);
        let other = format!("{}b", "a".repeat(299));
        let names = [
            "a_b", "a-b", "a.b", "A_B", "A-b", "a__b", "a--b", "_a", "a_", "a b", "a/b", "../a", "é", "", " ",
            "\u{202e}", "🩺", "<script>", "=cmd()", "%20", &long, &other,
        ];
        let mut found = BTreeSet::new();
        for name in names {
            let id = report(name, "quarter", date(2026, 10, 1));
            assert!(id.len() <= 64, "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')), "{id}");
            let of_subjects = of_subjects(name, "quarter", date(2026, 10, 1), 's');
            assert!(of_subjects.len() <= 64 && of_subjects.ends_with("-01.s"), "{of_subjects}");
            // FHIR's own description calls identifiers case-insensitive.
            assert!(found.insert(id.to_lowercase()), "{id}");
        }
        assert_eq!(resource("readmission.unplanned_30"), "readmission.unplanned-30");
        assert_eq!(patient("Pérez <1>"), "Pérez <1>");
        assert_eq!(patient(" \u{202e}1"), "%20%E2%80%AE1");
        let codes: BTreeSet<_> = names.iter().map(|name| code(name)).collect();
        assert_eq!(codes.len(), names.len());
    }

    #[test]
    fn urls_and_names_are_plain() {
        assert_eq!(canonical("a b|c", "2025 draft"), "urn:carecoord:measure:a%20b%7Cc|2025%20draft");
        assert_eq!(canonical("a", ""), "urn:carecoord:measure:a");
        assert_eq!(code("Black or African American").as_deref(), Some("Black or African American"));
        assert_eq!(code(" 5%").as_deref(), Some("%205%25"));
        assert_eq!(computable("readmission.unplanned_30"), "ReadmissionUnplanned30");
        assert_eq!(computable("30é"), "Measure30");
        assert_ne!(uuid(&["ab", "c"]), uuid(&["a", "bc"]));
        assert_eq!(uuid(&[]).len(), "urn:uuid:".len() + 36);
        assert_eq!(uuid(&["a"]).as_bytes()["urn:uuid:".len() + 14], b'8');
    }
}
