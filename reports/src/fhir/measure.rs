//! `Measure`: what a measure of the run is, computed or refused.

use serde::Serialize;

use super::bundle::Entry;
use super::types::{Concept, Expression, Extension, Identifier};
use super::{extensions, ids, scoring, strata, text};
use crate::model::{Measure as Definition, Rate};
use crate::words;

/// The resource, with the elements that are used here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    resource_type: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension>,
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifier: Vec<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    topic: Vec<Concept>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_artifact: Vec<Citation>,
    scoring: Concept,
    #[serde(skip_serializing_if = "Option::is_none")]
    rationale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    improvement_notation: Option<Concept>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    definition: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance: Option<String>,
    group: [Group; 1],
}

/// A source of the definition: `RelatedArtifact`.
#[derive(Debug, Serialize)]
struct Citation {
    #[serde(rename = "type")]
    kind: &'static str,
    citation: String,
}

/// `Measure.group`.
#[derive(Debug, Serialize)]
struct Group {
    population: Vec<Population>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stratifier: Vec<Stratifier>,
}

/// `Measure.group.population`.
#[derive(Debug, Serialize)]
struct Population {
    code: Concept,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    criteria: Expression,
}

/// `Measure.group.stratifier`.
#[derive(Debug, Serialize)]
struct Stratifier {
    code: Concept,
    criteria: Expression,
}

/// A measure as an entry of a bundle: the same definition has the same URL in every run.
pub fn entry(measure: &Definition, rates: &[&Rate]) -> Entry<Measure> {
    let parts = ["Measure", &measure.measure_id, &measure.version, &measure.definition_hash];
    Entry { full_url: ids::uuid(&parts), resource: resource(measure, rates) }
}

fn resource(measure: &Definition, rates: &[&Rate]) -> Measure {
    let why = text::markdown(&measure.why);
    let refusal = text::string(&measure.refusal).unwrap_or_else(|| "No reason is recorded.".to_owned());
    let identifiers = [
        Identifier::new("urn:carecoord:measure-code", &measure.code),
        Identifier::new("urn:carecoord:definition-hash", &measure.definition_hash),
    ];
    Measure {
        resource_type: "Measure",
        id: ids::resource(&measure.measure_id),
        extension: if measure.computed { Vec::new() } else { vec![extensions::refused(refusal)] },
        url: ids::measure_url(&measure.measure_id),
        identifier: identifiers.into_iter().flatten().collect(),
        version: ids::version(&measure.version),
        name: ids::computable(&measure.measure_id),
        title: text::string(&measure.title),
        status: "active",
        publisher: text::string(&measure.steward),
        description: why.clone(),
        topic: Concept::words(&words::family(&measure.family)).into_iter().collect(),
        related_artifact: measure
            .sources
            .lines()
            .filter_map(text::markdown)
            .map(|citation| Citation { kind: "citation", citation })
            .collect(),
        scoring: scoring::scoring(measure),
        rationale: why,
        improvement_notation: scoring::improvement(measure),
        definition: text::markdown(&measure.rule).into_iter().collect(),
        guidance: text::markdown(&measure.caveat),
        group: [Group { population: populations(measure), stratifier: stratifiers(measure, rates) }],
    }
}

fn populations(measure: &Definition) -> Vec<Population> {
    let units = words::capitalised(&words::plural(&measure.unit_name));
    scoring::roles(measure)
        .iter()
        .map(|role| Population {
            code: role.concept(),
            // What is counted is the measure's unit, which is often not a patient.
            description: if role.code == "numerator" { None } else { text::string(&units) },
            criteria: Expression::words(format!("The {} of Measure.definition", role.code.replace('-', " "))),
        })
        .collect()
}

fn stratifiers(measure: &Definition, rates: &[&Rate]) -> Vec<Stratifier> {
    strata::kinds(rates)
        .map(|kind| Stratifier {
            code: strata::concept(measure, kind),
            criteria: Expression::words(format!("The unit's {}", kind.replace('_', " "))),
        })
        .collect()
}
