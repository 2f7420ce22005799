//! Table contracts: what a table means, its key and its columns.
//!
//! A contract is a TOML file beside this crate's sources. The Arrow schema, the checks at ingest, the data
//! dictionary, the sample generator and the SQL catalogue are all read from it; nothing else states a schema.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::error::{LakeError, Result};

/// Type of a column, in words a user of the data dictionary understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text, trimmed, UTF-8.
    Text,
    /// Whole number, 64 bits.
    Integer,
    /// Exact decimal with two places, up to 16 digits before the point: money.
    Decimal,
    /// Floating-point number.
    Number,
    /// True or false.
    Boolean,
    /// Local calendar date.
    Date,
    /// Instant in UTC, microseconds.
    Timestamp,
}

impl ColumnType {
    /// The Arrow type that carries this column in the lake and in results.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8View,
            Self::Integer => DataType::Int64,
            Self::Decimal => DataType::Decimal128(18, 2),
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The word for this type in the data dictionary.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal(18,2)",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp (UTC)",
        }
    }
}

/// What follows when a check finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Count it and keep the row.
    Warn,
    /// Quarantine the row.
    Reject,
    /// Fail the run.
    Fail,
}

impl Severity {
    /// The word used in results and messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Reject => "reject",
            Self::Fail => "fail",
        }
    }
}

/// One column of a contract.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // Each says one thing of a column, and contracts state them by name.
pub struct Column {
    /// Name in the lake and in SQL.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// What it means.
    pub meaning: String,
    /// A row without a value is rejected.
    #[serde(default)]
    pub required: bool,
    /// Whether it identifies a person, alone or with others (HIPAA's eighteen kinds).
    #[serde(default)]
    pub identifying: bool,
    /// Unit of measurement.
    pub unit: Option<String>,
    /// Allowed values; empty for any.
    #[serde(default)]
    pub allowed: Vec<String>,
    /// What follows from a value outside `allowed`; rejecting unless stated.
    pub allowed_severity: Option<Severity>,
    /// The `table.column` that the value refers to.
    pub references: Option<String>,
    /// The timestamp column whose local date this is.
    pub local_date_of: Option<String>,
    /// The table that the value is looked up in, by this table's reference to it, where an extract lacks it.
    pub filled_from: Option<String>,
    /// Smallest allowed value.
    pub min: Option<String>,
    /// What follows from a smaller one; rejecting unless stated.
    pub min_severity: Option<Severity>,
    /// Largest allowed value.
    pub max: Option<String>,
    /// What follows from a larger one; rejecting unless stated.
    pub max_severity: Option<Severity>,
    /// How many days after the extract date a date may lie, where it may be planned ahead; a month's grace unless stated.
    pub ahead_days: Option<i32>,
    /// Whether it ends a span, so that a day far ahead (9999-12-31) means that the end is open.
    #[serde(default)]
    pub open_end: bool,
    /// Whether one value in all rows means that something went wrong with the export.
    #[serde(default)]
    pub varies: bool,
    /// Whether it is a code that programs write as a number, so that `4.0` is 4.
    #[serde(default)]
    pub number_as_code: bool,
}

impl Column {
    /// The table and column that this column refers to, if it refers to one.
    #[must_use]
    pub fn reference(&self) -> Option<(&str, &str)> {
        self.references.as_deref().and_then(|text| text.split_once('.'))
    }
}

/// Kind of a check over several columns or rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// `column` must not lie before `other` in the same row.
    NotBefore,
    /// Within a patient, a row's start (`other`) must not lie before the running maximum of `column`.
    Overlap,
    /// Two rows with different keys must not agree in all of `columns`, nor, where `apart` names a column, while they differ
    /// in it.
    SameValues,
    /// A later row of the same key must not turn the sign of `column`: that is a reversal, and both rows count.
    Reversal,
}

/// A check over several columns or rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Name in results and messages.
    pub name: String,
    /// Kind.
    pub kind: CheckKind,
    /// First column.
    #[serde(default)]
    pub column: String,
    /// Second column.
    #[serde(default)]
    pub other: String,
    /// Columns compared by `same_values`.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Column in which rows compared by `same_values` must differ, letter case aside.
    pub apart: Option<String>,
    /// Only rows in which this column …
    pub where_column: Option<String>,
    /// … has this value.
    pub where_value: Option<String>,
    /// Whether a row that does not pass takes back the row of its key, as payers write spans that never were.
    #[serde(default)]
    pub voids: bool,
    /// What follows.
    pub severity: Severity,
}

/// A table: its meaning, key, physical order, columns and checks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Name of the table; the name of its file.
    #[serde(skip)]
    pub name: String,
    /// What one row is.
    pub meaning: String,
    /// Columns that identify a row.
    pub key: Vec<String>,
    /// Column whose hash picks the bucket; tables without one have a single bucket.
    pub bucket_by: Option<String>,
    /// Physical order of rows within a bucket.
    pub order: Vec<String>,
    /// The date column that says up to when a feed is loaded.
    pub time: Option<String>,
    /// Whether files hold its rows; where not, a query makes them of other tables.
    #[serde(default = "yes")]
    pub stored: bool,
    /// Columns in the lake's order.
    pub columns: Vec<Column>,
    /// Checks over several columns or rows.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
}

fn yes() -> bool {
    true
}

/// Column of the lake's own: which extract a row came from (number of the file in the manifest).
pub const EXTRACT_COLUMN: &str = "_extract";
/// Column of the lake's own: record number within the extract, from 1, header not counted.
pub const RECORD_COLUMN: &str = "_record";

impl Contract {
    fn parse(name: &str, text: &str) -> Result<Self> {
        let mut contract: Self = toml::from_str(text)
            .map_err(|error| LakeError::Contract { table: name.to_owned(), reason: error.to_string() })?;
        name.clone_into(&mut contract.name);
        for wanted in contract.key.iter().chain(&contract.order).chain(&contract.bucket_by).chain(&contract.time) {
            if contract.column(wanted).is_none() {
                return Err(LakeError::Contract {
                    table: name.to_owned(),
                    reason: format!(
                        "key, order, bucket_by or time names the column {wanted}, which is not among the columns"
                    ),
                });
            }
        }
        Ok(contract)
    }

    /// The column of this name, if there is one.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The Arrow schema of the contract's own columns, in order.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.fields()))
    }

    /// The Arrow schema of the table's files in the lake: the contract's columns, then where the row came from.
    #[must_use]
    pub fn lake_schema(&self) -> SchemaRef {
        let mut fields = self.fields();
        fields.push(Field::new(EXTRACT_COLUMN, DataType::Int64, true));
        fields.push(Field::new(RECORD_COLUMN, DataType::Int64, true));
        Arc::new(Schema::new(fields))
    }

    fn fields(&self) -> Vec<Field> {
        self.columns.iter().map(|column| Field::new(&column.name, column.kind.arrow(), true)).collect()
    }
}

macro_rules! contracts {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../", $folder, "/", $name, ".toml")))),+]
    };
}

static TABLES: LazyLock<Result<Vec<Contract>>> = LazyLock::new(|| {
    parse_all(&contracts!("tables":
        "organization", "practitioner", "patient_merge", "patient", "attribution", "coverage", "encounter", "diagnosis", "procedure", "observation",
        "medication_fill", "medication_reconciliation", "referral", "referral_event", "appointment", "care_plan",
        "care_plan_element", "care_plan_activity", "care_plan_activity_status", "goal", "contact", "social_screening",
        "social_intervention", "community_referral", "survey_invitation", "survey_response", "claim_line", "program",
        "program_enrollment", "program_cost", "readmission_reported", "code_set",
    ))
});

static RESULTS: LazyLock<Result<Vec<Contract>>> = LazyLock::new(|| {
    parse_all(&contracts!("results":
        "run", "measure", "rate", "exclusion", "wait", "wait_curve", "chart", "signal", "annotation", "target", "funnel", "funnel_curve", "preparation", "risk_model", "risk_term", "risk_adjusted", "survey_model", "survey_score", "equity_group", "disparity", "coverage", "caseload", "unit", "cohort_unit", "measure_unit", "worklist", "quality", "check_result", "feed_month", "timing",
    ))
});

static QUARANTINE: LazyLock<Result<Contract>> =
    LazyLock::new(|| Contract::parse("quarantine", include_str!("../system/quarantine.toml")));

/// The table of what ingest put aside.
///
/// # Errors
/// When the built-in contract is broken, which a test rules out.
pub fn quarantine() -> Result<&'static Contract> {
    QUARANTINE.as_ref().map_err(Clone::clone)
}

fn parse_all(files: &[(&str, &str)]) -> Result<Vec<Contract>> {
    files.iter().map(|(name, text)| Contract::parse(name, text)).collect()
}

/// All tables of the lake, referenced tables before those that refer to them.
///
/// # Errors
/// When a built-in contract is broken, which a test rules out.
pub fn tables() -> Result<&'static [Contract]> {
    TABLES.as_deref().map_err(Clone::clone)
}

/// All tables of results.
///
/// # Errors
/// When a built-in contract is broken, which a test rules out.
pub fn results() -> Result<&'static [Contract]> {
    RESULTS.as_deref().map_err(Clone::clone)
}

/// The lake table of this name.
///
/// # Errors
/// When there is none.
pub fn table(name: &str) -> Result<&'static Contract> {
    find(tables()?, name)
}

/// The results table of this name.
///
/// # Errors
/// When there is none.
pub fn result(name: &str) -> Result<&'static Contract> {
    find(results()?, name)
}

fn find(contracts: &'static [Contract], name: &str) -> Result<&'static Contract> {
    contracts
        .iter()
        .find(|contract| contract.name == name)
        .ok_or_else(|| LakeError::UnknownTable { table: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_parses_and_every_reference_resolves() {
        let tables = tables().expect("tables parse");
        assert_eq!(tables.len(), 32);
        for contract in tables {
            for column in &contract.columns {
                if let Some((table_name, column_name)) = column.reference() {
                    let target = table(table_name).expect("referenced table exists");
                    assert!(target.column(column_name).is_some(), "{}.{}", contract.name, column.name);
                }
                if let Some(instant) = &column.local_date_of {
                    assert_eq!(contract.column(instant).map(|other| other.kind), Some(ColumnType::Timestamp));
                }
            }
        }
        assert_eq!(results().expect("results parse").len(), 30);
    }
}
