//! What a discharge disposition means: SQL functions over `dispositions.toml`, so that each code is named once.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use serde::Deserialize;

use crate::error::{MeasureError, Result};

/// The file: kind → codes, and code with a planned return → code without.
#[derive(Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    kind: BTreeMap<String, Vec<String>>,
    planned_return: BTreeMap<String, String>,
}

impl Codes {
    fn shipped() -> Result<Self> {
        toml::from_str(include_str!("../dispositions.toml"))
            .map_err(|error| MeasureError::engine("dispositions.toml", error))
    }

    /// The code without a planned return, with two digits; a text that is no code stays as it is.
    fn base(&self, code: &str) -> String {
        let code = two_digits(code);
        self.planned_return.get(&code).cloned().unwrap_or(code)
    }

    /// Where the patient went.
    fn kind_of(&self, code: &str) -> &str {
        let base = self.base(code);
        self.kind.iter().find(|(_, codes)| codes.contains(&base)).map_or("other", |(kind, _)| kind.as_str())
    }
}

/// A code of one digit was written with two before a spreadsheet had it.
fn two_digits(code: &str) -> String {
    let code = code.trim();
    if code.len() == 1 && code.bytes().all(|byte| byte.is_ascii_digit()) { format!("0{code}") } else { code.to_owned() }
}

/// What a function says of a disposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Says {
    /// `base_disposition(code)`: the code without a planned return, 81 as 01 and so on, with two digits.
    Base,
    /// `disposition_kind(code)`: `home`, `hospital` (another one, of short stays), `against_advice`, `died`, `still_patient` or
    /// `other`.
    Kind,
    /// `planned_return(code)`: whether the code says that the patient is to come back to be admitted; false where there is none.
    PlannedReturn,
}

/// One of the functions. Each takes the code as recorded; the texts that they return are empty where there is none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Disposition {
    signature: Signature,
    says: Says,
    codes: Arc<Codes>,
}

/// The functions.
///
/// # Errors
/// When the shipped file is broken, which a test rules out.
pub fn functions() -> Result<Vec<ScalarUDF>> {
    let codes = Arc::new(Codes::shipped()?);
    let signature = || Signature::string(1, Volatility::Immutable);
    let functions = [Says::Base, Says::Kind, Says::PlannedReturn]
        .map(|says| ScalarUDF::from(Disposition { signature: signature(), says, codes: Arc::clone(&codes) }));
    Ok(functions.to_vec())
}

impl ScalarUDFImpl for Disposition {
    fn name(&self) -> &'static str {
        match self.says {
            Says::Base => "base_disposition",
            Says::Kind => "disposition_kind",
            Says::PlannedReturn => "planned_return",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(match self.says {
            Says::Base | Says::Kind => DataType::Utf8View,
            Says::PlannedReturn => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [given] = arrays.as_slice() else {
            return Err(DataFusionError::Execution(format!("{} takes one argument", self.name())));
        };
        let given = cast(given, &DataType::Utf8View)?;
        let given = given.as_string_view().iter();
        Ok(ColumnarValue::Array(match self.says {
            Says::Base => {
                let found = given.map(|code| code.map(|code| self.codes.base(code)));
                Arc::new(found.collect::<StringViewArray>()) as ArrayRef
            }
            Says::Kind => {
                let found = given.map(|code| code.map(|code| self.codes.kind_of(code)));
                Arc::new(found.collect::<StringViewArray>()) as ArrayRef
            }
            Says::PlannedReturn => {
                let found = given
                    .map(|code| Some(code.is_some_and(|code| self.codes.planned_return.contains_key(code.trim()))));
                Arc::new(found.collect::<BooleanArray>())
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_with_a_planned_return_means_what_its_base_code_means() {
        let codes = Codes::shipped().expect("the shipped file");
        for (given, base, kind) in [
            ("01", "01", "home"),
            ("1", "01", "home"),
            ("81", "01", "home"),
            (" 86 ", "06", "home"),
            ("82", "02", "hospital"),
            ("85", "05", "hospital"),
            ("88", "43", "hospital"),
            ("94", "66", "hospital"),
            ("90", "62", "other"),
            ("7", "07", "against_advice"),
            ("20", "20", "died"),
            ("30", "30", "still_patient"),
            ("Expired", "Expired", "other"),
        ] {
            assert_eq!((codes.base(given).as_str(), codes.kind_of(given)), (base, kind), "{given}");
        }
        // Fifteen codes, 81 to 95, and none of them is another one's base.
        let planned: Vec<String> = (81..=95).map(|code: u32| code.to_string()).collect();
        assert_eq!(codes.planned_return.keys().cloned().collect::<Vec<_>>(), planned);
        assert!(codes.planned_return.values().all(|base| !codes.planned_return.contains_key(base)));
    }
}
