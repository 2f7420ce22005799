//! `MeasureReport` of type `subject-list`, with a `List` of patients for each population: who is behind a measure's latest
//! final value.
//!
//! A list stands only where its units add up to the count of the report, so the two agree by construction. Where they do not,
//! because results keep no unit without an event, there is none.

use std::borrow::Cow;

use serde::Serialize;

use super::bundle::{BundleFile, Entry};
use super::types::{Concept, Element, Reference};
use super::{cell, extensions, ids, measure_report, scoring, text};
use crate::error::Result;
use crate::model::units::{Unit, Units};
use crate::model::{Measure, Rate, Run, State};

const PATIENT: &str = "urn:carecoord:patient";
const EMPTY_REASON: &str = "http://terminology.hl7.org/CodeSystem/list-empty-reason";

/// The resource, with the elements that are used here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    resource_type: &'static str,
    id: String,
    status: &'static str,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    date: String,
    #[serde(rename = "_date", skip_serializing_if = "Option::is_none")]
    beside_date: Option<Element>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entry: Vec<ListEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    empty_reason: Option<Concept>,
}

/// `List.entry`.
#[derive(Debug, Serialize)]
struct ListEntry<'a> {
    item: Subject<'a>,
}

/// A reference to a patient by identifier alone: no patient's resource is needed.
#[derive(Debug, Serialize)]
struct Subject<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<PatientId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'static str>,
}

/// `Identifier` of a patient; lists hold very many.
#[derive(Debug, Serialize)]
struct PatientId<'a> {
    system: &'static str,
    value: Cow<'a, str>,
}

/// Writes the report of a measure's latest final value and the lists of its populations.
///
/// # Errors
/// When the measure's units are broken, or the system refuses.
pub fn write(measure: &Measure, latest: &Rate, units: &Units, run: &Run, bundle: &mut BundleFile) -> Result<()> {
    let Some(last_day) = measure_report::last_day_of(latest) else { return Ok(()) };
    let units = match latest.state {
        // A list would tell the count that is not shown.
        State::Suppressed => Vec::new(),
        State::Shown | State::Undefined => units.counted(&measure.measure_id, latest.period, last_day)?,
    };
    let mut lists = Vec::new();
    let mut populations = Vec::new();
    for (role, population) in scoring::roles(measure).iter().zip(cell::populations(measure, latest)) {
        let subjects = if latest.state == State::Suppressed {
            Reference::none(extensions::absent(latest.state))
        } else if let Some(members) = members(role, latest, &units) {
            let list = list(role, measure, latest, &members, run);
            let subjects = Reference::to(&list.full_url);
            lists.push(list);
            subjects
        } else {
            Reference::none(extensions::not_kept())
        };
        populations.push(population.with_subjects(subjects));
    }
    bundle.entry(&measure_report::subject_list(measure, latest, last_day, populations, run))?;
    lists.iter().try_for_each(|list| bundle.entry(list))
}

/// The units of a population; nothing where they do not add up to its count.
fn members<'a>(role: &scoring::Role, latest: &Rate, units: &'a [Unit]) -> Option<Vec<&'a Unit>> {
    let of_numerator = role.code == "numerator";
    let members: Vec<&Unit> = units.iter().filter(|unit| !of_numerator || unit.in_numerator).collect();
    let sum: f64 = members.iter().map(|unit| if of_numerator { unit.numerator } else { unit.denominator }).sum();
    let count = (role.sum)(latest)?;
    // Engines add exact decimals of six digits.
    let close = 1e-6 * (1.0 + members.len() as f64 + count.abs());
    ((sum - count).abs() <= close).then_some(members)
}

fn list<'a>(
    role: &scoring::Role,
    measure: &Measure,
    latest: &Rate,
    members: &[&'a Unit],
    run: &Run,
) -> Entry<List<'a>> {
    let letter = role.code.chars().next().unwrap_or('p');
    let id = ids::of_subjects(&measure.measure_id, &latest.period_kind, latest.period, letter);
    let entry: Vec<ListEntry<'a>> = members.iter().map(|unit| ListEntry { item: subject(&unit.patient) }).collect();
    let resource = List {
        resource_type: "List",
        status: "current",
        mode: "snapshot",
        title: text::string(&format!("{}: {}", measure.title, role.code.replace('-', " "))),
        date: run.extract_date.to_string(),
        beside_date: run.extract_date_assumed.then(extensions::date_assumed),
        empty_reason: entry.is_empty().then(|| Concept::coded(EMPTY_REASON, "nilknown")),
        entry,
        id,
    };
    Entry { full_url: ids::uuid(&["List", &run.run_id, &resource.id]), resource }
}

fn subject(patient: &str) -> Subject<'_> {
    let is_known = !patient.is_empty();
    Subject {
        kind: "Patient",
        identifier: is_known.then(|| PatientId { system: PATIENT, value: ids::patient(patient) }),
        display: (!is_known).then_some("Not recorded"),
    }
}
