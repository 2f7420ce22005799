//! Texts as numbers: groups, organizations and people are counted by code, and named again when rates are made.

use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::{Array, ArrayRef, StringViewArray, UInt32Array};
use datafusion::common::HashMap;

use crate::rates::UNKNOWN;

/// The code of a text that the data do not say.
pub const NONE: u32 = u32::MAX;
/// The code of [`UNKNOWN`], which every dictionary holds.
pub const UNKNOWN_CODE: u32 = 0;

/// Texts by code. It is shared by all threads of a run, so that one text has one code whichever group of patients it comes from.
#[derive(Debug)]
pub struct Dictionary(RwLock<Texts>);

#[derive(Debug, Default)]
struct Texts {
    codes: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Texts {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let code = u32::try_from(self.texts.len()).unwrap_or(NONE);
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.codes.insert(text, code);
        code
    }
}

impl Default for Dictionary {
    fn default() -> Self {
        let mut texts = Texts::default();
        texts.code(UNKNOWN);
        Self(RwLock::new(texts))
    }
}

impl Dictionary {
    /// The codes of a column, [`NONE`] for null.
    #[must_use]
    pub fn codes(&self, column: &StringViewArray) -> Vec<u32> {
        let mut codes = Vec::with_capacity(column.len());
        let mut new = Vec::new();
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            // Equal views of one column are equal texts, and often follow one another.
            let mut last: Option<(u128, u32)> = None;
            for (row, view) in column.views().iter().enumerate() {
                let code = match last {
                    _ if column.is_null(row) => NONE,
                    Some((of, code)) if of == *view => code,
                    _ => match known.codes.get(column.value(row)) {
                        Some(code) => {
                            last = Some((*view, *code));
                            *code
                        }
                        None => {
                            new.push(row);
                            NONE
                        }
                    },
                };
                codes.push(code);
            }
        }
        if !new.is_empty() {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for row in new {
                codes[row] = known.code(column.value(row));
            }
        }
        codes
    }

    /// The code of one text.
    #[must_use]
    pub fn code(&self, text: &str) -> u32 {
        self.0.write().unwrap_or_else(PoisonError::into_inner).code(text)
    }

    /// All texts, by code.
    #[must_use]
    pub fn texts(&self) -> Vec<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).texts.clone()
    }

    /// The texts of codes as a column.
    #[must_use]
    pub fn column(&self, codes: &[u32]) -> ArrayRef {
        let texts = StringViewArray::from_iter_values(self.texts());
        let codes: UInt32Array = codes.iter().map(|code| (*code != NONE).then_some(*code)).collect();
        arrow::compute::take(&texts, &codes, None)
            .unwrap_or_else(|_| arrow::array::new_null_array(texts.data_type(), codes.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;

    #[test]
    fn a_text_has_one_code_and_null_has_none() {
        let dictionary = Dictionary::default();
        let column = StringViewArray::from(vec![Some("b"), None, Some("a"), Some("b"), Some("unknown")]);
        let codes = dictionary.codes(&column);
        assert_eq!(codes, [1, NONE, 2, 1, UNKNOWN_CODE]);
        assert_eq!(dictionary.codes(&column), codes);
        assert_eq!(dictionary.column(&codes).as_string_view(), &column);
    }
}
