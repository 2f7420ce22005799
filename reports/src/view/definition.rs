//! A measure's definition as the report prints it.

use serde::Serialize;

use crate::model::Measure;

/// One definition.
#[derive(Debug, Serialize)]
pub struct Definition {
    title: String,
    id: String,
    refused: bool,
    rule: String,
    why: String,
    facts: Vec<(&'static str, String)>,
    sources: Vec<Source>,
    hash: String,
}

/// A source, with the mark that says how far it was checked, kept as it stands.
#[derive(Debug, Serialize)]
struct Source {
    text: String,
}

impl Definition {
    /// The definition of a measure.
    pub fn new(measure: &Measure) -> Self {
        let or_none = |text: &str| if text.is_empty() { "not stated".to_owned() } else { text.to_owned() };
        let facts = [
            ("Code", measure.code.clone()),
            ("Steward", or_none(&measure.steward)),
            ("Version", or_none(&measure.version)),
            ("Kind", format!("{}, counting each {}", measure.kind, measure.unit_name)),
            ("Follow-up window", format!("{} days", crate::format::count(measure.window_days))),
            ("Run-out of the data", format!("{} days", crate::format::count(measure.runout_days))),
            ("Atlas cells (AHRQ)", measure.atlas.clone()),
        ];
        Self {
            title: measure.title.clone(),
            id: measure.measure_id.clone(),
            refused: !measure.computed,
            rule: measure.rule.clone(),
            why: measure.why.clone(),
            facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            sources: measure
                .sources
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(|line| Source { text: line.to_owned() })
                .collect(),
            hash: measure.definition_hash.clone(),
        }
    }
}
