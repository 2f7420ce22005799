//! `MeasureReport`: one measure's value in one period for everyone, in a year also by organization and group.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::bundle::Entry;
use super::cell::{self, Population};
use super::strata::{self, Stratifier};
use super::types::{Concept, Element, Extension, Meta, Period, Quantity};
use super::{extensions, ids, scoring, text};
use crate::model::{Measure, Rate, Run};

/// Lengths of period, in the order of the bundle; others are not reported.
const PERIODS: [(&str, i32); 3] = [("month", 1), ("quarter", 3), ("year", 12)];

/// The resource, with the elements that are used here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasureReport {
    resource_type: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
    extension: [Extension; 1],
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    measure: String,
    date: String,
    #[serde(rename = "_date", skip_serializing_if = "Option::is_none")]
    beside_date: Option<Element>,
    reporter: Reporter,
    period: Period,
    #[serde(skip_serializing_if = "Option::is_none")]
    improvement_notation: Option<Concept>,
    group: [Group; 1],
}

/// Who reports, in words: a reference to no resource.
#[derive(Debug, Serialize)]
struct Reporter {
    display: String,
}

/// `MeasureReport.group`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    population: Vec<Population>,
    measure_score: Quantity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stratifier: Vec<Stratifier>,
}

/// A measure's summaries, months before quarters before years, by period: a run's report has a URL of its own, and the
/// same identifier in every run, since a later run restates it.
pub fn entries(measure: &Measure, rates: &[&Rate], run: &Run) -> Vec<Entry<MeasureReport>> {
    PERIODS
        .into_iter()
        .flat_map(|(kind, months)| {
            let mut overall: Vec<&Rate> =
                rates.iter().copied().filter(|rate| rate.is_overall() && rate.period_kind == kind).collect();
            overall.sort_by_key(|rate| rate.period);
            overall.into_iter().map(move |rate| {
                let group = Group {
                    population: cell::populations(measure, rate),
                    measure_score: cell::score(measure, rate),
                    stratifier: strata::stratifiers(measure, rate, rates),
                };
                let id = ids::report(&measure.measure_id, &rate.period_kind, rate.period);
                entry(id, "summary", measure, rate, last_day(rate.period, months), group, run)
            })
        })
        .collect()
}

/// A measure's report of one period that names those in its populations.
pub fn subject_list(
    measure: &Measure,
    overall: &Rate,
    last_day: Date,
    population: Vec<Population>,
    run: &Run,
) -> Entry<MeasureReport> {
    let group = Group { population, measure_score: cell::score(measure, overall), stratifier: Vec::new() };
    let id = ids::of_subjects(&measure.measure_id, &overall.period_kind, overall.period, 's');
    entry(id, "subject-list", measure, overall, last_day, group, run)
}

fn entry(
    id: String,
    kind: &'static str,
    measure: &Measure,
    overall: &Rate,
    last_day: Date,
    group: Group,
    run: &Run,
) -> Entry<MeasureReport> {
    let full_url = ids::uuid(&["MeasureReport", &run.run_id, &id]);
    let source = text::string(&run.source).map(|source| format!(", source {source}")).unwrap_or_default();
    let resource = MeasureReport {
        resource_type: "MeasureReport",
        id,
        meta: Meta::of(run.release),
        extension: [extensions::maturity(overall)],
        status: if overall.is_final { "complete" } else { "pending" },
        kind,
        measure: ids::canonical(&measure.measure_id, &measure.version),
        date: if run.release.is_yearly() { run.extract_date.year().to_string() } else { run.extract_date.to_string() },
        beside_date: run.extract_date_assumed.then(extensions::date_assumed),
        reporter: Reporter { display: format!("carecoord {}{source}", run.carecoord_version) },
        period: Period { start: overall.period.to_string(), end: last_day.to_string() },
        improvement_notation: scoring::improvement(measure),
        group: [group],
    };
    Entry { full_url, resource }
}

/// The last day of a row's period; nothing for a length of period that is not reported.
pub fn last_day_of(rate: &Rate) -> Option<Date> {
    PERIODS.iter().find(|(kind, _)| rate.period_kind == *kind).map(|(_, months)| last_day(rate.period, *months))
}

/// The last day of a period of so many months.
fn last_day(first: Date, months: i32) -> Date {
    first.saturating_add(months.months()).saturating_sub(1.day())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn periods_end_on_their_last_day() {
        assert_eq!(last_day(date(2028, 2, 1), 1), date(2028, 2, 29));
        assert_eq!(last_day(date(2026, 10, 1), 3), date(2026, 12, 31));
        assert_eq!(last_day(date(2026, 1, 1), 12), date(2026, 12, 31));
    }
}
