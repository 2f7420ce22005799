//! Risk adjustment: what was observed beside what the patients' own risks let us expect, for each organization.
//!
//! A measure that has `risk.sql` offers it: one row for each unit with `unit_id`, `patient_id`, and either a published
//! `score`, or covariates (every other numeric column) with an optional text column `model_group`. The model is fitted to
//! the mature units of the twelve months that end with the report month, all organizations together.
//!
//! Two methods, never to be drawn in one chart (`measures.md` RA-RSRR):
//! - observed over expected: ordinary logistic regression; exact Poisson limits of the observed count;
//! - predicted over expected: a random intercept for each organization, as CMS does; groups of units that have models of
//!   their own are combined as the volume-weighted geometric mean of their ratios [K]; limits by bootstrap over
//!   organizations where there is one model.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use carecoord_statistics::risk::{
    BootstrapOptions, Coefficient, DesignBuilder, DesignMatrix, Groups, LogisticOptions, MixedOptions, Tally,
    bootstrap_rates, brier, c_statistic, logistic, observed_expected, random_intercept, standardised_ratios, tally,
};

use crate::definition::Measure;
use crate::error::{MeasureError, Result};
use crate::rates::{ALL, UNKNOWN};
use crate::rows::Cell;
use crate::span::{Span, days};
use crate::unit_table::risk_schema;
use crate::workbench::{Workbench, text_at};

/// Months of units that a model is fitted to.
const MONTHS: i32 = 12;
/// Below this an expected count says little [P].
const FEWEST_EXPECTED: f64 = 5.0;
/// Where the bootstrap's chance comes from: the same in every run.
const SEED: u64 = 1;
const CONFIDENCE: f64 = 0.95;

/// Rows of the results tables `risk_model`, `risk_term` and `risk_adjusted`.
#[derive(Default)]
pub(crate) struct RiskRows {
    /// One for each model.
    pub models: Vec<Vec<Cell>>,
    /// One for each coefficient.
    pub terms: Vec<Vec<Cell>>,
    /// One for each organization and method.
    pub adjusted: Vec<Vec<Cell>>,
}

/// A unit as it is read.
struct Row {
    patient_id: String,
    unit_id: String,
    outcome: bool,
    organization: String,
    covariates: Vec<f64>,
}

/// Units of one model as they are read.
#[derive(Default)]
struct Read {
    rows: Vec<Row>,
    left_out: u64,
}

/// Units of one model, in order of patient and unit: sums then do not depend on how patients were grouped.
struct Units {
    outcome: Vec<bool>,
    organization: Vec<String>,
    /// One list for each covariate, in the order of the columns.
    covariates: Vec<Vec<f64>>,
    left_out: u64,
}

impl Units {
    fn new(mut read: Read, covariates: usize) -> Self {
        read.rows.sort_by(|one, other| (&one.patient_id, &one.unit_id).cmp(&(&other.patient_id, &other.unit_id)));
        let mut units = Self {
            outcome: Vec::with_capacity(read.rows.len()),
            organization: Vec::with_capacity(read.rows.len()),
            covariates: vec![Vec::with_capacity(read.rows.len()); covariates],
            left_out: read.left_out,
        };
        for row in read.rows {
            units.outcome.push(row.outcome);
            units.organization.push(row.organization);
            for (column, value) in units.covariates.iter_mut().zip(row.covariates) {
                column.push(value);
            }
        }
        units
    }
}

/// Which months the units are from, days since 1970-01-01.
#[derive(Clone, Copy)]
struct Months {
    first: i32,
    last: i32,
}

/// One organization's tally in one model.
struct Part {
    rows: u64,
    observed: u64,
    expected: f64,
    predicted: f64,
    ratio: f64,
    interval: Option<(f64, f64)>,
}

/// Fits the models of a measure to its units, which are those of each group of buckets.
///
/// # Errors
/// When `risk.sql` is broken. That a model cannot be fitted is no error: it is a row with the reason.
pub(crate) async fn risk(
    benches: &[Workbench],
    measure: &Measure,
    units: Vec<Vec<RecordBatch>>,
    names: &HashMap<(&'static str, String), String>,
    threshold: u64,
) -> Result<RiskRows> {
    let (Some(text), Some(bench)) = (&measure.risk_sql, benches.first()) else { return Ok(RiskRows::default()) };
    let (first, last) = year_of(&bench.span);
    let months = Months { first: days(first), last: days(last) };
    let mut read_models: BTreeMap<String, Read> = BTreeMap::new();
    let mut terms = Vec::new();
    let table = format!("unit_of_{}", measure.id.replace('.', "_"));
    bench.register_units(&table, &risk_schema()?, units)?;
    for bench in benches {
        for batch in bench.risk(measure, &table, text).await? {
            read(measure, &batch, &mut read_models, &mut terms)?;
        }
    }
    bench.forget(&table);
    let models: BTreeMap<String, Units> =
        read_models.into_iter().map(|(group, read)| (group, Units::new(read, terms.len()))).collect();
    let mut found = RiskRows::default();
    if terms.iter().any(|term| term == "score") {
        for (group, units) in &models {
            found.models.push(score(measure, group, units, months, threshold));
        }
        return Ok(found);
    }
    let mut indirect: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    let mut shrunk: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    let several = models.len() > 1;
    for (group, units) in &models {
        let context = Context { measure, group, units, terms: &terms, months, threshold };
        context.ordinary(&mut found, &mut indirect);
        context.mixed(&mut found, &mut shrunk, several);
    }
    found.adjusted.extend(adjusted(measure, "observed_expected", &indirect, names, threshold));
    found.adjusted.extend(adjusted(measure, "predicted_expected", &shrunk, names, threshold));
    Ok(found)
}

/// First days of the first and the last of the twelve months that end with the report month, as far as they are measured.
pub(crate) fn year_of(span: &Span) -> (jiff::civil::Date, jiff::civil::Date) {
    let last = span.report_month;
    (last.saturating_sub(jiff::Span::new().months(MONTHS - 1)).max(span.first_month), last)
}

/// Adds the units of a batch to their models.
fn read(
    measure: &Measure,
    batch: &RecordBatch,
    models: &mut BTreeMap<String, Read>,
    terms: &mut Vec<String>,
) -> Result<()> {
    let own = ["risk_outcome", "risk_organization", "unit_id", "patient_id", "model_group"];
    let schema = batch.schema();
    let columns: Vec<&str> =
        schema.fields().iter().map(|field| field.name().as_str()).filter(|name| !own.contains(name)).collect();
    if let Some(odd) = columns.iter().find(|name| {
        batch.column_by_name(name).is_some_and(|array| !(array.data_type().is_numeric() || array.data_type().is_null()))
    }) {
        return Err(MeasureError::Definition {
            measure: measure.id.clone(),
            file: format!("{}/risk.sql", measure.folder),
            reason: format!("its column {odd} is no number"),
        });
    }
    if terms.is_empty() {
        *terms = columns.iter().map(|name| (*name).to_owned()).collect();
    }
    let numbers: Vec<Float64Array> = columns
        .iter()
        .filter_map(|name| cast(batch.column_by_name(name)?, &DataType::Float64).ok())
        .map(|array| array.as_primitive::<Float64Type>().clone())
        .collect();
    for row in 0..batch.num_rows() {
        let text = |name: &str| batch.column_by_name(name).and_then(|array| text_at(array, row));
        let group = text("model_group").unwrap_or_else(|| ALL.to_owned());
        let units = models.entry(group).or_default();
        if numbers.iter().any(|column| column.is_null(row) || !column.value(row).is_finite()) {
            units.left_out += 1;
            continue;
        }
        units.rows.push(Row {
            patient_id: text("patient_id").unwrap_or_default(),
            unit_id: text("unit_id").unwrap_or_default(),
            outcome: text("risk_outcome").as_deref() == Some("true"),
            organization: text("risk_organization").unwrap_or_else(|| UNKNOWN.to_owned()),
            covariates: numbers.iter().map(|column| column.value(row)).collect(),
        });
    }
    Ok(())
}

/// What a row of `risk_model` says beside its names.
struct Summary {
    c_statistic: Option<f64>,
    brier: Option<f64>,
    sd: Option<f64>,
    reason: Option<String>,
    fitted: bool,
}

fn model_row(
    measure: &Measure,
    method: &str,
    group: &str,
    units: &Units,
    months: Months,
    threshold: u64,
    summary: Summary,
) -> Vec<Cell> {
    let (rows, events) = (units.outcome.len() as u64, events(&units.outcome));
    let small = |count: u64| (1..threshold).contains(&count);
    let hidden = small(rows) || small(events) || small(rows - events);
    let shown = |cell: Cell| if hidden { Cell::Null } else { cell };
    let state = if !summary.fitted {
        "refused"
    } else if hidden {
        "suppressed"
    } else {
        "shown"
    };
    vec![
        measure.id.clone().into(),
        method.into(),
        group.into(),
        Cell::Date(months.first),
        Cell::Date(months.last),
        shown(rows.into()),
        shown(if small(units.left_out) { Cell::Null } else { units.left_out.into() }),
        shown(events.into()),
        shown(summary.c_statistic.into()),
        shown(summary.brier.into()),
        shown(summary.sd.into()),
        state.into(),
        summary.reason.into(),
    ]
}

fn events(outcome: &[bool]) -> u64 {
    outcome.iter().filter(|event| **event).count() as u64
}

fn score(measure: &Measure, group: &str, units: &Units, months: Months, threshold: u64) -> Vec<Cell> {
    // Only the order of the scores matters; the statistic wants them between 0 and 1.
    let scores = units.covariates.first().map_or(&[][..], Vec::as_slice);
    let (lowest, highest) =
        scores.iter().fold((f64::MAX, f64::MIN), |(low, high), score| (low.min(*score), high.max(*score)));
    let width = if highest > lowest { highest - lowest } else { 1.0 };
    let placed: Vec<f64> = scores.iter().map(|score| (score - lowest) / width).collect();
    let found = c_statistic(&units.outcome, &placed);
    let summary = Summary {
        c_statistic: found.as_ref().ok().copied(),
        brier: None,
        sd: None,
        fitted: found.is_ok(),
        reason: found.err().map(|error| error.to_string()),
    };
    model_row(measure, "score", group, units, months, threshold, summary)
}

/// One model to fit.
struct Context<'a> {
    measure: &'a Measure,
    group: &'a str,
    units: &'a Units,
    terms: &'a [String],
    months: Months,
    threshold: u64,
}

impl Context<'_> {
    /// The design with an intercept; covariates without variation are left out, and named.
    fn design(&self) -> carecoord_statistics::Result<(DesignMatrix, Option<String>)> {
        let mut builder = DesignBuilder::new(self.units.outcome.len()).intercept();
        let mut constant = Vec::new();
        for (name, values) in self.terms.iter().zip(&self.units.covariates) {
            if values.iter().all(|value| values.first() == Some(value)) {
                constant.push(name.as_str());
            } else {
                builder = builder.number(name, values)?;
            }
        }
        let note = (!constant.is_empty()).then(|| format!("left out, the same for all: {}", constant.join(", ")));
        Ok((builder.build()?, note))
    }

    fn row(&self, method: &str, summary: Summary) -> Vec<Cell> {
        model_row(self.measure, method, self.group, self.units, self.months, self.threshold, summary)
    }

    fn refused(&self, method: &str, error: &carecoord_statistics::StatisticsError) -> Vec<Cell> {
        let reason = Some(error.to_string());
        self.row(method, Summary { c_statistic: None, brier: None, sd: None, reason, fitted: false })
    }

    fn terms(&self, method: &str, design: &DesignMatrix, coefficients: &[Coefficient]) -> Vec<Vec<Cell>> {
        let named = design.names().iter().zip(coefficients);
        (1_i64..)
            .zip(named)
            .map(|(position, (name, coefficient))| {
                vec![
                    self.measure.id.clone().into(),
                    method.into(),
                    self.group.into(),
                    position.into(),
                    name.clone().into(),
                    coefficient.estimate.into(),
                    coefficient.standard_error.into(),
                ]
            })
            .collect()
    }

    /// Observed over expected.
    fn ordinary(&self, found: &mut RiskRows, parts: &mut BTreeMap<String, Vec<Part>>) {
        let method = "logistic";
        let fitted = self.design().and_then(|(design, note)| {
            let fit = logistic(&design.design(), &self.units.outcome, LogisticOptions::STRICT)?;
            let (groups, labels) = Groups::from_labels(&self.units.organization)?;
            let tallies = tally(&self.units.outcome, &fit.fitted, &groups)?;
            Ok((design, note, fit, labels, tallies))
        });
        match fitted {
            Err(error) => found.models.push(self.refused(method, &error)),
            Ok((design, reason, fit, labels, tallies)) => {
                let summary = Summary {
                    c_statistic: c_statistic(&self.units.outcome, &fit.fitted).ok(),
                    brier: brier(&self.units.outcome, &fit.fitted).ok(),
                    sd: None,
                    reason,
                    fitted: true,
                };
                found.models.push(self.row(method, summary));
                found.terms.extend(self.terms(method, &design, &fit.coefficients));
                for (label, tally) in labels.into_iter().zip(tallies) {
                    let Tally { rows, observed, expected, .. } = tally;
                    let ratio = observed as f64 / expected;
                    parts.entry(label).or_default().push(Part {
                        rows,
                        observed,
                        expected,
                        predicted: 0.0,
                        ratio,
                        interval: None,
                    });
                }
            }
        }
    }

    /// Predicted over expected.
    fn mixed(&self, found: &mut RiskRows, parts: &mut BTreeMap<String, Vec<Part>>, several: bool) {
        let method = "random_intercept";
        let outcome = &self.units.outcome;
        let fitted = self.design().and_then(|(design, note)| {
            let (groups, labels) = Groups::from_labels(&self.units.organization)?;
            let fit = random_intercept(&design.design(), outcome, &groups, MixedOptions::LAPLACE)?;
            let ratios = standardised_ratios(&design.design(), outcome, &groups, &fit)?;
            // Organizations that differ no more than by chance all have a ratio of 1, with or without samples of them.
            let intervals = if several || fit.boundary {
                None
            } else {
                let refit = MixedOptions { tolerance: 1e-4, ..MixedOptions::LAPLACE };
                let replicates = if outcome.len() > 50_000 { 200 } else { 400 };
                let options = BootstrapOptions { replicates, seed: SEED, confidence: CONFIDENCE, refit };
                bootstrap_rates(&design.design(), outcome, &groups, &fit, options).ok()
            };
            Ok((design, note, fit, labels, ratios, intervals))
        });
        match fitted {
            Err(error) => found.models.push(self.refused(method, &error)),
            Ok((design, reason, fit, labels, ratios, intervals)) => {
                let reason = if fit.boundary {
                    Some("the organizations differ no more than by chance".to_owned())
                } else {
                    reason
                };
                let summary = Summary { c_statistic: None, brier: None, sd: Some(fit.sd), reason, fitted: true };
                found.models.push(self.row(method, summary));
                found.terms.extend(self.terms(method, &design, &fit.coefficients));
                for (index, (label, one)) in labels.into_iter().zip(ratios).enumerate() {
                    let interval = intervals
                        .as_ref()
                        .and_then(|all| all.providers.get(index)?.rate.as_ref().ok())
                        .map(|rate| (rate.lower, rate.upper));
                    parts.entry(label).or_default().push(Part {
                        rows: one.rows,
                        observed: one.observed,
                        expected: one.expected,
                        predicted: one.predicted,
                        ratio: one.ratio,
                        interval,
                    });
                }
            }
        }
    }
}

/// One organization over all models.
struct Together {
    rows: u64,
    observed: u64,
    expected: f64,
    predicted: f64,
    ratio: f64,
    interval: Option<(f64, f64)>,
}

impl Together {
    fn of(parts: &[Part], shrunk: bool) -> Self {
        let rows: u64 = parts.iter().map(|part| part.rows).sum();
        let (observed, expected) =
            (parts.iter().map(|part| part.observed).sum(), parts.iter().map(|part| part.expected).sum::<f64>());
        let weighted: f64 = parts.iter().map(|part| part.rows as f64 * part.ratio.ln()).sum();
        let ratio = if shrunk { (weighted / rows as f64).exp() } else { observed as f64 / expected };
        Self {
            rows,
            observed,
            expected,
            predicted: parts.iter().map(|part| part.predicted).sum(),
            ratio,
            interval: if let [one] = parts { one.interval } else { None },
        }
    }
}

fn adjusted(
    measure: &Measure,
    method: &str,
    parts: &BTreeMap<String, Vec<Part>>,
    names: &HashMap<(&'static str, String), String>,
    threshold: u64,
) -> Vec<Vec<Cell>> {
    let shrunk = method == "predicted_expected";
    let all: Vec<(&String, Together)> =
        parts.iter().map(|(label, parts)| (label, Together::of(parts, shrunk))).collect();
    let (rows, events): (u64, u64) =
        all.iter().fold((0, 0), |(rows, events), (_, one)| (rows + one.rows, events + one.observed));
    let overall = events as f64 / rows as f64;
    let small = |count: u64| (1..threshold).contains(&count);
    let mut hidden: Vec<Option<&str>> = all
        .iter()
        .map(|(_, one)| {
            (small(one.rows) || small(one.observed) || small(one.rows - one.observed)).then_some("small_cell")
        })
        .collect();
    // All together are known from the rates: a single hidden organization could be worked out from the others.
    if hidden.iter().flatten().count() == 1
        && let Some((_, next)) = all
            .iter()
            .zip(hidden.iter_mut())
            .filter(|(_, hidden)| hidden.is_none())
            .min_by_key(|((_, one), _)| one.rows)
    {
        *next = Some("would_reveal");
    }
    let mut found = Vec::new();
    for ((label, one), hidden) in all.into_iter().zip(hidden) {
        let state = match hidden {
            Some(reason) => ("suppressed", Some(reason)),
            None if one.expected < FEWEST_EXPECTED => ("undefined", Some("few_expected")),
            None => ("shown", None),
        };
        let interval = if shrunk {
            one.interval.map(|(lower, upper)| (lower, upper, "bootstrap"))
        } else {
            let tally = Tally { rows: one.rows, observed: one.observed, expected: one.expected, variance: 0.0 };
            observed_expected(&tally, overall, CONFIDENCE)
                .ok()
                .map(|compared| (compared.exact.lower * overall, compared.exact.upper * overall, "poisson_exact"))
        };
        let shown = |cell: Cell| if state.0 == "shown" { cell } else { Cell::Null };
        let scaled = |fraction: f64| Cell::Number(fraction * measure.multiplier);
        found.push(vec![
            measure.id.clone().into(),
            method.into(),
            "organization".into(),
            label.clone().into(),
            names.get(&("organization", label.clone())).cloned().into(),
            shown(one.rows.into()),
            shown(one.observed.into()),
            shown(one.expected.into()),
            shown(if shrunk { one.predicted.into() } else { Cell::Null }),
            shown(one.ratio.into()),
            shown(scaled(one.ratio * overall)),
            shown(interval.map_or(Cell::Null, |(lower, _, _)| scaled(lower))),
            shown(interval.map_or(Cell::Null, |(_, upper, _)| scaled(upper))),
            shown(interval.map(|(_, _, method)| method).into()),
            state.0.into(),
            state.1.into(),
        ]);
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn measure() -> Measure {
        crate::definition::catalog().unwrap().into_iter().find(|one| one.id == "readmission.unplanned_30").unwrap()
    }

    fn part(rows: u64, observed: u64, expected: f64, ratio: f64) -> Part {
        Part { rows, observed, expected, predicted: expected * ratio, ratio, interval: None }
    }

    #[test]
    fn ratios_of_several_models_are_a_geometric_mean_weighted_by_volume() {
        let one = Together::of(&[part(100, 20, 18.0, 1.1), part(300, 30, 33.0, 0.9)], true);
        let wanted = ((100.0 * 1.1_f64.ln() + 300.0 * 0.9_f64.ln()) / 400.0).exp();
        assert!((one.ratio - wanted).abs() < 1e-12);
        assert_eq!((one.rows, one.observed), (400, 50));
        let indirect = Together::of(&[part(100, 20, 18.0, 1.1), part(300, 30, 33.0, 0.9)], false);
        assert!((indirect.ratio - 50.0 / 51.0).abs() < 1e-12);
    }

    #[test]
    fn a_small_organization_hides_another_one_with_it_and_few_expected_are_not_shown() {
        let parts: BTreeMap<String, Vec<Part>> = [
            ("A", part(1000, 150, 140.0, 1.07)),
            ("B", part(500, 60, 70.0, 0.86)),
            ("C", part(400, 50, 55.0, 0.91)),
            ("D", part(60, 7, 8.0, 0.9)),
            ("E", part(30, 0, 4.0, 0.0)),
        ]
        .into_iter()
        .map(|(label, part)| (label.to_owned(), vec![part]))
        .collect();
        let rows = adjusted(&measure(), "observed_expected", &parts, &HashMap::new(), 11);
        let states: Vec<(&Cell, &Cell)> = rows.iter().map(|row| (&row[14], &row[15])).collect();
        assert_eq!(states[0], (&Cell::from("shown"), &Cell::Null));
        // Without D's 7 readmissions they could be worked out from the total: the smallest other one goes with it.
        assert_eq!(states[3], (&Cell::from("suppressed"), &Cell::from("small_cell")));
        assert_eq!(states[4], (&Cell::from("suppressed"), &Cell::from("would_reveal")));
        assert_eq!(rows[3][6], Cell::Null);
        let open = adjusted(&measure(), "observed_expected", &parts, &HashMap::new(), 0);
        assert_eq!((&open[4][14], &open[4][15]), (&Cell::from("undefined"), &Cell::from("few_expected")));
        let Cell::Number(rate) = open[0][10] else { unreachable!("a shown rate is a number") };
        let wanted = 100.0 * 150.0 / 140.0 * (267.0 / 1990.0);
        assert!((rate - wanted).abs() < 1e-9, "{rate} {wanted}");
    }
}
