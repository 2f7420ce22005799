//! Survey instruments: which items they have, what the answers' codes mean, and what is scored together. Data, not code:
//! one TOML file each, by the items' keys and with labels in our own words; no instrument's text is shipped.
//!
//! A user's own folder of instruments is laid over the shipped ones; a file of the same key and version replaces one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

use crate::definition::InstrumentUse;
use crate::error::{MeasureError, Result};

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/instruments");

/// A survey instrument in one version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Its key, as `survey_response.instrument` gives it.
    pub key: String,
    /// Its version, as `survey_response.version` gives it.
    pub version: String,
    /// Whether answers that name no version are of this one.
    #[serde(default)]
    pub default_version: bool,
    /// Title.
    pub title: String,
    /// How sure its items and codes are; nothing is scored from an unverified one.
    pub status: Status,
    /// How its composites are meant to be scored, in words.
    pub scoring: String,
    /// Who holds the rights, and what may be done.
    pub licence: String,
    /// Whether the wording of its items stands in this file.
    pub text_shipped: bool,
    /// Sources with marks of certainty.
    pub sources: Vec<String>,
    /// Answers that say that the person should not have been asked.
    #[serde(default)]
    pub ineligible: Vec<Gate>,
    /// Codes that are no answers; those of items come first.
    #[serde(default)]
    pub codes: Vec<CodeState>,
    /// Items.
    #[serde(default)]
    pub item: Vec<Item>,
    /// What is scored together.
    #[serde(default)]
    pub composite: Vec<Composite>,
}

/// How sure an instrument's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Items and codes were read in a source.
    Verified,
    /// Some were not, as the sources say.
    PartlyVerified,
    /// A skeleton until someone fills in its items.
    Unverified,
}

impl Status {
    /// In words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::PartlyVerified => "partly verified",
            Self::Unverified => "unverified",
        }
    }
}

/// An answer to an item that decides about others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The item.
    pub item: String,
    /// Its answers' codes.
    pub values: Vec<String>,
}

/// What a code says that is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeState {
    /// The codes.
    pub values: Vec<String>,
    /// The items; all where there are none.
    #[serde(default)]
    pub items: Vec<String>,
    /// The state.
    pub state: AnswerState,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    /// Skipped as the form asks.
    SkippedOk,
    /// More than one answer was marked.
    MultipleMark,
    /// Nothing was marked.
    Blank,
    /// Does not know or does not remember.
    DontKnow,
    /// Does not apply.
    NotApplicable,
}

impl AnswerState {
    fn word(self) -> &'static str {
        match self {
            Self::SkippedOk => "skipped_ok",
            Self::MultipleMark => "multiple_mark",
            Self::Blank => "blank",
            Self::DontKnow => "dont_know",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its key, as `survey_response.item_id` gives it.
    pub id: String,
    /// What it asks, in our own words.
    pub label: String,
    /// Lowest code of an answer.
    pub low: i64,
    /// Highest code of an answer.
    pub high: i64,
    /// Whether a low code is good: answers are turned round.
    #[serde(default)]
    pub reversed: bool,
    /// The screener before it, and its answers that say that this item is to be skipped.
    pub skipped_if: Option<Gate>,
    /// Whether it counts for completeness (CAHPS: eligibility, screeners of core composites, rating, demographics).
    #[serde(default)]
    pub key_item: bool,
}

/// Items that are scored together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composite {
    /// Its key.
    pub key: String,
    /// Title in our own words.
    pub title: String,
    /// Keys of its items.
    pub items: Vec<String>,
}

/// The shipped instruments with those of a user's folders laid over them, by key and version.
///
/// # Errors
/// When a folder cannot be read or a file is broken.
pub fn instruments(folders: &[PathBuf]) -> Result<Vec<Instrument>> {
    let mut found = Vec::new();
    for file in SHIPPED.files() {
        found.push(parse(&file.path().display().to_string(), file.contents_utf8().unwrap_or_default())?);
    }
    for folder in folders {
        let own = files(folder)?;
        for (name, text) in own {
            let own = parse(&name, &text)?;
            found.retain(|other: &Instrument| (&other.key, &other.version) != (&own.key, &own.version));
            found.push(own);
        }
    }
    found.sort_by(|one, other| (&one.key, &one.version).cmp(&(&other.key, &other.version)));
    for pair in found.windows(2) {
        if let [one, other] = pair
            && one.key == other.key
            && one.default_version
            && other.default_version
        {
            return Err(broken(
                &one.key,
                &format!("{} and {} are both the default version", one.version, other.version),
            ));
        }
    }
    Ok(found)
}

fn files(folder: &Path) -> Result<Vec<(String, String)>> {
    let failed = |error: std::io::Error| broken(&folder.display().to_string(), &error.to_string());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| Ok((path.display().to_string(), std::fs::read_to_string(&path).map_err(failed)?)))
        .collect()
}

fn broken(file: &str, reason: &str) -> MeasureError {
    MeasureError::Definition { measure: "instrument".to_owned(), file: file.to_owned(), reason: reason.to_owned() }
}

fn parse(file: &str, text: &str) -> Result<Instrument> {
    let found: Instrument = toml::from_str(text).map_err(|error| broken(file, &error.to_string()))?;
    let known = |id: &String| found.item.iter().any(|item| item.id == *id);
    let mut ids = std::collections::BTreeSet::new();
    if let Some(twice) = found.item.iter().find(|item| !ids.insert(&item.id)) {
        return Err(broken(file, &format!("item {} comes twice", twice.id)));
    }
    if let Some(odd) = found.item.iter().find(|item| item.low >= item.high) {
        return Err(broken(file, &format!("item {}: low must lie below high", odd.id)));
    }
    let gates = found.item.iter().filter_map(|item| item.skipped_if.as_ref()).chain(&found.ineligible);
    let named = gates
        .map(|gate| &gate.item)
        .chain(found.codes.iter().flat_map(|code| &code.items))
        .chain(found.composite.iter().flat_map(|composite| &composite.items));
    if let Some(odd) = named.into_iter().find(|id| !known(id)) {
        return Err(broken(file, &format!("{odd} is no item of the instrument")));
    }
    if let Some(empty) = found.composite.iter().find(|composite| composite.items.is_empty()) {
        return Err(broken(file, &format!("composite {} has no items", empty.key)));
    }
    if found.status != Status::Unverified && found.item.is_empty() {
        return Err(broken(file, "an instrument without items is unverified"));
    }
    Ok(found)
}

/// Why the composite that a measure scores cannot be scored; nothing when it can.
#[must_use]
pub fn refusal(used: &InstrumentUse, instruments: &[Instrument]) -> Option<String> {
    let versions: Vec<&Instrument> = instruments
        .iter()
        .filter(|one| one.key == used.key && used.version.as_ref().is_none_or(|version| *version == one.version))
        .collect();
    let named = format!("the instrument {} {}", used.key, used.version.as_deref().unwrap_or_default());
    let named = named.trim_end();
    if versions.is_empty() {
        return Some(format!("{named} is not described"));
    }
    if versions.iter().all(|one| one.status == Status::Unverified) {
        return Some(format!(
            "{named} is a skeleton: fill in its items from the published form and set its status (folder instruments in carecoord.toml)"
        ));
    }
    let has = |composite: &String| versions.iter().any(|one| one.composite.iter().any(|own| own.key == *composite));
    match &used.composite {
        Some(composite) if !has(composite) => Some(format!("{named} has no composite {composite}")),
        _ => None,
    }
}

/// A column of the tables below.
enum Column {
    Text(Vec<String>),
    Number(Vec<i64>),
    Truth(Vec<bool>),
}

fn table(name: &str, columns: Vec<(&'static str, Column)>) -> Result<RecordBatch> {
    let (mut fields, mut arrays): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (column, values) in columns {
        let (kind, array): (DataType, ArrayRef) = match values {
            Column::Text(values) => (DataType::Utf8View, Arc::new(StringViewArray::from_iter_values(values))),
            Column::Number(values) => (DataType::Int64, Arc::new(Int64Array::from(values))),
            Column::Truth(values) => (DataType::Boolean, Arc::new(BooleanArray::from(values))),
        };
        fields.push(Field::new(column, kind, true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| MeasureError::engine(name, error))
}

/// The tables of schema `prepared` that say what instruments are:
///
/// | table | one row for each |
/// |---|---|
/// | `instrument` | instrument and version |
/// | `instrument_item` | item |
/// | `instrument_composite` | item of a composite |
/// | `instrument_code` | item and code that is no answer |
/// | `instrument_skip` | item and answer to its screener that says to skip it |
/// | `instrument_ineligible` | answer that says that the person should not have been asked |
///
/// # Errors
/// When Arrow refuses.
pub fn tables(instruments: &[Instrument]) -> Result<Vec<(&'static str, RecordBatch)>> {
    let whole = ("instrument", instrument_table(instruments)?);
    let mut tables = vec![whole, ("instrument_item", item_table(instruments)?)];
    for (name, rows) in [
        ("instrument_composite", members(instruments)),
        ("instrument_code", codes(instruments)),
        ("instrument_skip", skips(instruments)),
        ("instrument_ineligible", gates(instruments)),
    ] {
        let mut columns: Vec<(&'static str, Column)> = vec![
            ("instrument", Column::Text(rows.iter().map(|row| row.instrument.key.clone()).collect())),
            ("version", Column::Text(rows.iter().map(|row| row.instrument.version.clone()).collect())),
        ];
        for (place, column) in more_columns(name).iter().enumerate() {
            columns.push((column, Column::Text(rows.iter().map(|row| row.more[place].clone()).collect())));
        }
        tables.push((name, table(name, columns)?));
    }
    Ok(tables)
}

/// Columns beside `instrument` and `version`.
fn more_columns(table: &str) -> &'static [&'static str] {
    match table {
        "instrument_composite" => &["composite", "item_id"],
        "instrument_code" => &["item_id", "raw_value", "state"],
        "instrument_skip" => &["item_id", "screener_item_id", "raw_value"],
        _ => &["item_id", "raw_value"],
    }
}

/// A row of texts about an instrument, in the order of [`more_columns`].
struct About<'a> {
    instrument: &'a Instrument,
    more: Vec<String>,
}

fn instrument_table(instruments: &[Instrument]) -> Result<RecordBatch> {
    let text =
        |value: fn(&Instrument) -> &str| Column::Text(instruments.iter().map(|one| value(one).to_owned()).collect());
    let columns = vec![
        ("instrument", text(|one| &one.key)),
        ("version", text(|one| &one.version)),
        ("default_version", Column::Truth(instruments.iter().map(|one| one.default_version).collect())),
        ("title", text(|one| &one.title)),
        ("status", text(|one| one.status.word())),
    ];
    table("instrument", columns)
}

fn item_table(instruments: &[Instrument]) -> Result<RecordBatch> {
    let items: Vec<(&Instrument, &Item)> =
        instruments.iter().flat_map(|one| one.item.iter().map(move |item| (one, item))).collect();
    let text = |value: fn(&Instrument, &Item) -> String| {
        Column::Text(items.iter().map(|(one, item)| value(one, item)).collect())
    };
    let columns = vec![
        ("instrument", text(|one, _| one.key.clone())),
        ("version", text(|one, _| one.version.clone())),
        ("item_id", text(|_, item| item.id.clone())),
        ("label", text(|_, item| item.label.clone())),
        ("low", Column::Number(items.iter().map(|(_, item)| item.low).collect())),
        ("high", Column::Number(items.iter().map(|(_, item)| item.high).collect())),
        ("reversed", Column::Truth(items.iter().map(|(_, item)| item.reversed).collect())),
        ("key_item", Column::Truth(items.iter().map(|(_, item)| item.key_item).collect())),
    ];
    table("instrument_item", columns)
}

fn members(instruments: &[Instrument]) -> Vec<About<'_>> {
    let mut rows = Vec::new();
    for instrument in instruments {
        for composite in &instrument.composite {
            rows.extend(
                composite
                    .items
                    .iter()
                    .map(|item| About { instrument, more: vec![composite.key.clone(), item.clone()] }),
            );
        }
    }
    rows
}

fn codes(instruments: &[Instrument]) -> Vec<About<'_>> {
    let mut rows = Vec::new();
    for instrument in instruments {
        for item in &instrument.item {
            // The first that fits holds: those of items stand before those of all.
            let mut known: Vec<&String> = Vec::new();
            for code in instrument.codes.iter().filter(|code| code.items.is_empty() || code.items.contains(&item.id)) {
                for value in &code.values {
                    if !known.contains(&value) {
                        known.push(value);
                        let more = vec![item.id.clone(), value.clone(), code.state.word().to_owned()];
                        rows.push(About { instrument, more });
                    }
                }
            }
        }
    }
    rows
}

fn skips(instruments: &[Instrument]) -> Vec<About<'_>> {
    let mut rows = Vec::new();
    for instrument in instruments {
        for item in &instrument.item {
            if let Some(gate) = &item.skipped_if {
                rows.extend(
                    gate.values.iter().map(|value| About {
                        instrument,
                        more: vec![item.id.clone(), gate.item.clone(), value.clone()],
                    }),
                );
            }
        }
    }
    rows
}

fn gates(instruments: &[Instrument]) -> Vec<About<'_>> {
    let mut rows = Vec::new();
    for instrument in instruments {
        for gate in &instrument.ineligible {
            rows.extend(
                gate.values.iter().map(|value| About { instrument, more: vec![gate.item.clone(), value.clone()] }),
            );
        }
    }
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HEAD: &str = "key = 'x'\nversion = '1'\ntitle = 'X'\nstatus = 'verified'\nscoring = 's'\nlicence = 'l'\n\
                        text_shipped = false\nsources = []\n";

    #[test]
    fn the_shipped_instruments_parse_and_ship_no_text() {
        let shipped = instruments(&[]).unwrap();
        assert!(shipped.iter().any(|one| one.key == "cg-cahps" && one.version == "3.0"));
        assert!(shipped.iter().all(|one| !one.text_shipped && !one.sources.is_empty()));
        // The skeleton stays one until a user fills it.
        assert!(
            shipped.iter().any(|one| one.key == "ccqm-pc" && one.status == Status::Unverified && one.item.is_empty())
        );
        assert_eq!(tables(&shipped).unwrap().len(), 6);
    }

    #[test]
    fn a_broken_instrument_is_refused_with_the_reason() {
        let item = |more: &str| format!("{HEAD}[[item]]\nid = 'a'\nlabel = 'A'\nlow = 1\nhigh = 4\n{more}");
        assert_eq!(parse("x.toml", &item("")).unwrap().item.len(), 1);
        for (text, reason) in [
            (item("[[item]]\nid = 'a'\nlabel = 'A'\nlow = 1\nhigh = 4\n"), "comes twice"),
            (item("[[composite]]\nkey = 'c'\ntitle = 'C'\nitems = ['b']\n"), "b is no item"),
            (item("[[composite]]\nkey = 'c'\ntitle = 'C'\nitems = []\n"), "no items"),
            (item("skipped_if = { item = 'q', values = ['2'] }\n"), "q is no item"),
            (item("[[item]]\nid = 'b'\nlabel = 'B'\nlow = 4\nhigh = 4\n"), "below high"),
            (HEAD.to_owned(), "without items"),
        ] {
            let error = parse("x.toml", &text).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("x.toml"), "{error}");
        }
    }
}
