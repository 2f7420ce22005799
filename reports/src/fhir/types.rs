//! FHIR's data types, each with the elements that are used here, in the standard's order.

use serde::Serialize;

use super::{extensions, text};
use crate::release::Release;

/// A code of a code system.
#[derive(Debug, Serialize)]
pub struct Coding {
    pub system: String,
    pub code: String,
}

/// `CodeableConcept`.
#[derive(Debug, Default, Serialize)]
pub struct Concept {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Concept {
    /// One code.
    pub fn coded(system: &str, code: &str) -> Self {
        Self { coding: vec![Coding { system: system.to_owned(), code: code.to_owned() }], text: None }
    }

    /// Words alone; nothing where there are none.
    pub fn words(words: &str) -> Option<Self> {
        text::string(words).map(|words| Self { text: Some(words), ..Self::default() })
    }
}

/// `Meta` with the release profile as its tag.
#[derive(Debug, Serialize)]
pub struct Meta {
    tag: [Tag; 1],
}

/// A tag: code and words.
#[derive(Debug, Serialize)]
struct Tag {
    system: &'static str,
    code: &'static str,
    display: &'static str,
}

impl Meta {
    /// Which release a resource is from, and what it promises; nothing for an internal one.
    pub fn of(release: Release) -> Option<Self> {
        let tag = Tag { system: "urn:carecoord:release", code: release.code(), display: release.promise() };
        (release != Release::Internal).then_some(Self { tag: [tag] })
    }
}

/// `Extension`: parts, or one value.
#[expect(clippy::struct_field_names, reason = "fields are named after the standard's elements")]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<Extension>,
    pub url: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_boolean: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_decimal: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_string: Option<String>,
}

/// What stands beside a primitive value, or in its place.
#[derive(Debug, Serialize)]
pub struct Element {
    pub extension: Vec<Extension>,
}

/// `Identifier`.
#[derive(Debug, Serialize)]
pub struct Identifier {
    pub system: &'static str,
    pub value: String,
}

impl Identifier {
    /// An identifier; nothing where its value is empty.
    pub fn new(system: &'static str, value: &str) -> Option<Self> {
        text::string(value).map(|value| Self { system, value })
    }
}

/// `Reference` to another resource of the same bundle, or why there is none.
#[derive(Debug, Serialize)]
pub struct Reference {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<Extension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

impl Reference {
    /// To an entry of the bundle.
    pub fn to(full_url: &str) -> Self {
        Self { extension: Vec::new(), reference: Some(full_url.to_owned()) }
    }

    /// To nothing, with the reason.
    pub fn none(reason: Element) -> Self {
        Self { extension: reason.extension, reference: None }
    }
}

/// `Quantity`.
#[derive(Debug, Default, Serialize)]
pub struct Quantity {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<Extension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    #[serde(rename = "_value", skip_serializing_if = "Option::is_none")]
    pub no_value: Option<Element>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

/// `Period`: both days belong to it.
#[derive(Debug, Serialize)]
pub struct Period {
    pub start: String,
    pub end: String,
}

/// `Expression`, in words: the definition that computes it is SQL, which FHIR has no language code for.
#[derive(Debug, Serialize)]
pub struct Expression {
    #[serde(rename = "_language")]
    no_language: Element,
    expression: String,
}

impl Expression {
    /// A criterion in words.
    pub fn words(words: String) -> Self {
        Self { no_language: extensions::as_text(), expression: words }
    }
}
