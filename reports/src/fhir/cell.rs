//! One row of results as population counts and a score, or as the reason why there are none.

use serde::Serialize;

use super::types::{Concept, Element, Extension, Quantity, Reference};
use super::{extensions, scoring, text};
use crate::model::{Measure, Rate, State};

const UCUM: &str = "http://unitsofmeasure.org";
/// Units whose UCUM code is beyond doubt; others are given in words alone.
const UCUM_CODES: [(&str, &str); 3] = [("%", "%"), ("days", "d"), ("hours", "h")];

/// A population with its count: `MeasureReport.group.population`.
#[derive(Debug, Serialize)]
pub struct Population {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension>,
    code: Concept,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<i32>,
    #[serde(rename = "_count", skip_serializing_if = "Option::is_none")]
    no_count: Option<Element>,
    #[serde(rename = "subjectResults", skip_serializing_if = "Option::is_none")]
    subjects: Option<Reference>,
}

impl Population {
    /// The population with the list of those in it.
    pub fn with_subjects(self, subjects: Reference) -> Self {
        Self { subjects: Some(subjects), ..self }
    }
}

/// The populations of a row. A row without a denominator shows its counts, which are 0; a suppressed one has none.
pub fn populations(measure: &Measure, rate: &Rate) -> Vec<Population> {
    let seen = |sum: Option<f64>| sum.filter(|_| rate.state != State::Suppressed);
    scoring::roles(measure)
        .iter()
        .map(|role| {
            let sum = seen((role.sum)(rate));
            let count = sum.and_then(whole);
            Population {
                extension: sum.filter(|_| count.is_none()).map(extensions::amount).into_iter().collect(),
                code: role.concept(),
                count,
                no_count: sum.is_none().then(|| extensions::absent(rate.state)),
                subjects: None,
            }
        })
        .collect()
}

/// The value of a row with its interval.
pub fn score(measure: &Measure, rate: &Rate) -> Quantity {
    let Some(value) = rate.shown() else {
        return Quantity {
            extension: extensions::state_reason(rate).into_iter().chain([extensions::cell(rate)]).collect(),
            no_value: Some(extensions::absent(rate.state)),
            ..Quantity::default()
        };
    };
    let interval = rate.interval().map(|(lower, upper)| extensions::interval(lower, upper, &rate.interval_method));
    let code = UCUM_CODES.iter().find(|(unit, _)| *unit == measure.value_unit.trim()).map(|(_, code)| *code);
    Quantity {
        extension: interval.into_iter().chain([extensions::cell(rate)]).collect(),
        value: Some(value),
        no_value: None,
        unit: text::string(&measure.value_unit),
        system: code.map(|_| UCUM),
        code,
    }
}

/// A sum as a FHIR `integer`, which has 32 bits; nothing where it is none.
fn whole(sum: f64) -> Option<i32> {
    let fits = sum.fract() == 0.0 && sum.abs() <= f64::from(i32::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within range")]
    fits.then_some(sum as i32)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::test_rows::{measure, month};

    fn json(rate: &Rate) -> String {
        let measure = measure("lower");
        serde_json::to_string(&(populations(&measure, rate), score(&measure, rate))).expect("JSON")
    }

    #[test]
    fn a_suppressed_row_has_no_number_even_where_the_results_hold_one() {
        let row = Rate { state: State::Suppressed, ..month(date(2026, 8, 1), Some(37.0)) };
        let json = json(&row);
        assert_eq!(json.matches("\"valueCode\":\"masked\"").count(), 3);
        assert!(!json.contains("37") && !json.contains("100") && !json.contains("\"count\""), "{json}");
    }

    #[test]
    fn a_sum_that_is_no_count_is_an_amount() {
        let sums = |numerator| Rate { numerator: Some(numerator), ..month(date(2026, 8, 1), Some(37.0)) };
        assert!(json(&sums(12.0)).contains("\"count\":12}"));
        let amount = json(&sums(12.5));
        assert!(amount.contains("\"url\":\"urn:carecoord:extension:amount\",\"valueDecimal\":12.5"), "{amount}");
        assert!(json(&sums(3e9)).contains("\"valueDecimal\":3000000000.0"));
    }
}
