//! The first look at a file: its hash, header, delimiter and shape, before Polars reads it.
//!
//! One pass over the bytes finds what a column reader would stumble over (a row with too many fields, bytes that are
//! not UTF-8, a missing header), counts the records, and gathers samples from which date patterns are found. The
//! second pass, only over files that had findings, brings back the text and line of single rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use csv::ByteRecord;

use crate::error::{PipelineError, Result};

/// Rows from which patterns are found.
const SAMPLE_ROWS: u64 = 2_000;

/// What the first look found.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The file.
    pub path: PathBuf,
    /// Its name within the extracts folder.
    pub name: String,
    /// BLAKE3 hash of its bytes.
    pub hash: String,
    /// Delimiter.
    pub delimiter: u8,
    /// Header names as they stand, trimmed.
    pub header: Vec<String>,
    /// Records, header not counted.
    pub records: u64,
    /// Records that no column reader can take: number → reason.
    pub broken: BTreeMap<u64, &'static str>,
    /// First values of each column that are not empty.
    pub samples: Vec<Vec<String>>,
    /// Whether something in it could be split differently by another reader: blank lines, quotes within a field.
    odd: bool,
    /// Whether the last record has no line end of its own.
    unended: bool,
}

/// Where a record stands in its file, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowText {
    /// Line on which it begins, from 1.
    pub line: u64,
    /// Its fields joined by the delimiter, quoted where need be.
    pub text: String,
}

/// A check's name for a row with too few or too many fields.
pub const FIELD_COUNT: &str = "field_count";
/// A check's name for a row whose bytes are not UTF-8.
pub const NOT_UTF8: &str = "not_utf8";

impl Survey {
    /// Takes the first look.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, or has no usable header.
    pub fn take(path: &Path, name: &str, delimiter: Option<char>) -> Result<Self> {
        let refuse = |reason: String| PipelineError::File { file: name.to_owned(), reason };
        let hasher = Arc::new(Mutex::new(blake3::Hasher::new()));
        let mut reader = open_hashed(path, Some(Arc::clone(&hasher)))?;
        let (header_line, crlf) = first_line(&mut reader).map_err(|error| unreadable(name, &error))?;
        if header_line.is_empty() {
            return Err(refuse("the file is empty; line 1 should hold the column names".to_owned()));
        }
        let header_text = std::str::from_utf8(&header_line).map_err(|_| {
            refuse("line 1 is not UTF-8; save the file as UTF-8 (it may be UTF-16 or Latin-1)".to_owned())
        })?;
        if header_text.contains('\r') {
            return Err(refuse(
                "line 1 does not end: lines seem to end in a lone carriage return; save the file with LF or CRLF"
                    .to_owned(),
            ));
        }
        let delimiter = match delimiter {
            Some(stated) => {
                u8::try_from(stated).map_err(|_| refuse(format!("the delimiter {stated} is not one byte")))?
            }
            None => find_delimiter(header_text),
        };
        let header = split_header(header_text, delimiter);
        let mut seen = BTreeSet::new();
        for (index, column) in header.iter().enumerate() {
            if !column.is_empty() && !seen.insert(column.to_lowercase()) {
                return Err(refuse(format!(
                    "line 1: the column {column} stands twice (second time as column {})",
                    index + 1
                )));
            }
        }
        let mut survey = Self {
            path: path.to_owned(),
            name: name.to_owned(),
            hash: String::new(),
            delimiter,
            samples: vec![Vec::new(); header.len()],
            header,
            records: 0,
            broken: BTreeMap::new(),
            odd: header_line.contains(&b'\n'),
            unended: false,
        };
        let mut records = csv_reader(Tail { inner: reader, bytes: vec![b'\n'] }, delimiter);
        let mut record = ByteRecord::new();
        let mut next_line = 1;
        // A record is judged when the next one shows that it was not the last, whose line end may be missing.
        let mut waiting = None;
        // Only the last record can hold a quote that never closes: then the file does not end with a quote.
        let mut unclosed = None;
        while records.read_byte_record(&mut record).map_err(|error| unreadable(name, &error.into()))? {
            survey.odd |= waiting.is_some_and(|(line, wanted)| line != wanted);
            survey.records += 1;
            survey.look_at(&record);
            let (line, inner) = place(&records, &record, !crlf);
            survey.odd |= memchr::memchr(b'"', record.as_slice()).is_some();
            waiting = Some((line, next_line));
            next_line = line + 1 + inner;
            let last = record.iter().next_back().unwrap_or_default();
            let tail = records.get_ref().tail();
            unclosed = (last.contains(&b'\n') && !tail.ends_with(b"\"")).then_some(line);
            survey.unended = record.iter().next_back().is_some_and(|field| field.ends_with(b"\n"));
        }
        survey.unended |= records.get_ref().bytes.last() != Some(&b'\n');
        let missing = u64::from(survey.unended && !crlf);
        survey.odd |= waiting.is_some_and(|(line, wanted)| line + missing != wanted);
        // Blank lines behind the last record.
        survey.odd |= records.position().line() > next_line;
        if let Some(line) = unclosed {
            return Err(refuse(format!(
                "line {}: a quote opens and is never closed, so the rest of the file is lost in it",
                line + 1 + missing
            )));
        }
        let hash = hasher.lock().unwrap_or_else(PoisonError::into_inner).finalize();
        survey.hash = hash.to_hex().to_string();
        Ok(survey)
    }

    fn look_at(&mut self, record: &ByteRecord) {
        if record.len() != self.header.len() {
            self.broken.insert(self.records, FIELD_COUNT);
        } else if std::str::from_utf8(record.as_slice()).is_err() {
            self.broken.insert(self.records, NOT_UTF8);
        } else if self.records <= SAMPLE_ROWS {
            for (samples, field) in self.samples.iter_mut().zip(record.iter()) {
                let text = String::from_utf8_lossy(field);
                let text = text.trim();
                if !text.is_empty() {
                    samples.push(text.to_owned());
                }
            }
        }
    }

    /// Whether Polars should read a mended copy instead: one record on one line, only records of the right shape.
    #[must_use]
    pub fn needs_mending(&self) -> bool {
        self.odd || !self.broken.is_empty() || self.header.len() < 2
    }

    /// Position of a header name; case and stray blanks do not matter.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column.eq_ignore_ascii_case(name.trim()))
    }

    /// Text and line of the records asked for.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn texts(&self, wanted: &BTreeSet<u64>) -> Result<BTreeMap<u64, RowText>> {
        let mut found = BTreeMap::new();
        let Some(last) = wanted.last() else { return Ok(found) };
        self.each_record(|number, line, record| {
            if wanted.contains(&number) {
                found.insert(number, RowText { line, text: row_text(record, self.delimiter) });
            }
            Ok(number < *last)
        })?;
        Ok(found)
    }

    /// Calls `visit` with number, line and fields of each record, until it says stop.
    ///
    /// # Errors
    /// When the file cannot be read any more, or `visit` fails.
    pub fn each_record(&self, mut visit: impl FnMut(u64, u64, &ByteRecord) -> Result<bool>) -> Result<()> {
        let mut reader = open_hashed(&self.path, None)?;
        let (header, crlf) = first_line(&mut reader).map_err(|error| unreadable(&self.name, &error))?;
        // Lines that a quoted header takes, so that later lines keep their numbers.
        let skipped = 1 + memchr::memchr_iter(b'\n', &header).count() as u64;
        let mut records = csv_reader(reader, self.delimiter);
        let mut record = ByteRecord::new();
        let mut number = 0;
        while records.read_byte_record(&mut record).map_err(|error| unreadable(&self.name, &error.into()))? {
            number += 1;
            let (line, _) = place(&records, &record, !crlf && (number < self.records || !self.unended));
            if !visit(number, line + skipped, &record)? {
                break;
            }
        }
        Ok(())
    }
}

fn unreadable(name: &str, error: &io::Error) -> PipelineError {
    PipelineError::File {
        file: name.to_owned(),
        reason: format!("cannot be read to its end (cut off or damaged?): {error}"),
    }
}

/// Line on which a record just read begins, and how many line feeds its fields hold. The reader's own position of a
/// record lies before any blank lines, so it is counted back from the record's end. `ended` says whether the record's
/// line feed has been read: the one behind a carriage return comes with the next record.
fn place<R: Read>(reader: &csv::Reader<R>, record: &ByteRecord, ended: bool) -> (u64, u64) {
    let inner = memchr::memchr_iter(b'\n', record.as_slice()).count() as u64;
    (reader.position().line().saturating_sub(inner + u64::from(ended)), inner)
}

/// Remembers the last bytes that went through.
struct Tail<R> {
    inner: R,
    bytes: Vec<u8>,
}

impl<R> Tail<R> {
    /// The last bytes without the line end.
    fn tail(&self) -> &[u8] {
        let end = self.bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        &self.bytes[..end]
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const KEPT: usize = 16;
        let read = self.inner.read(buffer)?;
        self.bytes.extend_from_slice(&buffer[read.saturating_sub(KEPT)..read]);
        let surplus = self.bytes.len().saturating_sub(KEPT);
        self.bytes.drain(..surplus);
        Ok(read)
    }
}

fn csv_reader<R: Read>(reader: R, delimiter: u8) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(1 << 18)
        .from_reader(reader)
}

/// Reads every byte of a file through a hash.
struct Hashed<R> {
    inner: R,
    hasher: Option<Arc<Mutex<blake3::Hasher>>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(hasher) = &self.hasher {
            hasher.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        }
        Ok(read)
    }
}

/// Opens a file, unpacking it where its first bytes say gzip or zstd, whatever its name.
fn open_hashed(path: &Path, hasher: Option<Arc<Mutex<blake3::Hasher>>>) -> Result<Box<dyn BufRead + Send>> {
    let read_error = |error| PipelineError::read(path, error);
    let mut magic = [0_u8; 4];
    let mut file = File::open(path).map_err(read_error)?;
    let length = file.read(&mut magic).map_err(read_error)?;
    let file = File::open(path).map_err(read_error)?;
    let raw = BufReader::with_capacity(1 << 18, Hashed { inner: file, hasher });
    Ok(match &magic[..length] {
        [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(1 << 18, flate2::bufread::MultiGzDecoder::new(raw))),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(BufReader::with_capacity(
            1 << 18,
            zstd::stream::read::Decoder::with_buffer(raw).map_err(read_error)?,
        )),
        _ => Box::new(raw),
    })
}

/// The header line without byte-order mark and line end, and whether it ended in CRLF; quotes may hold newlines.
fn first_line(reader: &mut dyn BufRead) -> io::Result<(Vec<u8>, bool)> {
    let mut line = Vec::new();
    loop {
        let before = line.len();
        reader.read_until(b'\n', &mut line)?;
        if line.len() == before || memchr::memchr_iter(b'"', &line).count().is_multiple_of(2) {
            break;
        }
    }
    let crlf = line.ends_with(b"\r\n");
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    if line.starts_with(b"\xef\xbb\xbf") {
        line.drain(..3);
    }
    Ok((line, crlf))
}

/// The delimiter that splits the header into most columns.
fn find_delimiter(header: &str) -> u8 {
    let mut best = (0, b',');
    for candidate in [b',', b'|', b'\t', b';'] {
        let count = split_header(header, candidate).len();
        if count > best.0 {
            best = (count, candidate);
        }
    }
    best.1
}

fn split_header(header: &str, delimiter: u8) -> Vec<String> {
    let mut record = csv::StringRecord::new();
    // A header that the CSV reader refuses has no columns; the caller then finds none of those it needs.
    let _ = csv_reader(header.as_bytes(), delimiter).read_record(&mut record);
    record.iter().map(|name| name.trim().to_owned()).collect()
}

fn row_text(record: &ByteRecord, delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_byte_record(record);
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn survey(bytes: &[u8]) -> Survey {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, bytes).unwrap();
        let survey = Survey::take(&path, "x.csv", None).unwrap();
        let texts = survey.texts(&survey.broken.keys().copied().collect()).unwrap();
        for text in texts.values() {
            assert!(text.line > 1, "{text:?}");
        }
        survey
    }

    #[test]
    fn finds_delimiter_header_and_odd_rows() {
        let found = survey(b"\xef\xbb\xbf a | B |c\r\n1|2|3\r\n1|2\r\n\"x\ny\"|2|3\r\n1|\xff|3\r\n");
        assert_eq!(found.header, ["a", "B", "c"]);
        assert_eq!(found.delimiter, b'|');
        assert_eq!(found.records, 4);
        assert_eq!(found.broken, BTreeMap::from([(2, FIELD_COUNT), (4, NOT_UTF8)]));
        assert_eq!(found.column(" b"), Some(1));
    }

    #[test]
    fn a_record_keeps_its_line_behind_quoted_newlines_and_blank_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "a,b\n\"one\ntwo\",2\n\n3,4\n").unwrap();
        let survey = Survey::take(&path, "x.csv", None).unwrap();
        let texts = survey.texts(&BTreeSet::from([1, 2])).unwrap();
        assert_eq!(texts[&1].line, 2);
        assert_eq!(texts[&2], RowText { line: 5, text: "3,4".to_owned() });
    }

    #[test]
    fn plain_files_are_read_as_they_are_whatever_their_line_ends() {
        for (text, line, odd) in [
            ("a,b\n1,2\n3,4\n", 3, false),
            ("a,b\n1,2\n3,4", 3, false),
            ("a,b\r\n1,2\r\n3,4\r\n", 3, false),
            ("a,b\r\n1,2\r\n\r\n3,4\r\n", 4, true),
            ("a,b\n1,\"x\"\"y\"\n3,4\n", 3, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.csv");
            std::fs::write(&path, text).unwrap();
            let survey = Survey::take(&path, "x.csv", None).unwrap();
            assert_eq!(survey.texts(&BTreeSet::from([2])).unwrap()[&2].line, line, "{text:?}");
            assert_eq!(survey.needs_mending(), odd, "{text:?}");
        }
    }
}
