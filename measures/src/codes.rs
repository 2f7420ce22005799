//! Code sets that come with measures and prepared views: small lists of public codes, as data with version and source.
//!
//! A user replaces one by loading a set of the same name (`carecoord codes import`). Licensed code systems are not shipped.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde::Deserialize;

use crate::error::{MeasureError, Result};

/// One row of a code set, in the shape of the lake's table `code_set`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Name of the set.
    pub set_id: String,
    /// Its version.
    pub version: String,
    /// System that the code belongs to, for example `icd-10-cm`.
    pub code_system: String,
    /// The code; one that ends in `*` stands for all that begin like it.
    pub code: String,
    /// Where the code maps to, for a crosswalk.
    pub target: Option<String>,
    /// Label.
    pub display: Option<String>,
    /// Where the set came from, with the mark of how sure it is.
    pub source: Option<String>,
}

const COLUMNS: [&str; 7] = ["set_id", "version", "code_system", "code", "target", "display", "source"];

/// Reads a set's CSV: a header with the columns of `code_set`, then one code a line.
///
/// # Errors
/// What is wrong, with its line.
pub fn parse(text: &str) -> std::result::Result<Vec<Code>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let codes: std::result::Result<Vec<Code>, csv::Error> = reader.deserialize().collect();
    let codes = codes.map_err(|error| error.to_string())?;
    let empty =
        |code: &&Code| [&code.set_id, &code.version, &code.code_system, &code.code].iter().any(|text| text.is_empty());
    match codes.iter().find(empty) {
        Some(code) => Err(format!("set_id, version, code_system and code must not be empty: {code:?}")),
        None => Ok(codes),
    }
}

/// Codes as rows; where a set comes more than once, equal rows are kept once.
///
/// # Errors
/// When Arrow refuses.
pub fn batch<'a>(codes: impl IntoIterator<Item = &'a Code>) -> Result<RecordBatch> {
    let mut rows: Vec<[Option<&str>; 7]> = codes
        .into_iter()
        .map(|code| {
            [
                Some(code.set_id.as_str()),
                Some(code.version.as_str()),
                Some(code.code_system.as_str()),
                Some(code.code.as_str()),
                code.target.as_deref(),
                code.display.as_deref(),
                code.source.as_deref(),
            ]
        })
        .collect();
    rows.sort_unstable();
    rows.dedup();
    let fields: Vec<Field> = COLUMNS.iter().map(|name| Field::new(*name, DataType::Utf8View, true)).collect();
    let column = |index: usize| Arc::new(rows.iter().map(|row| row[index]).collect::<StringViewArray>()) as _;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), (0..COLUMNS.len()).map(column).collect())
        .map_err(|error| MeasureError::engine("the shipped code sets", error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_set_without_a_code_is_refused() {
        let header = COLUMNS.join(",");
        assert_eq!(parse(&format!("{header}\na,1,icd-10-cm,I50*,HF,,\n")).unwrap()[0].target.as_deref(), Some("HF"));
        assert!(parse(&format!("{header}\na,1,icd-10-cm,,HF,,\n")).unwrap_err().contains("must not be empty"));
        assert!(parse("set_id,code\na,b\n").unwrap_err().contains("version"));
    }
}
