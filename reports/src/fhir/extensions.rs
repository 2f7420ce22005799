//! Extensions: the standard's own for a value that is not there, and this project's, which docs/fhir.md defines.

use super::ids;
use super::types::{Element, Extension};
use crate::model::{Rate, State};
use crate::values;

const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const INTERVAL: &str = "urn:carecoord:extension:interval-95";
const AMOUNT: &str = "urn:carecoord:extension:amount";
const MATURITY: &str = "urn:carecoord:extension:maturity";
const STATE_REASON: &str = "urn:carecoord:extension:state-reason";
const CELL: &str = "urn:carecoord:extension:cell";
const REFUSED: &str = "urn:carecoord:extension:refused";
const DATE_ASSUMED: &str = "urn:carecoord:extension:date-assumed";

fn code(url: &'static str, code: &str) -> Extension {
    Extension { url, value_code: Some(code.to_owned()), ..Extension::default() }
}

fn decimal(url: &'static str, number: f64) -> Extension {
    Extension { url, value_decimal: Some(number), ..Extension::default() }
}

/// Why a count or value of a row is not there.
pub fn absent(state: State) -> Element {
    let reason = match state {
        State::Suppressed => "masked",
        State::Undefined => "not-applicable",
        // A row that says that it is shown and yet has no number: no engine writes one.
        State::Shown => "unknown",
    };
    Element { extension: vec![code(ABSENT, reason)] }
}

/// That results do not hold one by one what a list would name.
pub fn not_kept() -> Element {
    Element { extension: vec![code(ABSENT, "unsupported")] }
}

/// That an expression is in words, not in a language that programs read.
pub fn as_text() -> Element {
    Element { extension: vec![code(ABSENT, "as-text")] }
}

/// The 95 % interval of a value with the name of its method.
pub fn interval(lower: f64, upper: f64, method: &str) -> Extension {
    let mut parts = vec![decimal("low", lower), decimal("high", upper)];
    parts.extend(ids::code(method).map(|method| code("method", &method)));
    Extension { extension: parts, url: INTERVAL, ..Extension::default() }
}

/// A population's sum that is no whole number, such as money.
pub fn amount(number: f64) -> Extension {
    decimal(AMOUNT, number)
}

/// Whether all follow-up is in.
pub fn maturity(rate: &Rate) -> Extension {
    code(MATURITY, if rate.is_final { "final" } else { "provisional" })
}

/// The results' own word for why a value is not shown; nothing where it has none.
pub fn state_reason(rate: &Rate) -> Option<Extension> {
    ids::code(&rate.state_reason).map(|reason| code(STATE_REASON, &reason))
}

/// The state of a cell, as every file of the report names it.
pub fn cell(rate: &Rate) -> Extension {
    code(CELL, values::cell(rate))
}

/// Why a measure was not computed.
pub fn refused(reason: String) -> Extension {
    Extension { url: REFUSED, value_string: Some(reason), ..Extension::default() }
}

/// That no one stated the day on which the data were taken.
pub fn date_assumed() -> Element {
    Element { extension: vec![Extension { url: DATE_ASSUMED, value_boolean: Some(true), ..Extension::default() }] }
}
