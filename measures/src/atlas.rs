//! What a run measured, seen in the rows of AHRQ's Care Coordination Measures Atlas.
//!
//! The mapping is data (`measures/atlas.toml`), footnoted as the Atlas's or as ours. A cell's mark is that of the measure
//! with the most items in it; items of different measures are never added up. What is configured and has no data is told
//! apart from what nothing measures.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::error::{MeasureError, Result};
use crate::rows::Cell;

static MAPPING: &str = include_str!("../atlas.toml");

/// From so many items of one measure on a mark is filled; below it is open.
const FILLED: u32 = 3;

/// Rows of the Atlas and what is mapped to them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Atlas {
    /// Rows in order.
    pub row: Vec<Row>,
    /// Groups of measures.
    pub mapping: Vec<Mapping>,
}

/// One row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its id, for example A2b.
    pub id: String,
    /// activity or approach.
    pub mechanism: String,
    /// The row that it is a part of.
    pub parent: Option<String>,
    /// What it is.
    pub label: String,
}

/// Where measures that are counted together sit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Short name in reports.
    pub name: String,
    /// How the ids of its measures begin.
    pub measures: Vec<String>,
    /// Who supplies the data.
    pub perspective: Perspective,
    /// Whose judgement it is.
    pub basis: Basis,
    /// Why they sit there.
    pub reason: String,
    /// Rows with the number of items that match.
    pub cells: BTreeMap<String, u32>,
}

/// Who or what supplies the data of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Perspective {
    /// Patients and families: surveys.
    PatientFamily,
    /// Health care professionals.
    Professional,
    /// The system: records, claims.
    System,
}

impl Perspective {
    const ALL: [Self; 3] = [Self::PatientFamily, Self::Professional, Self::System];

    fn word(self) -> &'static str {
        match self {
            Self::PatientFamily => "patient_family",
            Self::Professional => "professional",
            Self::System => "system",
        }
    }
}

/// Whose judgement a mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The Atlas says so.
    Atlas,
    /// We do.
    Ours,
}

/// The shipped mapping.
///
/// # Errors
/// When it is broken, which a test rules out.
pub fn atlas() -> Result<Atlas> {
    parse(MAPPING)
}

fn parse(text: &str) -> Result<Atlas> {
    let broken = |reason: String| MeasureError::Definition {
        measure: "atlas".to_owned(),
        file: "atlas.toml".to_owned(),
        reason,
    };
    let found: Atlas = toml::from_str(text).map_err(|error| broken(error.to_string()))?;
    let rows: BTreeSet<&str> = found.row.iter().map(|row| row.id.as_str()).collect();
    let named = found
        .mapping
        .iter()
        .flat_map(|mapping| mapping.cells.keys())
        .chain(found.row.iter().filter_map(|row| row.parent.as_ref()));
    if let Some(odd) = named.into_iter().find(|id| !rows.contains(id.as_str())) {
        return Err(broken(format!("{odd} is no row")));
    }
    if let Some(odd) = found.mapping.iter().find(|mapping| mapping.cells.values().any(|items| *items == 0)) {
        return Err(broken(format!("{} has a cell with no items", odd.name)));
    }
    Ok(found)
}

/// A cell of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered<'a> {
    /// Names of the groups of measures that have data.
    pub measured: Vec<&'a str>,
    /// Groups that would cover it and have none.
    pub without_data: usize,
    /// Most items of any one of those measured.
    pub items: u32,
    /// Reasons of our own mappings among those measured.
    pub ours: Vec<&'a str>,
}

impl Covered<'_> {
    /// filled, open or none.
    #[must_use]
    pub fn mark(&self) -> &'static str {
        match self.items {
            0 => "none",
            FILLED.. => "filled",
            _ => "open",
        }
    }
}

/// Every cell by row and perspective. `state` says of a measure that its id begins so: whether it has data; nothing where
/// the run knows no such measure.
pub fn covered<'a>(
    atlas: &'a Atlas,
    state: &dyn Fn(&str) -> Option<bool>,
) -> BTreeMap<(&'a str, Perspective), Covered<'a>> {
    let mut cells = BTreeMap::new();
    for row in &atlas.row {
        for perspective in Perspective::ALL {
            let mut cell = Covered { measured: Vec::new(), without_data: 0, items: 0, ours: Vec::new() };
            for mapping in atlas.mapping.iter().filter(|mapping| mapping.perspective == perspective) {
                let Some(items) = mapping.cells.get(&row.id) else { continue };
                let known: Vec<bool> = mapping.measures.iter().filter_map(|prefix| state(prefix)).collect();
                if known.iter().any(|data| *data) {
                    cell.measured.push(&mapping.name);
                    cell.items = cell.items.max(*items);
                    if mapping.basis == Basis::Ours {
                        cell.ours.push(&mapping.reason);
                    }
                } else if !known.is_empty() {
                    cell.without_data += 1;
                }
            }
            cells.insert((row.id.as_str(), perspective), cell);
        }
    }
    cells
}

/// Rows of the results table `coverage`. `measures`: the ids of the run's measures, and whether each has data in the
/// period of the report month.
pub(crate) fn coverage(measures: &[(String, bool)]) -> Result<Vec<Vec<Cell>>> {
    let atlas = atlas()?;
    let state = |prefix: &str| {
        let mut fitting = measures.iter().filter(|(id, _)| id.starts_with(prefix)).map(|(_, data)| *data).peekable();
        fitting.peek()?;
        Some(fitting.any(|data| data))
    };
    let cells = covered(&atlas, &state);
    let mut found = Vec::new();
    for (position, row) in (1_i64..).zip(&atlas.row) {
        for perspective in Perspective::ALL {
            let Some(cell) = cells.get(&(row.id.as_str(), perspective)) else { continue };
            let state = if !cell.measured.is_empty() {
                "measured"
            } else if cell.without_data > 0 {
                "no_data"
            } else {
                "not_measured"
            };
            let basis = (!cell.measured.is_empty()).then_some(if cell.ours.is_empty() { "atlas" } else { "ours" });
            found.push(vec![
                row.id.clone().into(),
                position.into(),
                row.mechanism.clone().into(),
                row.parent.clone().into(),
                row.label.clone().into(),
                perspective.word().into(),
                (cell.measured.len() as u64).into(),
                (cell.without_data as u64).into(),
                cell.mark().into(),
                state.into(),
                (!cell.measured.is_empty()).then(|| cell.measured.join(", ")).into(),
                basis.into(),
                (!cell.ours.is_empty()).then(|| cell.ours.join("\n")).into(),
            ]);
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn deck(file: &str) -> Vec<BTreeMap<String, String>> {
        let path = std::path::Path::new("tests/decks/atlas").join(file);
        csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
    }

    #[test]
    fn the_deck_of_eleven_measures_agrees() {
        let mut names: Vec<(String, String)> = Vec::new();
        let mut text = String::new();
        for row in deck("domains.csv") {
            let _ = writeln!(
                text,
                "[[row]]\nid = {:?}\nmechanism = {:?}\nlabel = {:?}",
                row["domain_id"], row["mechanism"], row["label"]
            );
        }
        for row in deck("mapping.csv") {
            let _ = writeln!(
                text,
                "[[mapping]]\nname = {0:?}\nmeasures = [{0:?}]\nperspective = {1:?}\nbasis = {2:?}\nreason = ''\ncells = {{ {3} = {4} }}",
                row["measure_id"], row["perspective"], row["basis"], row["domain_id"], row["n_items"]
            );
            names.push((row["measure_id"].clone(), row["domain_id"].clone()));
        }
        let atlas = parse(&text).unwrap();
        let cells = covered(&atlas, &|_| Some(true));
        let mut compared = 0;
        for row in deck("coverage_expected.csv") {
            for perspective in Perspective::ALL {
                let cell = &cells[&(row["domain_id"].as_str(), perspective)];
                let word = perspective.word();
                assert_eq!(cell.measured.len().to_string(), row[&format!("{word}_measures")], "{row:?}");
                assert_eq!(cell.mark(), row[&format!("{word}_strongest_mark")], "{row:?}");
                compared += 2;
            }
        }
        assert_eq!(compared, 18 * 3 * 2);
        // Without data nothing is covered, and that is not the same as not being measured.
        let empty = covered(&atlas, &|_| Some(false));
        let a1 = &empty[&("A1", Perspective::System)];
        assert_eq!((a1.measured.len(), a1.without_data, a1.mark()), (0, 1, "none"));
        assert_eq!(empty[&("B1", Perspective::System)].without_data, 0);
    }

    #[test]
    fn the_shipped_mapping_names_rows_and_measures_that_there_are() {
        let atlas = atlas().unwrap();
        assert_eq!(atlas.row.len(), 18);
        let measures = crate::definition::catalog().unwrap();
        for mapping in &atlas.mapping {
            let known = |prefix: &String| measures.iter().any(|measure| measure.id.starts_with(prefix.as_str()));
            assert!(mapping.measures.iter().all(known), "{mapping:?}");
        }
        assert!(parse("row = []\n[[mapping]]\nname='x'\nmeasures=[]\nperspective='system'\nbasis='ours'\nreason=''\ncells={ A1 = 1 }").is_err());
    }

    #[test]
    fn cells_without_data_are_told_apart() {
        let rows =
            coverage(&[("referral.seen_90".to_owned(), true), ("readmission.all_cause_30".to_owned(), false)]).unwrap();
        let state = |row: &str, perspective: &str| {
            rows.iter().find(|cells| cells[0] == row.into() && cells[5] == perspective.into()).unwrap()[9].clone()
        };
        assert_eq!(rows.len(), 54);
        assert_eq!(state("A1", "system"), "measured".into());
        assert_eq!(state("A3a", "system"), "no_data".into());
        assert_eq!(state("A3a", "patient_family"), "not_measured".into());
    }
}
