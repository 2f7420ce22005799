//! The first look at a file: its hash, layout and shape, and what its dates and numbers look like, before Polars reads it.
//!
//! One pass over the text finds what a column reader would stumble over (a row with too many cells, bytes that are not
//! UTF-8, a quote that swallows rows), counts the records, and tallies how dates and numbers are written, so that the
//! order of day and month and the decimal sign are decided by whole columns. The second pass, only over files that had
//! findings, brings back the text and line of single rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use encoding_rs::Encoding;

use crate::error::{PipelineError, Result};
use crate::footer;
use crate::layout::{Header, Layout};
use crate::numbers;
use crate::source::{self, SharedHash, Unpacking};
use crate::tally::DateTally;
use crate::text;

/// What the mapping wants of a file, by all the tables that the file feeds.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Columns.
    pub columns: Vec<WantedColumn>,
    /// The day after which nothing can have happened, days since 1970-01-01.
    pub extract_day: i32,
    /// How much a packed file may hold.
    pub unpacking: Unpacking,
}

/// A column that the mapping wants.
#[derive(Debug, Clone)]
pub struct WantedColumn {
    /// Its name, or several of which the first present is taken.
    pub names: Vec<String>,
    /// What it holds.
    pub kind: WantedKind,
    /// Whether a row cannot be without it.
    pub required: bool,
}

/// What a wanted column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedKind {
    /// Text, codes, identifiers.
    Text,
    /// Dates or times; `happened` where none can lie after the extract date.
    Dates {
        /// Whether none can lie after the extract date.
        happened: bool,
    },
    /// Numbers.
    Numbers,
}

/// What the first look found.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The file.
    pub path: PathBuf,
    /// Its name within the extracts folder.
    pub name: String,
    /// BLAKE3 hash of its bytes.
    pub hash: String,
    /// Encoding, where it is not UTF-8.
    pub encoding: Option<&'static Encoding>,
    /// Delimiter.
    pub delimiter: u8,
    /// Quote; none for a file that is never quoted.
    pub quote: Option<u8>,
    /// Header names as they stand, trimmed.
    pub header: Vec<String>,
    /// Records, header not counted.
    pub records: u64,
    /// Records that no column reader can take: number → reason.
    pub broken: BTreeMap<u64, &'static str>,
    /// Records that are no data: number → what they are.
    pub left_out: BTreeMap<u64, &'static str>,
    /// Records whose missing cells at the end were taken as empty.
    pub short: Noted,
    /// Records with a quoted cell that holds line ends and delimiters.
    pub swallowed: Noted,
    /// Columns with bytes that are not UTF-8.
    pub undecodable: BTreeSet<usize>,
    /// How the dates of each column are written.
    pub dates: BTreeMap<usize, DateTally>,
    /// How the numbers of each column are written.
    pub numbers: BTreeMap<usize, numbers::Tally>,
    /// What is worth telling of how the file is written.
    pub found: Vec<String>,
    /// Lines up to and including the header.
    lines: u64,
    crlf: bool,
    escape: Option<u8>,
    shape: Shape,
    /// Whether the last record has no line end of its own.
    unended: bool,
}

/// How the records of a file lie in its lines, the simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    /// Each on one line.
    Lines,
    /// Some cell holds a line end, so that a record takes several lines.
    LongRecords,
    /// Something could be split differently by another reader: blank lines, quotes within a cell.
    Odd,
}

/// Records worth a word: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    /// How many.
    pub count: u64,
    /// The first ones' numbers.
    pub first: Vec<u64>,
}

impl Noted {
    fn add(&mut self, record: u64) {
        self.count += 1;
        if self.first.len() < 3 {
            self.first.push(record);
        }
    }

    fn remove(&mut self, record: u64) {
        self.count -= 1;
        self.first.retain(|other| *other != record);
    }
}

/// Where a record stands in its file, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowText {
    /// Line on which it begins, from 1.
    pub line: u64,
    /// Its cells joined by the delimiter, quoted where need be.
    pub text: String,
}

/// A check's name for a row with too few or too many cells.
pub const FIELD_COUNT: &str = "field_count";
/// A check's name for a header line among the rows.
pub const REPEATED_HEADER: &str = "repeated_header";
/// A check's name for cells whose bytes are not UTF-8.
pub const NOT_UTF8: &str = "not_utf8";
/// A check's name for a row whose missing cells at the end were taken as empty.
pub const SHORT_ROW: &str = "short_row";
/// A check's name for a quoted cell that holds line ends and delimiters.
pub const SWALLOWED_LINES: &str = "swallowed_lines";

impl Survey {
    /// Takes the first look.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, or has quotes that no reading makes sense of.
    pub fn take(path: &Path, name: &str, layout: &Layout, wanted: &Wanted) -> Result<Self> {
        let found = Look::over(path, name, layout, wanted)?;
        let Some(trouble) = found.trouble else { return Ok(found.survey) };
        let refuse = |reason: String| PipelineError::File { file: name.to_owned(), reason };
        // Files of pipes and tabs are often written without quotes: such a file makes sense line by line.
        if layout.quote.is_none() && found.survey.delimiter != b',' {
            let unquoted = Layout { quote: Some(None), ..layout.clone() };
            let mut other = Look::over(path, name, &unquoted, wanted)?;
            if other.survey.broken.is_empty() && other.survey.short.count == 0 && !other.quoted_cells {
                other.survey.found.push("read without quotes: with them, a cell would hold whole lines".to_owned());
                return Ok(other.survey);
            }
        }
        Err(refuse(match trouble {
            Trouble::Unclosed(line) => format!(
                "line {line}: a quote opens and is never closed, so the rest of the file is lost in it; close it, or state \
                 quote = \"\" in the mapping if the file is never quoted"
            ),
            Trouble::Swallowed(line, lines) => format!(
                "line {line}: a quoted cell holds {lines} that look like whole records (swallowed_lines), so a quote stands where none should; \
                 state quote = \"\" in the mapping if the file is never quoted, or quote = \"\\\"\" if the cell is right"
            ),
        }))
    }

    /// Whether Polars should read a mended copy instead: one record on one line.
    #[must_use]
    pub fn needs_mending(&self) -> bool {
        self.shape == Shape::Odd
            || !self.undecodable.is_empty()
            || self.encoding.is_some()
            || self.quote != Some(b'"')
            || self.escape.is_some()
            || self.lines != 1
            || self.header.len() < 2
    }

    /// Position of a header name; case and stray blanks do not matter.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column.eq_ignore_ascii_case(name.trim()))
    }

    /// The second position of a header name that stands twice.
    #[must_use]
    pub fn second_column(&self, name: &str) -> Option<usize> {
        self.header
            .iter()
            .enumerate()
            .filter(|(_, column)| column.eq_ignore_ascii_case(name.trim()))
            .map(|(index, _)| index)
            .nth(1)
    }

    /// Line of the header.
    #[must_use]
    pub fn header_line(&self) -> u64 {
        self.lines.max(1)
    }

    /// Text and line of the records asked for.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn texts(&self, wanted: &BTreeSet<u64>) -> Result<BTreeMap<u64, RowText>> {
        let mut found = BTreeMap::new();
        let Some(last) = wanted.last() else { return Ok(found) };
        if self.shape == Shape::Lines && !self.needs_mending() {
            self.texts_by_line(wanted, &mut found)?;
            return Ok(found);
        }
        self.each_record(|number, line, record| {
            if wanted.contains(&number) {
                found.insert(number, RowText { line, text: row_text(record, self.delimiter) });
            }
            Ok(number < *last)
        })?;
        Ok(found)
    }

    /// Text and line of the records asked for, from a file that holds one record on each line: all other lines are
    /// skipped and not taken apart.
    fn texts_by_line(&self, wanted: &BTreeSet<u64>, found: &mut BTreeMap<u64, RowText>) -> Result<()> {
        let mut text = source::open(&self.path, self.encoding, None, None)?.text;
        let mut line = 0;
        let mut bytes = Vec::new();
        let mut record = ByteRecord::new();
        for number in wanted {
            while line < number + self.lines - 1 {
                text.skip_until(b'\n').map_err(|error| unreadable(&self.name, &error))?;
                line += 1;
            }
            bytes.clear();
            text.read_until(b'\n', &mut bytes).map_err(|error| unreadable(&self.name, &error))?;
            line += 1;
            let mut cells = csv_cells(self.delimiter, self.quote, self.escape)
                .buffer_capacity(1 << 10)
                .from_reader(bytes.as_slice());
            if cells.read_byte_record(&mut record).map_err(|error| unreadable(&self.name, &error.into()))? {
                found.insert(*number, RowText { line, text: row_text(&record, self.delimiter) });
            }
        }
        Ok(())
    }

    /// Calls `visit` with number, line and cells of each record, until it says stop.
    ///
    /// # Errors
    /// When the file cannot be read any more, or `visit` fails.
    pub fn each_record(&self, mut visit: impl FnMut(u64, u64, &ByteRecord) -> Result<bool>) -> Result<()> {
        let mut text = source::open(&self.path, self.encoding, None, None)?.text;
        let mut skipped = Vec::new();
        for _ in 0..self.lines {
            skipped.clear();
            text.read_until(b'\n', &mut skipped).map_err(|error| unreadable(&self.name, &error))?;
        }
        let mut records = csv_reader(text, self.delimiter, self.quote, self.escape);
        let mut record = ByteRecord::new();
        let mut number = 0;
        while records.read_byte_record(&mut record).map_err(|error| unreadable(&self.name, &error.into()))? {
            number += 1;
            let (line, _) = place(&records, &record, !self.crlf && (number < self.records || !self.unended));
            if !visit(number, line + self.lines, &record)? {
                break;
            }
        }
        Ok(())
    }
}

/// Quotes that cannot be right, with the line.
enum Trouble {
    Unclosed(u64),
    Swallowed(u64, String),
}

/// A look with one idea of the quotes.
struct Look {
    survey: Survey,
    trouble: Option<Trouble>,
    /// Whether a cell begins and ends with a quote, where quotes are taken as letters.
    quoted_cells: bool,
}

/// What the records before the present one leave behind.
#[derive(Default)]
struct Before {
    /// Cells of the record before, where it was short.
    short: Option<usize>,
}

impl Look {
    fn over(path: &Path, name: &str, layout: &Layout, wanted: &Wanted) -> Result<Self> {
        let refuse = |reason: String| PipelineError::File { file: name.to_owned(), reason };
        let hash = SharedHash::default();
        let opened = source::open(path, layout.encoding, Some(hash.clone()), Some(&wanted.unpacking))?;
        let mut reader = opened.text;
        let names: BTreeSet<String> =
            wanted.columns.iter().flat_map(|column| &column.names).map(|name| name.trim().to_lowercase()).collect();
        let header = Header::read(reader.as_mut(), layout, &names).map_err(|error| unreadable(name, &error))?;
        if header.names.is_empty() {
            return Err(refuse("the file is empty; line 1 should hold the column names".to_owned()));
        }
        if header.lone_return {
            return Err(refuse(
                "line 1 does not end: lines seem to end in a lone carriage return; save the file with LF or CRLF"
                    .to_owned(),
            ));
        }
        let quote = layout.quote.unwrap_or(Some(b'"'));
        let (crlf, lines) = (header.crlf, header.lines);
        let mut look = Self {
            survey: Survey {
                path: path.to_owned(),
                name: name.to_owned(),
                hash: String::new(),
                encoding: opened.encoding,
                delimiter: header.delimiter,
                quote,
                escape: layout.escape,
                records: 0,
                broken: BTreeMap::new(),
                left_out: BTreeMap::new(),
                short: Noted::default(),
                swallowed: Noted::default(),
                undecodable: BTreeSet::new(),
                dates: BTreeMap::new(),
                numbers: BTreeMap::new(),
                found: Vec::new(),
                lines,
                crlf,
                shape: if header.several_lines || !header.utf8 { Shape::Odd } else { Shape::Lines },
                unended: false,
                header: header.names.clone(),
            },
            trouble: None,
            quoted_cells: false,
        };
        look.say_layout(&header, layout);
        let interest = Interest::new(&look.survey, wanted);
        let (beyond, delimiter) = (header.beyond, header.delimiter);
        let tail = Tail { inner: io::Cursor::new(beyond).chain(reader), bytes: vec![b'\n'] };
        let mut records = csv_reader(tail, delimiter, quote, layout.escape);
        let mut record = ByteRecord::new();
        let mut last_record = ByteRecord::new();
        let mut before = Before::default();
        let mut next_line = 1;
        // A record is judged when the next one shows that it was not the last, whose line end may be missing.
        let mut waiting = None;
        // Only the last record can hold a quote that never closes: then the file does not end with a quote.
        let mut unclosed = None;
        loop {
            std::mem::swap(&mut record, &mut last_record);
            if !records.read_byte_record(&mut record).map_err(|error| unreadable(name, &error.into()))? {
                break;
            }
            look.is(Shape::Odd, waiting.is_some_and(|(line, wanted)| line != wanted));
            look.survey.records += 1;
            let (line, inner) = place(&records, &record, !crlf);
            look.at(&record, &interest, &mut before);
            if inner > 0 && quote.is_some() {
                look.lines_within(&record, line + lines, layout.quote.is_some());
            }
            look.is(Shape::LongRecords, inner > 0);
            look.is(Shape::Odd, memchr::memchr2(b'"', 0, record.as_slice()).is_some());
            waiting = Some((line, next_line));
            next_line = line + 1 + inner;
            let last = record.iter().next_back().unwrap_or_default();
            let tail = records.get_ref().tail();
            unclosed = (quote.is_some() && last.contains(&b'\n') && !tail.ends_with(b"\"")).then_some(line);
            look.survey.unended = record.iter().next_back().is_some_and(|field| field.ends_with(b"\n"));
        }
        look.survey.unended |= records.get_ref().bytes.last() != Some(&b'\n');
        let missing = u64::from(look.survey.unended && !crlf);
        look.is(Shape::Odd, waiting.is_some_and(|(line, wanted)| line + missing != wanted));
        // Blank lines behind the last record.
        look.is(Shape::Odd, records.position().line() > next_line);
        if let Some(line) = unclosed {
            look.trouble = Some(Trouble::Unclosed(line + lines + missing));
        }
        look.cut_off(&before);
        look.survey.hash = hash.hex();
        look.footer(layout.footer, &last_record)?;
        Ok(look)
    }

    /// Notes the shape where it holds.
    fn is(&mut self, shape: Shape, holds: bool) {
        if holds {
            self.survey.shape = self.survey.shape.max(shape);
        }
    }

    fn say_layout(&mut self, header: &Header, layout: &Layout) {
        let found = &mut self.survey.found;
        if let Some(encoding) = self.survey.encoding {
            found.push(format!("encoding {}", encoding.name().to_lowercase()));
        }
        if header.separator_line {
            found.push("a sep= line before the header".to_owned());
        }
        if header.title_lines > 0 {
            found.push(format!("header in line {}, {} before it left out", header.lines, lines_of(header.title_lines)));
        }
        if header.delimiter != b',' && layout.delimiter.is_none() {
            let name =
                if header.delimiter == b'\t' { "tab".to_owned() } else { char::from(header.delimiter).to_string() };
            found.push(format!("delimiter {name}"));
        }
    }

    fn at(&mut self, record: &ByteRecord, interest: &Interest, before: &mut Before) {
        let survey = &mut self.survey;
        let wide = survey.header.len();
        let number = survey.records;
        let mut short = None;
        if record.len() != wide {
            let surplus = record.iter().skip(wide).any(|cell| !is_empty(cell));
            if surplus || record.len() < interest.least {
                survey.broken.insert(number, FIELD_COUNT);
            } else if record.len() < interest.named {
                survey.short.add(number);
            }
            if record.len() < interest.named {
                short = Some(record.len());
            }
        }
        if let (Some(first), Some(second)) = (before.short, short)
            && first + second == wide + 1
        {
            // Together they have the cells of one row: a line end within a cell that is not quoted.
            for half in [number - 1, number] {
                if survey.broken.insert(half, FIELD_COUNT).is_none() {
                    survey.short.remove(half);
                }
            }
            short = None;
        }
        before.short = short;
        if survey.broken.contains_key(&number) {
            return;
        }
        if is_header(record, &survey.header) {
            survey.broken.insert(number, REPEATED_HEADER);
            return;
        }
        if number == 1 && record.len() > 1 && record.iter().all(is_rule) {
            survey.left_out.insert(number, "a line of dashes under the header");
            return;
        }
        if self.survey.quote.is_none() {
            let wrapped = |cell: &[u8]| cell.len() > 1 && cell.starts_with(b"\"") && cell.ends_with(b"\"");
            self.quoted_cells |= record.iter().any(wrapped);
        }
        if std::str::from_utf8(record.as_slice()).is_err() {
            let bad = record.iter().enumerate().filter(|(_, cell)| std::str::from_utf8(cell).is_err());
            self.survey.undecodable.extend(bad.map(|(index, _)| index));
        }
        for (index, happened) in &interest.dates {
            if let Some(Ok(cell)) = record.get(*index).map(std::str::from_utf8) {
                let tally = self.survey.dates.entry(*index).or_default();
                tally.add(text::trim(cell), happened.then_some(interest.extract_day));
            }
        }
        for index in &interest.numbers {
            if let Some(Ok(cell)) = record.get(*index).map(std::str::from_utf8) {
                self.survey.numbers.entry(*index).or_default().add(text::trim(cell));
            }
        }
    }

    /// Looks at cells that hold line ends: free text of several lines, or records that a stray quote swallowed.
    fn lines_within(&mut self, record: &ByteRecord, line: u64, stated: bool) {
        let delimiter = self.survey.delimiter;
        let wide = self.survey.header.len();
        let suspicious = record
            .iter()
            .filter(|cell| memchr::memchr(b'\n', cell).is_some() && memchr::memchr(delimiter, cell).is_some());
        let mut noted = false;
        for cell in suspicious {
            if !noted {
                self.survey.swallowed.add(self.survey.records);
                noted = true;
            }
            let whole = cell
                .split(|byte| *byte == b'\n')
                .filter(|part| wide > 2 && memchr::memchr_iter(delimiter, part).count() == wide - 1)
                .count();
            if whole > 0 && !stated && self.trouble.is_none() {
                self.trouble = Some(Trouble::Swallowed(line, lines_of(whole as u64)));
            }
        }
    }

    /// A last row without a line end that lacks cells was cut off.
    fn cut_off(&mut self, before: &Before) {
        let survey = &mut self.survey;
        if survey.unended && before.short.is_some() && survey.broken.insert(survey.records, FIELD_COUNT).is_none() {
            survey.short.remove(survey.records);
        }
    }

    /// Leaves out what stands behind the data: as many records as the mapping states, or those that look like a footer.
    fn footer(&mut self, stated: Option<u64>, last: &ByteRecord) -> Result<()> {
        let records = self.survey.records;
        let count = match stated {
            Some(count) => count.min(records),
            None if records > 0 && footer::is_footer(last) => {
                // Few files have one: only they are read again.
                let mut run = 0;
                self.survey.each_record(|_, _, record| {
                    run = if footer::is_footer(record) { run + 1 } else { 0 };
                    Ok(true)
                })?;
                run
            }
            None => 0,
        };
        if count == 0 {
            return Ok(());
        }
        for number in records - count + 1..=records {
            if self.survey.broken.remove(&number).is_none() && self.survey.short.first.contains(&number) {
                self.survey.short.remove(number);
            }
            self.survey.left_out.insert(number, "a line after the data");
        }
        let texts = self.survey.texts(&BTreeSet::from([records]))?;
        let example = texts.get(&records).map_or_else(String::new, |row| format!(" (line {})", row.line));
        self.survey.found.push(format!("{} after the data left out{example}", lines_of(count)));
        Ok(())
    }
}

/// What to look at in each record.
struct Interest {
    dates: Vec<(usize, bool)>,
    numbers: Vec<usize>,
    /// Cells without which a row is broken: up to the last required column.
    least: usize,
    /// Cells that the header names.
    named: usize,
    extract_day: i32,
}

impl Interest {
    fn new(survey: &Survey, wanted: &Wanted) -> Self {
        let mut interest = Self {
            dates: Vec::new(),
            numbers: Vec::new(),
            least: 0,
            named: survey.header.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1),
            extract_day: wanted.extract_day,
        };
        let mut dates: BTreeMap<usize, bool> = BTreeMap::new();
        let mut numbers = BTreeSet::new();
        for column in &wanted.columns {
            let Some(index) = column.names.iter().find_map(|name| survey.column(name)) else { continue };
            if column.required {
                interest.least = interest.least.max(index + 1);
            }
            match column.kind {
                WantedKind::Text => {}
                WantedKind::Dates { happened } => *dates.entry(index).or_default() |= happened,
                WantedKind::Numbers => {
                    numbers.insert(index);
                }
            }
        }
        interest.dates.extend(dates);
        interest.numbers.extend(numbers);
        interest
    }
}

fn lines_of(count: u64) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn is_empty(cell: &[u8]) -> bool {
    cell.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

fn is_header(record: &ByteRecord, header: &[String]) -> bool {
    let same = |(cell, name): (&[u8], &String)| {
        std::str::from_utf8(cell).is_ok_and(|cell| text::trim(cell).eq_ignore_ascii_case(name))
    };
    record.len() >= header.len() && header.len() > 1 && record.iter().zip(header).all(same)
}

/// Whether a cell is drawn under a column's name: `-----`.
fn is_rule(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    !cell.is_empty() && cell.iter().all(|byte| matches!(byte, b'-' | b'=' | b'_' | b'+'))
}

pub(crate) fn unreadable(name: &str, error: &io::Error) -> PipelineError {
    let said = error.to_string();
    let reason = if said.contains("[limits]") {
        said
    } else {
        format!("cannot be read to its end (cut off or damaged?): {said}")
    };
    PipelineError::File { file: name.to_owned(), reason }
}

/// Line on which a record just read begins, and how many line feeds its cells hold. The reader's own position of a
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

fn csv_reader<R: Read>(reader: R, delimiter: u8, quote: Option<u8>, escape: Option<u8>) -> csv::Reader<R> {
    csv_cells(delimiter, quote, escape).buffer_capacity(1 << 18).from_reader(reader)
}

fn csv_cells(delimiter: u8, quote: Option<u8>, escape: Option<u8>) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(quote.is_some())
        .quote(quote.unwrap_or(b'"'))
        .escape(escape);
    builder
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

    fn look(bytes: &[u8], layout: &Layout) -> Result<Survey> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, bytes).unwrap();
        let column =
            |name: &str, required| WantedColumn { names: vec![name.to_owned()], kind: WantedKind::Text, required };
        let wanted = Wanted {
            columns: vec![column("a", true), column("b", false)],
            extract_day: 20_000,
            unpacking: Unpacking::default(),
        };
        let mut survey = Survey::take(&path, "x.csv", layout, &wanted)?;
        let all: BTreeSet<u64> = (1..=survey.records).collect();
        // Lines are told where the file is still there.
        let texts = survey.texts(&all)?;
        survey.found.extend(texts.values().map(|row| format!("{}: {}", row.line, row.text)));
        Ok(survey)
    }

    fn survey(bytes: &[u8]) -> Survey {
        look(bytes, &Layout::default()).unwrap()
    }

    #[test]
    fn finds_delimiter_header_and_odd_rows() {
        let found =
            survey(b"\xef\xbb\xbf a | B |c\r\n1|2|3\r\n1|2\r\n\"x\ny\"|2|3\r\n1|\xff|3\r\n1|2|3|4\r\n1|2|3|\r\n");
        assert_eq!(found.header, ["a", "B", "c"]);
        assert_eq!(found.delimiter, b'|');
        assert_eq!(found.records, 6);
        assert_eq!(found.broken, BTreeMap::from([(5, FIELD_COUNT)]));
        assert_eq!(found.short, Noted { count: 1, first: vec![2] });
        assert_eq!(found.undecodable, BTreeSet::from([1]));
        assert_eq!(found.column(" b"), Some(1));
    }

    #[test]
    fn a_record_keeps_its_line_behind_titles_quoted_newlines_and_blank_lines() {
        let found = survey(b"a,b\n\"one\ntwo\",2\n\n3,4\n").found;
        assert_eq!(found[1], "5: 3,4");
        let found = survey(b"A title\n\na,b\n1,2\n3,4\n").found;
        assert_eq!(found, ["header in line 3, 1 line before it left out", "4: 1,2", "5: 3,4"]);
    }

    #[test]
    fn plain_files_are_read_as_they_are_whatever_their_line_ends() {
        for (text, line, odd) in [
            ("a,b\n1,2\n3,4\n", 3, false),
            ("a,b\n1,2\n3,4", 3, false),
            ("a,b\r\n1,2\r\n3,4\r\n", 3, false),
            ("a,b\r\n1,2\r\n\r\n3,4\r\n", 4, true),
            ("a,b\n1,\"x\"\"y\"\n3,4\n", 3, true),
            ("a,b\n1,2,\n3,4,\n", 3, false),
            ("sep=,\na,b\n1,2\n3,4\n", 4, true),
        ] {
            let survey = survey(text.as_bytes());
            assert!(survey.found.iter().any(|row| row.starts_with(&format!("{line}: 3,4"))), "{:?}", survey.found);
            assert_eq!(survey.needs_mending(), odd, "{text:?}");
            assert!(survey.broken.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_row_broken_in_two_or_cut_off_is_not_filled_up() {
        let found = survey(b"a,b,c,d\n1,2,3,4\n1,2,so\nmuch,4\n1,2,3,4\n1,2,3,4\n1,2,3\n1,2,3,4\n1,2");
        assert_eq!(found.broken, BTreeMap::from([(2, FIELD_COUNT), (3, FIELD_COUNT), (8, FIELD_COUNT)]));
        assert_eq!(found.short.first, [6]);
    }

    #[test]
    fn headers_rules_and_footers_are_no_rows() {
        let found = survey(b"a,b\n--,--\n1,2\nA,B\n3,4\nTotal,2\n\n(2 rows affected)\n");
        assert_eq!(found.broken, BTreeMap::from([(3, REPEATED_HEADER)]));
        assert_eq!(found.left_out.keys().copied().collect::<Vec<_>>(), [1, 5, 6]);
        let stated = look(b"a,b\n1,2\n3,4\n", &Layout { footer: Some(1), ..Layout::default() }).unwrap();
        assert_eq!(stated.left_out.keys().copied().collect::<Vec<_>>(), [2]);
        assert!(survey(b"a,b\n1,2\nTotalis,4\n").left_out.is_empty());
    }

    #[test]
    fn a_quote_that_swallows_records_is_refused_or_taken_as_a_letter() {
        let pipes = "a|b|c\n1|2|\"DNA\" sent\n2|2|\"quiet\n3|2|x\n4|2|told \"go\"\n";
        let found = survey(pipes.as_bytes());
        assert_eq!((found.records, found.quote), (4, None));
        let commas = pipes.replace('|', ",");
        let refused = look(commas.as_bytes(), &Layout::default()).unwrap_err().to_string();
        assert!(refused.contains("line 3") && refused.contains("quote = \"\""), "{refused}");
        let stated = look(commas.as_bytes(), &Layout { quote: Some(None), ..Layout::default() }).unwrap();
        assert_eq!(stated.records, 4);
        let note = survey(b"a,b,c\n1,2,\"well,\nyes\"\n");
        assert_eq!(note.swallowed.count, 1);
    }
}
