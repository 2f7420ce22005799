//! Lines behind the data that are no data: totals, counts of rows, marks of the end.

use csv::ByteRecord;

use crate::text;

/// First words of such lines, in lower case: alone in their cell.
const WORDS: [&str; 16] = [
    "total",
    "totals",
    "total:",
    "grand total",
    "sum",
    "subtotal",
    "rows",
    "records",
    "row count",
    "record count",
    "trailer",
    "trl",
    "eof",
    "end of file",
    "end of report",
    "footer",
];

/// Whether a record looks like a line behind the data: its first filled cell is a word such as "Total", or it is one cell
/// that counts rows ("(5 rows affected)", "Total: 12 records").
#[must_use]
pub fn is_footer(record: &ByteRecord) -> bool {
    let filled = |cell: &&[u8]| !cell.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0);
    let mut cells = record.iter().filter(filled);
    let Some(first) = cells.next().and_then(|cell| std::str::from_utf8(cell).ok()) else { return false };
    let first = text::trim(first).to_lowercase();
    if WORDS.contains(&first.as_str()) {
        return true;
    }
    cells.next().is_none() && says_count(&first)
}

/// Whether a text counts rows or marks an end: a number and the word "row" or "record", or words that end a report.
fn says_count(text: &str) -> bool {
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let number = words.iter().any(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let rows = words.iter().any(|word| matches!(*word, "row" | "rows" | "record" | "records"));
    let end = text.starts_with("end of ") || text.starts_with("*** end") || text.starts_with("-- end");
    (number && rows && words.len() <= 6) || end || text.bytes().all(|byte| matches!(byte, b'-' | b'=' | b'*' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_counts_are_told_from_rows() {
        for cells in [
            vec!["Total", "3", "", ""],
            vec!["(5 rows affected)"],
            vec!["5 rows selected."],
            vec!["TRL", "000123"],
            vec!["", "Grand Total", "12.00"],
            vec!["End of report"],
            vec!["-----"],
        ] {
            assert!(is_footer(&ByteRecord::from(cells.clone())), "{cells:?}");
        }
        for cells in [
            vec!["Total hip replacement", "3"],
            vec!["P1", "2026-01-01"],
            vec!["", ""],
            vec!["5"],
            vec!["Totaro"],
            vec!["row 5 of the ward asked for 3 more pillows today"],
        ] {
            assert!(!is_footer(&ByteRecord::from(cells.clone())), "{cells:?}");
        }
    }
}
