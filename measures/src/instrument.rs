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
    let items = || instruments.iter().flat_map(|one| one.item.iter().map(move |item| (one, item)));
    let text = |values: &mut dyn Iterator<Item = &String>| Column::Text(values.cloned().collect());
    let mut members = Vec::new();
    let mut codes = Vec::new();
    for one in instruments {
        for composite in &one.composite {
            members.extend(composite.items.iter().map(|item| (one, composite, item)));
        }
        for item in &one.item {
            for code in &one.codes {
                if code.items.is_empty() || code.items.contains(&item.id) {
                    let taken: Vec<String> = code.values.clone();
                    for value in taken {
                        // The first that fits holds: those of items stand before those of all.
                        if !codes.iter().any(|(other, id, known, _): &(&Instrument, &String, String, AnswerState)| {
                            std::ptr::eq(*other, one) && *id == &item.id && *known == value
                        }) {
                            codes.push((one, &item.id, value, code.state));
                        }
                    }
                }
            }
        }
    }
    let skips: Vec<_> = items()
        .filter_map(|(one, item)| Some((one, item, item.skipped_if.as_ref()?)))
        .flat_map(|(one, item, gate)| gate.values.iter().map(move |value| (one, item, gate, value)))
        .collect();
    let gates: Vec<_> = instruments
        .iter()
        .flat_map(|one| {
            one.ineligible.iter().flat_map(move |gate| gate.values.iter().map(move |value| (one, gate, value)))
        })
        .collect();
    Ok(vec![
        (
            "instrument",
            table(
                "instrument",
                vec![
                    ("instrument", text(&mut instruments.iter().map(|one| &one.key))),
                    ("version", text(&mut instruments.iter().map(|one| &one.version))),
                    ("default_version", Column::Truth(instruments.iter().map(|one| one.default_version).collect())),
                    ("title", text(&mut instruments.iter().map(|one| &one.title))),
                    ("status", Column::Text(instruments.iter().map(|one| one.status.word().to_owned()).collect())),
                ],
            )?,
        ),
        (
            "instrument_item",
            table(
                "instrument_item",
                vec![
                    ("instrument", text(&mut items().map(|(one, _)| &one.key))),
                    ("version", text(&mut items().map(|(one, _)| &one.version))),
                    ("item_id", text(&mut items().map(|(_, item)| &item.id))),
                    ("label", text(&mut items().map(|(_, item)| &item.label))),
                    ("low", Column::Number(items().map(|(_, item)| item.low).collect())),
                    ("high", Column::Number(items().map(|(_, item)| item.high).collect())),
                    ("reversed", Column::Truth(items().map(|(_, item)| item.reversed).collect())),
                    ("key_item", Column::Truth(items().map(|(_, item)| item.key_item).collect())),
                ],
            )?,
        ),
        (
            "instrument_composite",
            table(
                "instrument_composite",
                vec![
                    ("instrument", text(&mut members.iter().map(|(one, _, _)| &one.key))),
                    ("version", text(&mut members.iter().map(|(one, _, _)| &one.version))),
                    ("composite", text(&mut members.iter().map(|(_, composite, _)| &composite.key))),
                    ("item_id", text(&mut members.iter().map(|(_, _, item)| *item))),
                ],
            )?,
        ),
        (
            "instrument_code",
            table(
                "instrument_code",
                vec![
                    ("instrument", text(&mut codes.iter().map(|(one, ..)| &one.key))),
                    ("version", text(&mut codes.iter().map(|(one, ..)| &one.version))),
                    ("item_id", text(&mut codes.iter().map(|(_, item, ..)| *item))),
                    ("raw_value", text(&mut codes.iter().map(|(_, _, value, _)| value))),
                    ("state", Column::Text(codes.iter().map(|(.., state)| state.word().to_owned()).collect())),
                ],
            )?,
        ),
        (
            "instrument_skip",
            table(
                "instrument_skip",
                vec![
                    ("instrument", text(&mut skips.iter().map(|(one, ..)| &one.key))),
                    ("version", text(&mut skips.iter().map(|(one, ..)| &one.version))),
                    ("item_id", text(&mut skips.iter().map(|(_, item, ..)| &item.id))),
                    ("screener_item_id", text(&mut skips.iter().map(|(_, _, gate, _)| &gate.item))),
                    ("raw_value", text(&mut skips.iter().map(|(.., value)| *value))),
                ],
            )?,
        ),
        (
            "instrument_ineligible",
            table(
                "instrument_ineligible",
                vec![
                    ("instrument", text(&mut gates.iter().map(|(one, ..)| &one.key))),
                    ("version", text(&mut gates.iter().map(|(one, ..)| &one.version))),
                    ("item_id", text(&mut gates.iter().map(|(_, gate, _)| &gate.item))),
                    ("raw_value", text(&mut gates.iter().map(|(.., value)| *value))),
                ],
            )?,
        ),
    ])
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
