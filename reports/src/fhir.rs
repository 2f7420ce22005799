//! The report for machines: FHIR R4 (4.0.1) `Measure` and `MeasureReport` resources in two bundles beside the page.
//!
//! What a page shows as a table, a bundle says in the standard's own words; docs/fhir.md has the mapping. Like the page
//! it shows only what [`Results`] holds and what its states allow: a suppressed cell has neither count nor value.
//!
//! In reading order:
//! - `text` and `ids` make texts, codes, identifiers and URLs of what users may have named as they liked;
//! - `types` holds FHIR's data types, `extensions` those that are this project's own;
//! - `scoring` says how a kind of measure is scored, `cell` what one row of results says, `strata` what rows are split by;
//! - `measure`, `measure_report` and `bundle` are the resources;
//! - `subject_list` names patients, in a bundle of its own, where a reader asks for it.

mod bundle;
mod cell;
mod extensions;
mod ids;
mod measure;
mod measure_report;
mod scoring;
mod strata;
mod subject_list;
mod text;
mod types;

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{ReportError, Result};
use crate::model::units::Units;
use crate::model::{Measure, Rate, Results, latest_final};
use crate::publish::{FHIR, Staging};
use bundle::{Bundle, BundleFile};

/// File of the bundle of measures.
const MEASURES: &str = "measures.json";
/// File of the bundle of their values.
const REPORTS: &str = "measure-reports.json";
/// File of the bundle that names patients.
const SUBJECT_LISTS: &str = "subject-lists.json";

/// Writes both bundles into the report's folder `fhir`.
///
/// # Errors
/// When the system refuses.
pub fn write(results: &Results, staging: &Staging) -> Result<()> {
    let run = &results.run;
    let measures = of_measures(results);
    let definitions = measures.iter().map(|(measure, rates)| measure::entry(measure, rates)).collect();
    put(staging, MEASURES, &Bundle::new("measures", run, definitions))?;
    let computed = measures.iter().filter(|(measure, _)| measure.computed);
    let values = computed.flat_map(|(measure, rates)| measure_report::entries(measure, rates, run)).collect();
    put(staging, REPORTS, &Bundle::new("measure-reports", run, values))
}

/// Writes the bundle of subject lists beside them: of each computed measure its latest final value, and the patients in it.
///
/// # Errors
/// When the units of a measure are broken, or the system refuses.
pub fn write_subject_lists(results: &Results, units: &Units, staging: &Staging) -> Result<()> {
    let run = &results.run;
    let path = staging.folder().join(FHIR).join(SUBJECT_LISTS);
    let mut bundle = BundleFile::create(path, "subject-lists", run)?;
    // Measure by measure: lists may be long, and no more than one measure's are held.
    for (measure, rates) in of_measures(results).iter().filter(|(measure, _)| measure.computed) {
        if let Some(latest) = latest_final(rates) {
            subject_list::write(measure, latest, units, run, &mut bundle)?;
        }
    }
    bundle.finish()
}

/// Measures by identifier, each with its values.
fn of_measures(results: &Results) -> Vec<(&Measure, Vec<&Rate>)> {
    let mut rates: BTreeMap<&str, Vec<&Rate>> = BTreeMap::new();
    for rate in &results.rates {
        rates.entry(&rate.measure_id).or_default().push(rate);
    }
    let mut measures: Vec<&Measure> = results.measures.iter().collect();
    measures.sort_by_key(|measure| &measure.measure_id);
    measures
        .into_iter()
        .map(|measure| (measure, rates.remove(measure.measure_id.as_str()).unwrap_or_default()))
        .collect()
}

fn put<R: serde::Serialize>(staging: &Staging, name: &'static str, bundle: &Bundle<R>) -> Result<()> {
    let json = bundle.json().map_err(|error| ReportError::Fhir { name, reason: error.to_string() })?;
    staging.write(&Path::new(FHIR).join(name), &json)
}
