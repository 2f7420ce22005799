//! How a file is written: what the mapping states, and where the header stands.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use encoding_rs::Encoding;

use crate::text;

/// Lines in which a header is looked for.
const MOST_LINES: usize = 200;

/// How a file is written, as far as the mapping states it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Encoding; UTF-8, or what a byte-order mark says, unless stated.
    pub encoding: Option<&'static Encoding>,
    /// Delimiter; found in the header unless stated.
    pub delimiter: Option<u8>,
    /// Quote; `Some(None)` for a file that is never quoted.
    #[allow(clippy::option_option)]
    pub quote: Option<Option<u8>>,
    /// The character that takes the next one as it is; none unless stated.
    pub escape: Option<u8>,
    /// Lines before the header; found unless stated.
    pub lines_before: Option<u64>,
    /// Records at the end that are no data; found unless stated.
    pub footer: Option<u64>,
}

/// A header and what was read to find it.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // What was seen on the way, each by itself.
pub struct Header {
    /// Column names as they stand, trimmed.
    pub names: Vec<String>,
    /// Delimiter.
    pub delimiter: u8,
    /// Lines up to and including the header.
    pub lines: u64,
    /// Whether lines end in CRLF.
    pub crlf: bool,
    /// Whether the header holds a line end within quotes.
    pub several_lines: bool,
    /// Whether its bytes are UTF-8.
    pub utf8: bool,
    /// Whether a carriage return without a line feed stands in it.
    pub lone_return: bool,
    /// Lines before the header that are neither blank nor a `sep=` line.
    pub title_lines: u64,
    /// Whether a `sep=` line stood before it.
    pub separator_line: bool,
    /// What was read beyond it.
    pub beyond: Vec<u8>,
}

impl Header {
    /// Reads up to the header: the line that the layout says, else the first line that names most of the columns `wanted`
    /// (in lower case), else the first that is not blank.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(reader: &mut dyn BufRead, layout: &Layout, wanted: &BTreeSet<String>) -> io::Result<Self> {
        let quoted = layout.quote != Some(None);
        let mut lines: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut line = Vec::new();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            lines.push(line);
            if lines.len() >= MOST_LINES {
                break;
            }
        }
        if let Some(first) = lines.first_mut()
            && first.starts_with(b"\xef\xbb\xbf")
        {
            first.drain(..3);
        }
        let mut from = usize::try_from(layout.lines_before.unwrap_or(0)).unwrap_or(usize::MAX).min(lines.len());
        let mut delimiter = layout.delimiter;
        let separator = lines.get(from).and_then(|line| separator(line));
        if let Some(found) = separator {
            delimiter = delimiter.or(Some(found));
            from += 1;
        }
        let candidates = |from: usize| (from..lines.len()).filter(|at| !is_blank(&lines[*at]));
        let first = candidates(from).next();
        let at = match layout.lines_before {
            Some(_) => (from < lines.len()).then_some(from),
            None => {
                let mut best = (0, first);
                for at in candidates(from) {
                    let (text, _) = joined(&lines, at, quoted);
                    let (_, named) = split_best(&text, delimiter, quoted, wanted);
                    if named > best.0 {
                        best = (named, Some(at));
                    }
                }
                best.1
            }
        };
        let Some(at) = at else {
            return Ok(Self {
                names: Vec::new(),
                delimiter: delimiter.unwrap_or(b','),
                lines: lines.len() as u64,
                crlf: false,
                several_lines: false,
                utf8: true,
                lone_return: false,
                title_lines: 0,
                separator_line: false,
                beyond: Vec::new(),
            });
        };
        let (text, end) = joined(&lines, at, quoted);
        let crlf = lines[end].ends_with(b"\r\n");
        let (delimiter, _) = split_best(&text, delimiter, quoted, wanted);
        let title_lines = (from..at).filter(|line| !is_blank(&lines[*line])).count() as u64;
        Ok(Self {
            names: split(&text, delimiter, quoted),
            delimiter,
            lines: end as u64 + 1,
            crlf,
            several_lines: end > at,
            utf8: lines[at..=end].iter().all(|line| std::str::from_utf8(line).is_ok()),
            lone_return: text.contains('\r'),
            title_lines: if layout.lines_before.is_some() { 0 } else { title_lines },
            separator_line: separator.is_some(),
            beyond: lines[end + 1..].concat(),
        })
    }
}

/// A line and, where a quote is open at its end, those that belong to it; and the number of its last line.
fn joined(lines: &[Vec<u8>], at: usize, quoted: bool) -> (String, usize) {
    let mut bytes = lines[at].clone();
    let mut end = at;
    while quoted
        && !memchr::memchr_iter(b'"', &bytes).count().is_multiple_of(2)
        && let Some(next) = lines.get(end + 1)
    {
        bytes.extend_from_slice(next);
        end += 1;
    }
    (String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned(), end)
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

/// The delimiter that a line like `sep=;` says, which spreadsheets put before the header.
fn separator(line: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']).trim_matches('"').to_lowercase();
    match text.strip_prefix("sep=")?.as_bytes() {
        [delimiter] => Some(*delimiter),
        // A semicolon after a delimiter in a file of semicolons.
        [delimiter, b';' | b',', ..] if text.len() <= 12 => Some(*delimiter),
        _ => None,
    }
}

/// The delimiter that gives most of the wanted names, or else most columns; and how many wanted names it gives.
fn split_best(text: &str, stated: Option<u8>, quoted: bool, wanted: &BTreeSet<String>) -> (u8, usize) {
    let named = |delimiter| {
        let names: BTreeSet<String> =
            split(text, delimiter, quoted).into_iter().map(|name| name.to_lowercase()).collect();
        (names.intersection(wanted).count(), names.len())
    };
    if let Some(delimiter) = stated {
        return (delimiter, named(delimiter).0);
    }
    let mut best = ((0, 0), b',');
    for candidate in [b',', b'|', b'\t', b';'] {
        let found = named(candidate);
        if found > best.0 {
            best = (found, candidate);
        }
    }
    (best.1, best.0.0)
}

/// A header line as column names.
fn split(text: &str, delimiter: u8, quoted: bool) -> Vec<String> {
    let mut record = csv::StringRecord::new();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(quoted)
        .from_reader(text.as_bytes());
    // A header that the CSV reader refuses has no columns; the caller then finds none of those it needs.
    let _ = reader.read_record(&mut record);
    record.iter().map(|name| text::trim(name).to_owned()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header(text: &str, layout: &Layout) -> Header {
        let wanted = BTreeSet::from(["mrn".to_owned(), "adm".to_owned()]);
        Header::read(&mut text.as_bytes(), layout, &wanted).unwrap()
    }

    #[test]
    fn the_header_is_the_line_that_names_most_of_the_wanted_columns() {
        for (text, lines, delimiter, titles) in [
            ("MRN,ADM\n1,2\n", 1, b',', 0),
            ("Discharges\nRun on 1 May\n\nMRN,ADM\n1,2\n", 4, b',', 2),
            ("sep=;\nMRN;ADM\n", 2, b';', 0),
            ("\"sep=|\"\r\nMRN|ADM\r\n", 2, b'|', 0),
            ("\n\nMRN\tADM\n", 3, b'\t', 0),
            ("MRN of the patient;x,y,z\nMRN;ADM\n", 2, b';', 1),
            ("\"MRN\",\"ADM\nday\",x\n", 2, b',', 0),
            ("a,b\nc,d\n", 1, b',', 0),
        ] {
            let found = header(text, &Layout::default());
            assert_eq!((found.lines, found.delimiter, found.title_lines), (lines, delimiter, titles), "{text:?}");
        }
    }

    #[test]
    fn what_the_mapping_states_decides() {
        let layout = Layout { lines_before: Some(1), ..Layout::default() };
        let found = header("MRN,ADM\nA,B\n1,2\n", &layout);
        assert_eq!((found.names, found.beyond), (vec!["A".to_owned(), "B".to_owned()], b"1,2\n".to_vec()));
        assert!(header("", &layout).names.is_empty());
    }
}
