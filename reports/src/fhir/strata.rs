//! What rows are split by: organizations, a measure's own subgroups, groups of patients.

use serde::Serialize;

use super::cell::Population;
use super::types::{Coding, Concept, Extension, Quantity};
use super::{cell, extensions, ids, text};
use crate::model::{Measure, Rate};
use crate::words;

const ORGANIZATION: &str = "organization";
const SUBGROUPS: [&str; 3] = ["subgroup", "subgroup_2", "subgroup_3"];
/// Kinds of split, in the order of the page.
const KINDS: [&str; 10] = [
    ORGANIZATION,
    SUBGROUPS[0],
    SUBGROUPS[1],
    SUBGROUPS[2],
    "age_band",
    "sex",
    "race",
    "ethnicity",
    "language",
    "deprivation",
];

/// The values of one split: `MeasureReport.group.stratifier`.
#[derive(Debug, Serialize)]
pub struct Stratifier {
    code: [Concept; 1],
    stratum: Vec<Stratum>,
}

/// The value of one group: `MeasureReport.group.stratifier.stratum`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stratum {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension>,
    value: Concept,
    population: Vec<Population>,
    measure_score: Quantity,
}

/// The kinds of split that there are among a measure's yearly rows.
pub fn kinds(rates: &[&Rate]) -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().filter(|kind| rates.iter().any(|rate| split(rate) == Some(*kind)))
}

/// The name of a kind of split: code and words.
pub fn concept(measure: &Measure, kind: &str) -> Concept {
    let own = SUBGROUPS.iter().position(|one| *one == kind).and_then(|place| measure.subgroup.lines().nth(place));
    let words = own.map_or_else(|| words::stratum_kind(kind), words::capitalised);
    Concept { text: text::string(&words), ..Concept::coded("urn:carecoord:stratum-kind", kind) }
}

/// The splits of the same year as the row about everyone.
pub fn stratifiers(measure: &Measure, overall: &Rate, rates: &[&Rate]) -> Vec<Stratifier> {
    if overall.period_kind != "year" {
        return Vec::new();
    }
    kinds(rates)
        .filter_map(|kind| {
            let of_kind = |rate: &&Rate| split(rate) == Some(kind) && rate.period == overall.period;
            let mut groups: Vec<(&str, &Rate)> =
                rates.iter().copied().filter(of_kind).map(|rate| (group(kind, rate), rate)).collect();
            groups.sort_by_key(|(group, _)| (*group == "unknown", *group));
            let stratum: Vec<Stratum> =
                groups.into_iter().map(|(group, rate)| Stratum::new(measure, kind, group, rate, overall)).collect();
            (!stratum.is_empty()).then(|| Stratifier { code: [concept(measure, kind)], stratum })
        })
        .collect()
}

/// What a yearly row is split by, where it is split by one thing.
fn split(rate: &Rate) -> Option<&str> {
    if rate.period_kind != "year" {
        return None;
    }
    match (rate.level.as_str(), rate.stratum_kind.as_str()) {
        (ORGANIZATION, "all") => Some(ORGANIZATION),
        ("all", kind) if kind != "all" => Some(kind),
        _ => None,
    }
}

fn group<'a>(kind: &str, rate: &'a Rate) -> &'a str {
    if kind == ORGANIZATION { &rate.level_id } else { &rate.stratum }
}

impl Stratum {
    /// A group's value; its maturity is named where it is another than everyone's.
    fn new(measure: &Measure, kind: &str, group: &str, rate: &Rate, overall: &Rate) -> Self {
        let named = if kind == ORGANIZATION { text::string(&rate.level_name) } else { None };
        let coding = ids::code(group).map(|code| Coding { system: ids::urn("group", kind), code });
        Self {
            extension: (rate.is_final != overall.is_final).then(|| extensions::maturity(rate)).into_iter().collect(),
            value: Concept {
                coding: coding.into_iter().collect(),
                text: named.or_else(|| text::string(&words::group(group))).or_else(|| text::string("Not named")),
            },
            population: cell::populations(measure, rate),
            measure_score: cell::score(measure, rate),
        }
    }
}
