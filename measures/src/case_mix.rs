//! Survey composites compared between organizations after adjustment for case mix.
//!
//! A measure that has `case_mix.sql` offers it: one row for each questionnaire with `response_id`, `patient_id`,
//! `organization_id`, `completed_date`, an `item_…` column for each item of the composite and an `adjuster_…` column for
//! each case-mix adjuster, empty where there is no valid answer. The twelve months that end with the report month count.
//! The arithmetic is that of AHRQ's analysis program: see `carecoord_statistics::survey`.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use carecoord_statistics::survey::{
    CahpsOptions, EntityScore, Missing, Responses, Smoothing, Standing, VarianceSmoothing, cahps,
};

use crate::definition::{CaseMix, Measure, SmoothingFormula};
use crate::error::{MeasureError, Result};
use crate::risk::year_of;
use crate::rows::Cell;
use crate::span::days;
use crate::workbench::{Workbench, text_at};

/// Whose arithmetic.
const ENGINE: &str = "cahps-4.1c";
/// AHRQ's program warns below so many people.
const FEW_PEOPLE: u64 = 100;
/// Below this a score says little.
const POOR: f64 = 0.70;

/// Rows of the results tables `survey_model` and `survey_score`.
#[derive(Default)]
pub(crate) struct CaseMixRows {
    /// One for each measure.
    pub models: Vec<Vec<Cell>>,
    /// One for each organization.
    pub scores: Vec<Vec<Cell>>,
}

/// Questionnaires as they are read; a year of them may be half a million.
#[derive(Default)]
struct Read {
    /// Patient and questionnaire: the order in which they are summed.
    keys: Vec<(Box<str>, Box<str>)>,
    /// Organizations, each once, and for each questionnaire the place of its own.
    organizations: Vec<String>,
    organization: Vec<u32>,
    place: HashMap<String, u32>,
    items: usize,
    adjusters: Vec<String>,
    /// Items, then adjusters of each questionnaire in turn; not a number where there is no answer.
    values: Vec<f64>,
    /// Questionnaires without an organization.
    nowhere: u64,
}

impl Read {
    /// Columns of values in the order of the keys, and the entity of each questionnaire: sums then do not depend on how patients
    /// were grouped, and organizations come by name.
    fn ordered(self) -> (Vec<String>, Vec<usize>, Vec<Vec<Option<f64>>>) {
        let mut order: Vec<u32> = (0..).take(self.keys.len()).collect();
        order.sort_unstable_by(|one, other| self.keys[*one as usize].cmp(&self.keys[*other as usize]));
        drop(self.keys);
        let mut by_name: Vec<u32> = (0..).take(self.organizations.len()).collect();
        by_name
            .sort_unstable_by(|one, other| self.organizations[*one as usize].cmp(&self.organizations[*other as usize]));
        let mut rank = vec![0; by_name.len()];
        for (position, place) in by_name.iter().enumerate() {
            rank[*place as usize] = position;
        }
        let entity = order.iter().map(|row| rank[self.organization[*row as usize] as usize]).collect();
        let width = self.items + self.adjusters.len();
        let column = |column: usize| {
            order
                .iter()
                .map(|row| Some(self.values[*row as usize * width + column]).filter(|value| !value.is_nan()))
                .collect()
        };
        let columns = (0..width).map(column).collect();
        let names = by_name.iter().map(|place| self.organizations[*place as usize].clone()).collect();
        (names, entity, columns)
    }
}

/// Compares the organizations of a measure that asks for it.
///
/// # Errors
/// When `case_mix.sql` is broken. That organizations cannot be compared is no error: it is a row with the reason.
pub(crate) async fn case_mix(
    benches: &[Workbench],
    measure: &Measure,
    names: &HashMap<(&'static str, String), String>,
    threshold: u64,
) -> Result<CaseMixRows> {
    let (Some((settings, text)), Some(bench)) = (&measure.case_mix, benches.first()) else {
        return Ok(CaseMixRows::default());
    };
    let (first, last) = year_of(&bench.span);
    let mut found = Read::default();
    for bench in benches {
        for batch in bench.case_mix(measure, text, first, last.last_of_month()).await? {
            read(measure, &batch, &mut found)?;
        }
    }
    let (adjusters, count, nowhere) = (found.adjusters.clone(), found.items, found.nowhere);
    let (organizations, entity, mut columns) = found.ordered();
    let more = columns.split_off(count.min(columns.len()));
    let items = columns;
    // An adjuster that nobody answered, or everybody alike, adjusts for nothing.
    let (kept, left): (Vec<_>, Vec<_>) = adjusters.iter().zip(more).partition(|(_, values)| varies(values));
    let used: Vec<String> = kept.iter().map(|(name, _)| (*name).clone()).collect();
    let values: Vec<Vec<Option<f64>>> = kept.into_iter().map(|(_, values)| values).collect();
    let CaseMix { low, high, .. } = *settings;
    let options = options(settings);
    let found = cahps(&Responses { entity: &entity, items: &items, adjusters: &values }, options);
    let mut cells = vec![measure.id.clone().into(), ENGINE.into(), Cell::Date(days(first)), Cell::Date(days(last))];
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            cells.extend(std::iter::repeat_n(Cell::Null, 10));
            cells.extend([Cell::from("refused"), error.to_string().into()]);
            return Ok(CaseMixRows { models: vec![cells], scores: Vec::new() });
        }
    };
    let small = |count: u64| (1..threshold).contains(&count);
    let hidden = small(found.people);
    // Differences add up to 0 and people to the total: a single hidden organization takes the smallest other one with it.
    let mut kept_back: Vec<usize> =
        found.entities.iter().filter(|score| small(score.people)).map(|score| score.entity).collect();
    if kept_back.len() == 1 {
        let others = found.entities.iter().filter(|score| !small(score.people));
        kept_back.extend(others.min_by_key(|score| (score.people, score.entity)).map(|score| score.entity));
    }
    let suppressed: u64 =
        found.entities.iter().filter(|score| kept_back.contains(&score.entity)).map(|score| score.people).sum();
    let total_hidden = hidden || small(suppressed);
    let shown = |cell: Cell| if hidden { Cell::Null } else { cell };
    let mut reasons = Vec::new();
    if !left.is_empty() {
        let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
        reasons.push(format!("adjusters that are missing or the same for all: {}", names.join(", ")));
    }
    if nowhere > 0 {
        let many = if small(nowhere) { format!("fewer than {threshold}") } else { nowhere.to_string() };
        reasons.push(format!("questionnaires without an organization: {many}"));
    }
    if !found.left_out.is_empty() {
        reasons.push(format!("organizations with fewer than two people: {}", found.left_out.len()));
    }
    cells.extend([
        shown((found.entities.len() as u64).into()),
        if total_hidden { Cell::Null } else { found.people.into() },
        (!used.is_empty()).then(|| used.join(", ")).into(),
        shown(found.overall_mean.into()),
        shown(found.grand_mean.into()),
        shown(found.f.into()),
        shown(found.freedom.into()),
        if total_hidden { Cell::Null } else { found.freedom_below.into() },
        shown(found.p.into()),
        shown(found.reliability.into()),
        if hidden { "suppressed" } else { "shown" }.into(),
        (!reasons.is_empty()).then(|| reasons.join("; ")).into(),
    ]);
    let scores = found
        .entities
        .iter()
        .map(|score| {
            let hidden = kept_back.contains(&score.entity);
            score_row(measure, score, &organizations[score.entity], names, (threshold, hidden), (low, high))
        })
        .collect();
    Ok(CaseMixRows { models: vec![cells], scores })
}

fn options(settings: &CaseMix) -> CahpsOptions {
    CahpsOptions {
        missing: if settings.impute { Missing::EntityMean } else { Missing::Drop },
        weight_cap: settings.weight_cap,
        smoothing: settings.smoothing.map(|smoothing| VarianceSmoothing {
            weight: smoothing.weight,
            formula: match smoothing.formula {
                SmoothingFormula::Program => Smoothing::Program,
                SmoothingFormula::Manual => Smoothing::Manual,
            },
        }),
        change: settings.change,
        least_difference: settings.least_difference,
        ..CahpsOptions::for_scale(settings.low, settings.high)
    }
}

fn varies(values: &[Option<f64>]) -> bool {
    let mut known = values.iter().flatten();
    known.next().is_some_and(|first| known.any(|value| value.total_cmp(first).is_ne()))
}

fn score_row(
    measure: &Measure,
    score: &EntityScore,
    organization: &str,
    names: &HashMap<(&'static str, String), String>,
    (threshold, hidden): (u64, bool),
    (low, high): (f64, f64),
) -> Vec<Cell> {
    let number = |number: f64| if hidden { Cell::Null } else { Cell::Number(number) };
    let count = |count: u64| if hidden { Cell::Null } else { Cell::from(count) };
    let mut notes = Vec::new();
    if score.people < FEW_PEOPLE {
        notes.push("few_answers");
    }
    if score.reliability < POOR && !hidden {
        notes.push("low_reliability");
    }
    let standing = match score.standing {
        Standing::Below => "below",
        Standing::Average => "not_different",
        Standing::Above => "above",
    };
    vec![
        measure.id.clone().into(),
        organization.into(),
        names.get(&("organization", organization.to_owned())).cloned().into(),
        // Few who came back and could not be used are a small count too.
        if (1..threshold).contains(&(score.records - score.people)) { Cell::Null } else { count(score.records) },
        count(score.people),
        number(score.unadjusted),
        number(score.adjusted.clamp(low, high)),
        number(score.difference),
        number(score.standard_error),
        number(score.difference - score.half_width()),
        number(score.difference + score.half_width()),
        number(score.p),
        if hidden { Cell::Null } else { standing.into() },
        number(score.reliability),
        if hidden { "suppressed" } else { "shown" }.into(),
        (!notes.is_empty()).then(|| notes.join(", ")).into(),
    ]
}

/// Adds the questionnaires of a batch.
fn read(measure: &Measure, batch: &RecordBatch, found: &mut Read) -> Result<()> {
    let broken = |reason: String| MeasureError::Definition {
        measure: measure.id.clone(),
        file: format!("{}/case_mix.sql", measure.folder),
        reason,
    };
    let schema = batch.schema();
    let numbers = |prefix: &str| -> Result<Vec<(String, Float64Array)>> {
        let fields = schema.fields().iter().zip(batch.columns());
        let own = fields.filter_map(|(field, array)| Some((field.name().strip_prefix(prefix)?.to_owned(), array)));
        own.map(|(name, array)| {
            let numbers =
                cast(array, &DataType::Float64).map_err(|error| broken(format!("{prefix}{name}: {error}")))?;
            Ok((name, numbers.as_primitive::<Float64Type>().clone()))
        })
        .collect()
    };
    let (items, own) = (numbers("item_")?, numbers("adjuster_")?);
    if items.is_empty() {
        return Err(broken("it has no column that begins with item_".to_owned()));
    }
    if found.items == 0 {
        found.items = items.len();
        found.adjusters = own.iter().map(|(name, _)| name.clone()).collect();
    }
    for row in 0..batch.num_rows() {
        let text = |name: &str| batch.column_by_name(name).and_then(|array| text_at(array, row));
        // Those who are not known to belong to an organization are no organization.
        let Some(name) = text("organization_id") else {
            found.nowhere += 1;
            continue;
        };
        let key = |name: &str| text(name).unwrap_or_default().into_boxed_str();
        found.keys.push((key("patient_id"), key("response_id")));
        let next = u32::try_from(found.organizations.len()).unwrap_or(u32::MAX);
        let place = *found.place.entry(name.clone()).or_insert(next);
        if place == next {
            found.organizations.push(name);
        }
        found.organization.push(place);
        for (_, array) in items.iter().chain(&own) {
            found.values.push(if array.is_valid(row) { array.value(row) } else { f64::NAN });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_smoothing_is_an_option() {
        let text = "low = 1\nhigh = 4\nimpute = false\nsmoothing = { weight = 20, formula = 'manual' }";
        let settings: CaseMix = toml::from_str(text).expect("settings");
        let found = options(&settings);
        assert_eq!((found.missing, found.weight_cap), (Missing::Drop, 1));
        assert_eq!(found.smoothing, Some(VarianceSmoothing { weight: 20.0, formula: Smoothing::Manual }));
        let plain: CaseMix = toml::from_str("low = 1\nhigh = 4").expect("settings");
        assert_eq!(options(&plain), CahpsOptions::for_scale(1.0, 4.0));
    }

    #[test]
    fn questionnaires_come_in_order_whatever_the_order_in_which_they_were_read() {
        let key = |patient: &str| (patient.into(), "r".into());
        let read = Read {
            keys: vec![key("b"), key("c"), key("a")],
            organizations: vec!["z".to_owned(), "y".to_owned()],
            organization: vec![0, 1, 1],
            place: HashMap::new(),
            items: 1,
            adjusters: vec!["age".to_owned()],
            values: vec![1.0, 10.0, 2.0, f64::NAN, 3.0, 30.0],
            nowhere: 0,
        };
        let (names, entity, columns) = read.ordered();
        assert_eq!((names, entity), (vec!["y".to_owned(), "z".to_owned()], vec![0, 1, 0]));
        assert_eq!(columns[0], [Some(3.0), Some(1.0), Some(2.0)]);
        assert_eq!(columns[1], [Some(30.0), Some(10.0), None]);
    }
}
