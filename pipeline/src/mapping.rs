//! Mappings: which file of a source feeds which table, column by column.
//!
//! A mapping is a TOML file; a user writes one for their own system without writing code. `docs/mappings.md`
//! explains every field with a worked example.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use carecoord_lake::contract::{self, Contract};
use serde::Deserialize;

use crate::conditions::{Condition, conditions};
use crate::error::{PipelineError, Result};
use crate::layout::Layout;
use crate::numbers::Sign;
use crate::one_or_many::one_or_many;
use crate::source;
use crate::survey::Survey;
use crate::words;

const BUILT_IN: [(&str, &str); 2] =
    [("synthea", include_str!("../sources/synthea.toml")), ("desynpuf", include_str!("../sources/desynpuf.toml"))];
const CODES: &str = include_str!("../sources/codes.toml");

/// Name of the mapping in which files and columns already have the lake's names.
pub const OWN: &str = "carecoord";

/// Order of day and month in dates with slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// Month, day, year: the default.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
}

/// What a load does to rows that were loaded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// An extract brings new and changed rows; what it does not hold stays.
    #[default]
    Changes,
    /// An extract holds all rows: what earlier files of this block held and this run's files no longer hold is withdrawn.
    Full,
}

/// A whole mapping.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Name, as given to `--source`.
    pub name: String,
    /// What the source is.
    #[serde(default)]
    pub title: String,
    /// Time zone in which dates are local (IANA name); UTC unless stated.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Order of day and month in dates whose form does not tell; found in the files unless stated.
    pub date_order: Option<DateOrder>,
    /// Whether the files are reference tables and not data of patients: loading them changes neither the lake's source nor
    /// its extract date.
    #[serde(default)]
    pub reference: bool,
    /// Texts that mean "no value" beside the empty one, in any case; the usual ones unless stated.
    pub null_values: Option<Vec<String>>,
    /// Encoding of the files; UTF-8, or what a byte-order mark says, unless stated.
    pub encoding: Option<String>,
    /// The quote, one character; empty for files that are never quoted; `"` unless stated.
    pub quote: Option<String>,
    /// The character that takes the next one as it is; none unless stated.
    pub escape: Option<String>,
    /// The sign before decimals, `.` or `,`; found in each column unless stated.
    pub decimal: Option<String>,
    /// The sign between groups of three digits; follows from the other unless stated.
    pub thousands: Option<String>,
    /// Files, in the order in which they are looked for.
    #[serde(rename = "file")]
    pub files: Vec<FileMapping>,
}

/// How files of one kind feed one table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMapping {
    /// Table of the lake.
    pub table: String,
    /// File-name patterns: `*` stands for anything; case does not matter; `.gz` and `.zst` may follow.
    pub files: Vec<String>,
    /// Delimiter; found in the header line unless stated.
    pub delimiter: Option<char>,
    /// Encoding, where it is not the mapping's.
    pub encoding: Option<String>,
    /// Quote, where it is not the mapping's.
    pub quote: Option<String>,
    /// Escape, where it is not the mapping's.
    pub escape: Option<String>,
    /// Lines before the header; found unless stated.
    pub skip_rows: Option<u64>,
    /// Line of the header, from 1; found unless stated.
    pub header_row: Option<u64>,
    /// Records at the end that are no data; found unless stated.
    pub footer: Option<u64>,
    /// Sign before decimals, where it is not the mapping's.
    pub decimal: Option<String>,
    /// Sign between groups of digits, where it is not the mapping's.
    pub thousands: Option<String>,
    /// Order of day and month, where it is not the mapping's.
    pub date_order: Option<DateOrder>,
    /// What a load does to rows that were loaded before.
    #[serde(default)]
    pub mode: Mode,
    /// Rows that count; the others are left out on purpose and counted as filtered.
    #[serde(default, deserialize_with = "conditions")]
    pub only_where: Vec<Condition>,
    /// Rows that take back the row of their key.
    #[serde(default, deserialize_with = "conditions")]
    pub deleted_where: Vec<Condition>,
    /// Column of the lake → where its value comes from.
    pub columns: BTreeMap<String, Source>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// A column of the file.
    Column(String),
    /// The first of these columns that the file has.
    FirstOf(Vec<String>),
    /// Something more.
    Rule(Rule),
}

/// A value's rule in full.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Column of the file, or several of which the first present is taken.
    #[serde(default, deserialize_with = "one_or_many")]
    pub column: Vec<String>,
    /// Columns whose values are joined with `|`; absent ones are left out.
    #[serde(default)]
    pub join: Vec<String>,
    /// The same value for every row.
    pub constant: Option<String>,
    /// Value of the file → value of the lake; case does not matter.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// Value for whatever `map` does not name; left as it is unless stated.
    pub otherwise: Option<String>,
    /// Pattern of a date or time in strftime's letters, or several of which the first that fits a cell counts; every usual
    /// form is read unless stated.
    #[serde(default, deserialize_with = "one_or_many")]
    pub format: Vec<String>,
    /// Text put before an identifier, for keys that are unique only within a site.
    pub prefix: Option<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Source {
    /// The same in full.
    #[must_use]
    pub fn rule(&self) -> Rule {
        match self {
            Self::Column(name) => Rule { column: vec![name.clone()], ..Rule::default() },
            Self::FirstOf(names) => Rule { column: names.clone(), ..Rule::default() },
            Self::Rule(rule) => rule.clone(),
        }
    }
}

/// The first of these names that a file has.
fn first_of<'a>(names: &'a [String], survey: &Survey) -> Vec<&'a str> {
    names.iter().map(String::as_str).find(|name| survey.column(name).is_some()).into_iter().collect()
}

impl FileMapping {
    /// Says in short how a file is read: equal texts read equal files into equal rows.
    #[must_use]
    pub fn fingerprint(&self, mapping: &Mapping) -> String {
        let Mapping { time_zone, date_order, null_values, encoding, quote, escape, decimal, thousands, .. } = mapping;
        let text = format!(
            "{self:?} {time_zone:?} {date_order:?} {null_values:?} {encoding:?} {quote:?} {escape:?} {decimal:?} {thousands:?}"
        );
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }

    /// Which files feed which rows: the table, the file patterns and the constants of the key. It stays the same when
    /// other parts of the mapping change, so that a full load knows what earlier files brought.
    #[must_use]
    pub fn block(&self, table: &Contract) -> String {
        let constants = table.key.iter().filter_map(|name| {
            let constant = self.columns.get(name)?.rule().constant?;
            Some(format!("{name}={constant}"))
        });
        std::iter::once(self.table.clone())
            .chain(self.files.iter().cloned())
            .chain(constants)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Names of the columns that are read of a file: by values, by joins and by conditions.
    pub fn names_read(&self, survey: &Survey) -> impl Iterator<Item = &str> {
        let conditions = self.only_where.iter().chain(&self.deleted_where).map(|condition| condition.column.as_str());
        let values = self.columns.values().flat_map(|source| match source {
            Source::Column(name) => vec![name.as_str()],
            Source::FirstOf(names) => first_of(names, survey),
            Source::Rule(rule) if rule.constant.is_some() => Vec::new(),
            Source::Rule(rule) => match first_of(&rule.column, survey) {
                names if names.is_empty() => rule.join.iter().map(String::as_str).collect(),
                names => names,
            },
        });
        values.chain(conditions)
    }

    /// How the files are written, as far as the mapping states it.
    ///
    /// # Errors
    /// With a sentence that names the setting, when one cannot be used.
    pub fn layout(&self, mapping: &Mapping) -> std::result::Result<Layout, String> {
        let one_byte = |what: &str, text: &str| match text.as_bytes() {
            [byte] => Ok(*byte),
            _ => Err(format!("{what} {text:?} is not one ASCII character")),
        };
        let encoding =
            self.encoding.as_ref().or(mapping.encoding.as_ref()).map(|name| source::encoding(name)).transpose()?;
        let quote = match self.quote.as_ref().or(mapping.quote.as_ref()).map(String::as_str) {
            None => None,
            Some("") => Some(None),
            Some(text) => Some(Some(one_byte("quote", text)?)),
        };
        let escape =
            self.escape.as_ref().or(mapping.escape.as_ref()).map(|text| one_byte("escape", text)).transpose()?;
        let delimiter = self.delimiter.map(|stated| one_byte("delimiter", &stated.to_string())).transpose()?;
        if self.skip_rows.is_some() && self.header_row.is_some() {
            return Err("skip_rows and header_row say the same in two ways; state one of them".to_owned());
        }
        if self.header_row == Some(0) {
            return Err("header_row counts lines from 1".to_owned());
        }
        let lines_before = self.skip_rows.or(self.header_row.map(|line| line - 1));
        Ok(Layout { encoding, delimiter, quote, escape, lines_before, footer: self.footer })
    }

    /// The sign before decimals, where the mapping states it or it follows from the other sign.
    ///
    /// # Errors
    /// With a sentence that names the setting, when the two signs contradict each other.
    pub fn decimal_sign(&self, mapping: &Mapping) -> std::result::Result<Option<Sign>, String> {
        let decimal = self.decimal.as_ref().or(mapping.decimal.as_ref()).map(String::as_str);
        let thousands = self.thousands.as_ref().or(mapping.thousands.as_ref()).map(String::as_str);
        let decimal = match decimal {
            None => None,
            Some(".") => Some(Sign::Dot),
            Some(",") => Some(Sign::Comma),
            Some(other) => return Err(format!("decimal = {other:?}; it is \".\" or \",\"")),
        };
        let follows = match thousands {
            None | Some("" | " " | "'" | "\u{a0}" | "\u{202f}") => None,
            Some(",") => Some(Sign::Dot),
            Some(".") => Some(Sign::Comma),
            Some(other) => return Err(format!("thousands = {other:?}; it is \",\", \".\", \" \", \"'\" or \"\"")),
        };
        match (decimal, follows) {
            (Some(one), Some(other)) if one != other => Err("decimal and thousands are the same sign".to_owned()),
            (one, other) => Ok(one.or(other)),
        }
    }
}

impl Mapping {
    /// Whether any part of the mapping reads a file of this name.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        self.files.iter().flat_map(|file| &file.files).any(|pattern| fits(pattern, name))
    }

    /// Loads a mapping: a built-in name, or the path of a user's own file (anything that ends in `.toml`).
    ///
    /// # Errors
    /// When there is none, or it is broken, or it names a table or column that the lake does not have.
    pub fn load(name_or_path: &str) -> Result<Self> {
        if Path::new(name_or_path).extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(name_or_path)
                .map_err(|error| PipelineError::read(Path::new(name_or_path), error))?;
            return Self::parse(name_or_path, &text);
        }
        if name_or_path == OWN {
            return Self::own();
        }
        match BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            Some((name, text)) => Self::parse(name, text),
            None => Err(PipelineError::UnknownSource {
                name: name_or_path.to_owned(),
                built_in: Self::built_in_names().join(", "),
            }),
        }
    }

    /// The mapping of code tables, with their version and source stated.
    ///
    /// # Errors
    /// When it is broken, which a test rules out.
    pub fn codes(version: &str, source: &str) -> Result<Self> {
        let mut mapping = Self::parse("codes", CODES)?;
        for file in &mut mapping.files {
            for (column, stated) in [("version", version), ("source", source)] {
                if let Some(Source::Rule(rule)) = file.columns.get_mut(column) {
                    rule.constant = Some(stated.to_owned());
                }
            }
        }
        Ok(mapping)
    }

    /// Names of the built-in mappings.
    #[must_use]
    pub fn built_in_names() -> Vec<&'static str> {
        std::iter::once(OWN).chain(BUILT_IN.iter().map(|(name, _)| *name)).collect()
    }

    /// The mapping in which every file is `<table>.csv` and every column has its name in the lake.
    fn own() -> Result<Self> {
        let files = contract::tables()?
            .iter()
            .map(|table| FileMapping {
                table: table.name.clone(),
                files: vec![
                    format!("{}.csv", table.name),
                    format!("{}.txt", table.name),
                    format!("{}.tsv", table.name),
                ],
                columns: table
                    .columns
                    .iter()
                    .map(|column| (column.name.clone(), Source::Column(column.name.clone())))
                    .collect(),
                ..FileMapping::default()
            })
            .collect();
        Ok(Self {
            name: OWN.to_owned(),
            title: "carecoord's own column names".to_owned(),
            time_zone: utc(),
            files,
            ..Self::default()
        })
    }

    fn parse(path: &str, text: &str) -> Result<Self> {
        let broken = |reason: String| PipelineError::Mapping { path: path.to_owned(), reason };
        let mut mapping: Self = toml::from_str(text).map_err(|error| broken(error.to_string()))?;
        check_time_zone(&mapping.time_zone).map_err(broken)?;
        let whole = mapping.clone();
        for file in &mut mapping.files {
            file.layout(&whole).map_err(broken)?;
            file.decimal_sign(&whole).map_err(broken)?;
            let table = contract::table(&file.table).map_err(|error| broken(error.to_string()))?;
            for (column, source) in &file.columns {
                if table.column(column).is_none() {
                    return Err(broken(format!("table {} has no column {column}", table.name)));
                }
                let rule = source.rule();
                if rule.column.is_empty() && rule.join.is_empty() && rule.constant.is_none() {
                    return Err(broken(format!("{}.{column} names no column, join or constant", table.name)));
                }
            }
            for (column, source) in &mut file.columns {
                if let (Source::Rule(rule), Some(known)) = (source, table.column(column)) {
                    words::fold_targets(&table.name, known, rule).map_err(broken)?;
                }
            }
            if let Some(missing) = needed(table).find(|name| !file.columns.contains_key(*name)) {
                return Err(broken(format!("table {} needs a source for its column {missing}", table.name)));
            }
        }
        Ok(mapping)
    }
}

/// Whether a time zone is known, by its IANA name.
///
/// # Errors
/// With the reason, when it is not.
pub fn check_time_zone(name: &str) -> std::result::Result<(), String> {
    jiff::tz::TimeZone::get(name)
        .map(drop)
        .map_err(|_| format!("time_zone {name:?} is not known; write it like America/New_York or UTC"))
}

/// Columns without which no row can be placed: the key and what buckets it, unless that can be looked up.
pub fn needed(table: &Contract) -> impl Iterator<Item = &str> {
    table.key.iter().chain(&table.bucket_by).map(String::as_str).filter(|name| {
        table
            .column(name)
            .is_some_and(|column| column.required && column.local_date_of.is_none() && column.filled_from.is_none())
    })
}

/// Whether a file name fits a pattern: `*` stands for anything, case does not matter, `.gz` or `.zst` may follow.
#[must_use]
pub fn fits(pattern: &str, file_name: &str) -> bool {
    let name = file_name.to_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    let pattern = pattern.to_lowercase();
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names_whatever_their_case_and_compression() {
        assert!(fits("encounters.csv", "Encounters.CSV.gz"));
        assert!(fits("DE1_0_*_Beneficiary_*.csv", "DE1_0_2008_Beneficiary_Summary_File_Sample_1.csv.gz"));
        assert!(!fits("encounters.csv", "encounters.csv.bak"));
        assert!(!fits("claims.csv", "claims_transactions.csv"));
    }

    #[test]
    fn every_built_in_mapping_loads() {
        for name in Mapping::built_in_names() {
            Mapping::load(name).unwrap();
        }
        let codes = Mapping::codes("2021", "somewhere").unwrap();
        assert!(codes.reference && codes.files.iter().all(|file| file.table == "code_set"));
    }

    #[test]
    fn a_mapping_that_names_an_unknown_column_is_refused_with_the_name() {
        let text = "name = 'x'\n[[file]]\ntable = 'patient'\nfiles = ['p.csv']\ncolumns = { patient_id = 'ID', shoe_size = 'S' }\n";
        let error = Mapping::parse("x.toml", text).unwrap_err().to_string();
        assert!(error.contains("shoe_size"), "{error}");
    }
}
