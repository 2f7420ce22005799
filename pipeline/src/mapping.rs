//! Mappings: which file of a source feeds which table, column by column.
//!
//! A mapping is a TOML file; a user writes one for their own system without writing code. `docs/mappings.md`
//! explains every field with a worked example.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use carecoord_lake::contract::{self, Contract};
use serde::Deserialize;

use crate::error::{PipelineError, Result};

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

/// A whole mapping.
#[derive(Debug, Clone, Deserialize)]
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
    /// Order of day and month in dates with slashes.
    #[serde(default)]
    pub date_order: DateOrder,
    /// Whether the files are reference tables and not data of patients: loading them changes neither the lake's source nor
    /// its extract date.
    #[serde(default)]
    pub reference: bool,
    /// Texts that mean "no value" beside the empty one.
    #[serde(default = "default_nulls")]
    pub null_values: Vec<String>,
    /// Files, in the order in which they are looked for.
    #[serde(rename = "file")]
    pub files: Vec<FileMapping>,
}

/// How files of one kind feed one table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMapping {
    /// Table of the lake.
    pub table: String,
    /// File-name patterns: `*` stands for anything; case does not matter; `.gz` and `.zst` may follow.
    pub files: Vec<String>,
    /// Delimiter; found in the header line unless stated.
    pub delimiter: Option<char>,
    /// Rows that count; the others are left out on purpose and counted as filtered.
    pub only_where: Option<Condition>,
    /// Column of the lake → where its value comes from.
    pub columns: BTreeMap<String, Source>,
}

/// A condition on a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Column of the file.
    pub column: String,
    /// Values, one of which it must have.
    pub equals: Vec<String>,
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
    /// Pattern of a date or time, in strftime's letters; found once for each file unless stated.
    pub format: Option<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn default_nulls() -> Vec<String> {
    ["NULL", "N/A", "NA", "#N/A", "None", "\\N", "?"].map(str::to_owned).to_vec()
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(from)? {
        OneOrMany::One(name) => vec![name],
        OneOrMany::Many(names) => names,
    })
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

impl FileMapping {
    /// Says in short how a file is read: equal texts read equal files into equal rows.
    #[must_use]
    pub fn fingerprint(&self, mapping: &Mapping) -> String {
        let text = format!("{self:?} {:?} {:?} {:?}", mapping.time_zone, mapping.date_order, mapping.null_values);
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }
}

impl Mapping {
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
                delimiter: None,
                only_where: None,
                columns: table
                    .columns
                    .iter()
                    .map(|column| (column.name.clone(), Source::Column(column.name.clone())))
                    .collect(),
            })
            .collect();
        Ok(Self {
            name: OWN.to_owned(),
            title: "carecoord's own column names".to_owned(),
            time_zone: utc(),
            date_order: DateOrder::Mdy,
            reference: false,
            null_values: default_nulls(),
            files,
        })
    }

    fn parse(path: &str, text: &str) -> Result<Self> {
        let broken = |reason: String| PipelineError::Mapping { path: path.to_owned(), reason };
        let mapping: Self = toml::from_str(text).map_err(|error| broken(error.to_string()))?;
        check_time_zone(&mapping.time_zone).map_err(broken)?;
        for file in &mapping.files {
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
    polars::prelude::TimeZone::validate_time_zone(name)
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
