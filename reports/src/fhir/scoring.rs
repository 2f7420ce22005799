//! How a kind of measure is scored, which populations it has, and which direction is good.

use super::types::Concept;
use crate::model::{Measure, Rate};

const SCORING: &str = "http://terminology.hl7.org/CodeSystem/measure-scoring";
const POPULATION: &str = "http://terminology.hl7.org/CodeSystem/measure-population";
const NOTATION: &str = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation";

/// A population of a measure: its code, and the sum of a row of results that is its count.
pub struct Role {
    pub code: &'static str,
    pub sum: fn(&Rate) -> Option<f64>,
}

impl Role {
    /// The population's code.
    pub fn concept(&self) -> Concept {
        Concept::coded(POPULATION, self.code)
    }
}

const FRACTION: [Role; 2] = [
    Role { code: "denominator", sum: |rate| rate.denominator },
    Role { code: "numerator", sum: |rate| rate.numerator },
];
const OBSERVED: [Role; 1] = [Role { code: "measure-population", sum: |rate| rate.denominator }];

/// The populations of a measure. A mean, composite or time is taken over one; its sum of scores is no count of anything.
pub fn roles(measure: &Measure) -> &'static [Role] {
    match measure.kind.as_str() {
        "proportion" | "rate" => &FRACTION,
        _ => &OBSERVED,
    }
}

/// The scoring of a measure.
pub fn scoring(measure: &Measure) -> Concept {
    Concept::coded(
        SCORING,
        match measure.kind.as_str() {
            "proportion" => "proportion",
            "rate" => "ratio",
            _ => "continuous-variable",
        },
    )
}

/// Which direction is good, where one is.
pub fn improvement(measure: &Measure) -> Option<Concept> {
    match measure.better.as_str() {
        "higher" => Some(Concept::coded(NOTATION, "increase")),
        "lower" => Some(Concept::coded(NOTATION, "decrease")),
        _ => None,
    }
}
