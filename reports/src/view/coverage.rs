//! The matrix of AHRQ's Care Coordination Measures Atlas: what this run measured, and what it did not.

use serde::Serialize;

use crate::model::Coverage;

/// The matrix, and what is missing from it in a sentence.
#[derive(Debug, Serialize)]
pub struct Matrix {
    rows: Vec<MatrixRow>,
    gap: String,
    footnotes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MatrixRow {
    id: String,
    label: String,
    inner: bool,
    /// Patients and families, professionals, the system.
    cells: Vec<MatrixCell>,
}

#[derive(Debug, Serialize)]
struct MatrixCell {
    /// A sign that says the same as `text`, for the eye.
    sign: &'static str,
    text: String,
    state: String,
}

impl Matrix {
    /// Nothing for results that say nothing of it.
    pub fn new(coverage: &[Coverage]) -> Option<Self> {
        let mut ids: Vec<&Coverage> = Vec::new();
        for cell in coverage {
            if !ids.iter().any(|known| known.row_id == cell.row_id) {
                ids.push(cell);
            }
        }
        ids.sort_by_key(|cell| cell.position);
        let mut footnotes: Vec<String> = Vec::new();
        let rows: Vec<MatrixRow> = ids
            .iter()
            .map(|row| MatrixRow {
                id: row.row_id.clone(),
                label: row.label.clone(),
                inner: !row.parent.is_empty(),
                cells: ["patient_family", "professional", "system"]
                    .iter()
                    .filter_map(|perspective| {
                        coverage.iter().find(|cell| cell.row_id == row.row_id && cell.perspective == *perspective)
                    })
                    .map(|cell| MatrixCell::new(cell, &mut footnotes))
                    .collect(),
            })
            .collect();
        (!rows.is_empty()).then(|| Self { gap: gap(&ids, coverage), rows, footnotes })
    }
}

impl MatrixCell {
    fn new(cell: &Coverage, footnotes: &mut Vec<String>) -> Self {
        let mut notes = Vec::new();
        for reason in cell.reasons.lines() {
            let place = footnotes.iter().position(|known| known == reason).unwrap_or_else(|| {
                footnotes.push(reason.to_owned());
                footnotes.len() - 1
            });
            notes.push((place + 1).to_string());
        }
        let notes = if notes.is_empty() { String::new() } else { format!(" [{}]", notes.join(", ")) };
        let (sign, text) = match (cell.state.as_str(), cell.mark.as_str()) {
            ("measured", "filled") => ("●", format!("3 or more items: {}{notes}", cell.codes)),
            ("measured", _) => ("○", format!("1 or 2 items: {}{notes}", cell.codes)),
            ("no_data", _) => ("", "no data".to_owned()),
            _ => ("", "not measured".to_owned()),
        };
        Self { sign, text, state: cell.state.clone() }
    }
}

/// What is missing, in a sentence or two.
fn gap(rows: &[&Coverage], coverage: &[Coverage]) -> String {
    let measured = |row: &str, perspective: Option<&str>| {
        coverage.iter().any(|cell| {
            cell.row_id == row
                && cell.state == "measured"
                && perspective.is_none_or(|perspective| cell.perspective == perspective)
        })
    };
    let missing: Vec<String> = rows
        .iter()
        .filter(|row| !measured(&row.row_id, None))
        .map(|row| format!("{} {}", row.row_id, row.label))
        .collect();
    let covered = rows.len() - missing.len();
    let system_only =
        rows.iter().filter(|row| measured(&row.row_id, None) && !measured(&row.row_id, Some("patient_family"))).count();
    let first = if missing.is_empty() {
        "Every row is covered by at least one measure with data.".to_owned()
    } else {
        format!("No measure with data covers these: {}.", missing.join("; "))
    };
    format!("{first} Of the {covered} rows that are covered, {system_only} rest on system data only.")
}
