//! Labels in place of organizations, in an order that tells nothing.

use std::collections::{BTreeMap, BTreeSet};

use arcstr::ArcStr;

use super::{LEFT_OUT, LeftOut};
use crate::model::Results;
use crate::values::UNKNOWN;

/// An organization's names in a release.
struct Label {
    id: ArcStr,
    name: ArcStr,
}

/// Puts labels in place of organizations' names and ids, and a hash in place of the run's id.
///
/// Labels are numbered in the order of a hash of the id, keyed with the run's own id, which no release shows: who knows an
/// organization's id cannot find its label, and who knows a label in one run does not know it in the next.
pub fn replace(results: &mut Results) {
    let labels = labels(results);
    let named: BTreeMap<String, ArcStr> = organizations(results)
        .filter(|(_, name)| !name.is_empty())
        .filter_map(|(id, name)| Some((name.to_owned(), labels.get(id)?.name.clone())))
        .collect();
    let put = |id: &str| {
        labels.get(id).map_or_else(|| (id.into(), ArcStr::new()), |label| (label.id.clone(), label.name.clone()))
    };
    for rate in &mut results.rates {
        if rate.level == "organization" {
            (rate.level_id, rate.level_name) = put(&rate.level_id);
        }
        // A measure's own split may be by organization.
        if rate.stratum_kind != "all" {
            let label =
                labels.get(rate.stratum.as_str()).map(|label| &label.name).or_else(|| named.get(rate.stratum.as_str()));
            if let Some(label) = label {
                rate.stratum.clone_from(label);
            }
        }
    }
    for site in &mut results.funnel_sites {
        let (id, name) = put(&site.level_id);
        (site.level_id, site.level_name) = (id.to_string(), name.to_string());
    }
    for score in &mut results.survey_scores {
        let (id, name) = put(&score.organization_id);
        (score.organization_id, score.organization_name) = (id.to_string(), name.to_string());
    }
    // The order of the rows was that of the ids.
    results.rates.sort_by(|one, other| place(one).cmp(&place(other)));
    results
        .funnel_sites
        .sort_by(|one, other| (&one.measure_id, &one.level_id).cmp(&(&other.measure_id, &other.level_id)));
    results.survey_scores.sort_by(|one, other| {
        (&one.measure_id, &one.organization_id).cmp(&(&other.measure_id, &other.organization_id))
    });

    let source = std::mem::replace(&mut results.run.source, LEFT_OUT.to_owned());
    for measure in results.measures.iter_mut().filter(|measure| !source.is_empty() && measure.refusal.contains(&source))
    {
        "The data cannot support this measure.".clone_into(&mut measure.refusal);
    }
    // The shipped ones name nobody, but nothing here tells them from those that a user wrote.
    results.measures.iter_mut().for_each(|measure| measure.definition = ArcStr::new());
    let hash = blake3::derive_key("carecoord 2026 release id", results.run.run_id.as_bytes());
    results.run.run_id = hex(&hash[..8]);
    LEFT_OUT.clone_into(&mut results.run.lake_snapshot);
    results.left_out.extend([
        LeftOut { what: "names and ids of organizations", why: "they are finer than a geographic unit" },
        LeftOut {
            what: "data source, lake snapshot and run id (a hash stands for it)",
            why: "they name systems and days",
        },
        LeftOut { what: "definition files and their SQL", why: "those of your own may name the organization" },
    ]);
}

type Place<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str, jiff::civil::Date);

fn place(rate: &crate::model::Rate) -> Place<'_> {
    (&rate.measure_id, &rate.period_kind, &rate.level, &rate.stratum_kind, &rate.level_id, &rate.stratum, rate.period)
}

/// Every organization's id and name, wherever it stands.
fn organizations(results: &Results) -> impl Iterator<Item = (&str, &str)> {
    let rates = results.rates.iter().filter(|rate| rate.level == "organization");
    rates
        .map(|rate| (rate.level_id.as_str(), rate.level_name.as_str()))
        .chain(results.funnel_sites.iter().map(|site| (site.level_id.as_str(), site.level_name.as_str())))
        .chain(results.survey_scores.iter().map(|one| (one.organization_id.as_str(), one.organization_name.as_str())))
}

fn labels(results: &Results) -> BTreeMap<String, Label> {
    let key = blake3::derive_key("carecoord 2026 release labels", results.run.run_id.as_bytes());
    let ids: BTreeSet<&str> = organizations(results).map(|(id, _)| id).filter(|id| *id != UNKNOWN).collect();
    let mut ids: Vec<([u8; 32], &str)> =
        ids.into_iter().map(|id| (blake3::keyed_hash(&key, id.as_bytes()).into(), id)).collect();
    ids.sort_unstable();
    let width = ids.len().to_string().len();
    let label = |number: usize| Label {
        id: format!("organization-{number:0width$}").into(),
        name: format!("Organization {number:0width$}").into(),
    };
    ids.into_iter().enumerate().map(|(place, (_, id))| (id.to_owned(), label(place + 1))).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
