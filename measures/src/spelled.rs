//! SQL functions that say what a text means however it is spelled: versions of instruments, ingredients of medicines.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// What a text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Text {
    Version,
    Ingredients,
}

/// One of the functions. Null stays null.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Spelled {
    signature: Signature,
    text: Text,
}

/// The functions.
pub fn functions() -> Vec<ScalarUDF> {
    let function = |text| ScalarUDF::from(Spelled { signature: Signature::string(1, Volatility::Immutable), text });
    [Text::Version, Text::Ingredients].map(function).to_vec()
}

/// `version_key(version)`: the version without letter case, blanks, a leading "v" or "version", and zeros at its end: "3", "3.0",
/// "v3" and "Version 3.0" are one.
fn version_key(version: &str) -> String {
    let lower = version.trim().to_lowercase();
    let bare = lower.strip_prefix("version").or_else(|| lower.strip_prefix('v')).unwrap_or(&lower);
    let mut bare = bare.trim_start_matches(['.', ' ']).trim_end();
    while let Some(shorter) = bare.strip_suffix(".0").filter(|shorter| !shorter.is_empty()) {
        bare = shorter;
    }
    bare.to_owned()
}

/// `ingredients_key(ingredients)`: the active ingredients without letter case and blanks, in order of the alphabet, joined by `;`.
/// They may be joined by `;`, `+`, `/`, `,` or `|`.
fn ingredients_key(ingredients: &str) -> String {
    let mut names: Vec<String> = ingredients
        .split([';', '+', '/', ',', '|'])
        .map(|name| name.split_whitespace().collect::<String>().to_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names.join(";")
}

impl ScalarUDFImpl for Spelled {
    fn name(&self) -> &'static str {
        match self.text {
            Text::Version => "version_key",
            Text::Ingredients => "ingredients_key",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [given] = arrays.as_slice() else {
            return Err(DataFusionError::Execution(format!("{} takes one argument", self.name())));
        };
        let given = cast(given, &DataType::Utf8View)?;
        let plain = match self.text {
            Text::Version => version_key,
            Text::Ingredients => ingredients_key,
        };
        let found = given.as_string_view().iter().map(|text| text.map(plain));
        Ok(ColumnarValue::Array(Arc::new(found.collect::<StringViewArray>()) as ArrayRef))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_one_however_they_are_written() {
        for written in ["3", "3.0", "v3", "V3.0", " Version 3.0 ", "v. 3", "3.0.0"] {
            assert_eq!(version_key(written), "3", "{written}");
        }
        assert_eq!(version_key("3.1"), "3.1");
        assert_eq!(version_key("3.10"), "3.10", "not the version 3.1");
        assert_eq!(version_key("2015"), "2015");
        assert_eq!(version_key(".0"), "0");
    }

    #[test]
    fn ingredients_are_the_same_whatever_their_case_blanks_and_order() {
        for written in [
            "Amlodipine+Atorvastatin",
            "atorvastatin ; AMLODIPINE",
            "atorvastatin/amlodipine",
            "amlodipine,,atorvastatin",
        ] {
            assert_eq!(ingredients_key(written), "amlodipine;atorvastatin", "{written}");
        }
        assert_eq!(ingredients_key("Metformin  hydrochloride"), "metforminhydrochloride");
        assert_eq!(ingredients_key(" "), "");
    }
}
