//! How numbers and dates are written: a file, American English unless another is named.
//!
//! Every text of a report is made within [`Locale::scope`], on threads that know the locale: so what formats a number need
//! not be handed it through every function, and two reports at once do not disturb each other.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{ReportError, Result};

const EN_US: &str = include_str!("../locales/en-US.toml");

/// How a report writes numbers and dates. Its words are English in any.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locale {
    pub(crate) numbers: Numbers,
    pub(crate) dates: Dates,
}

/// Separators of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Numbers {
    /// Between thousands; may be empty.
    pub group: String,
    /// Before decimals.
    pub decimal: String,
}

/// Names and patterns of dates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dates {
    pub months: [String; 12],
    pub short_months: [String; 12],
    pub day: String,
    pub month: String,
    pub quarter: String,
}

thread_local! {
    static CURRENT: RefCell<Arc<Locale>> = RefCell::new(Arc::new(Locale::default()));
}

impl Default for Locale {
    fn default() -> Self {
        // The file is part of the program, and a test reads it.
        toml::from_str(EN_US).unwrap_or_else(|error| unreachable!("{error}"))
    }
}

impl Locale {
    /// Reads a locale file.
    ///
    /// # Errors
    /// When it cannot be read, lacks something, or would make numbers or dates that cannot be told apart.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |reason: String| ReportError::Locale { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let locale: Self = toml::from_str(&text).map_err(|error| failed(error.to_string()))?;
        locale.check().map_err(failed)?;
        Ok(locale)
    }

    fn check(&self) -> std::result::Result<(), String> {
        let Numbers { group, decimal } = &self.numbers;
        let plain =
            |text: &str| !text.contains(|letter: char| letter.is_alphanumeric() || "-−+%<>&\"".contains(letter));
        if decimal.chars().count() != 1 || !plain(decimal) {
            return Err("numbers.decimal must be one sign, such as a point or a comma".to_owned());
        }
        if group.chars().count() > 1 || !plain(group) || group == decimal {
            return Err("numbers.group must be one sign or empty, and not that before decimals".to_owned());
        }
        let Dates { day, month, quarter, .. } = &self.dates;
        for (name, pattern, wanted) in [
            ("day", day, &["{day}", "{month}", "{year}"][..]),
            ("month", month, &["{month}", "{year}"]),
            ("quarter", quarter, &["{quarter}", "{year}"]),
        ] {
            if let Some(missing) = wanted.iter().find(|part| !pattern.contains(**part)) {
                return Err(format!("dates.{name} lacks {missing}"));
            }
        }
        for (name, names) in [("months", &self.dates.months), ("short_months", &self.dates.short_months)] {
            let mut sorted: Vec<&String> = names.iter().collect();
            sorted.sort_unstable();
            if names.iter().any(|one| one.trim().is_empty()) || sorted.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(format!("dates.{name} must be twelve different names"));
            }
        }
        Ok(())
    }

    /// Does the work on threads of its own, all of which write as this locale says.
    ///
    /// # Errors
    /// When the system gives no threads, or the work fails.
    pub(crate) fn scope<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let locale = Arc::new(self.clone());
        let pool = rayon::ThreadPoolBuilder::new()
            .start_handler(move |_| {
                CURRENT.with(|current| current.replace(Arc::clone(&locale)));
            })
            .build()
            .map_err(|error| ReportError::Threads { reason: error.to_string() })?;
        pool.install(work)
    }

    /// The locale of this thread.
    pub(crate) fn current() -> Arc<Self> {
        CURRENT.with(|current| Arc::clone(&current.borrow()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_that_could_be_misread_is_refused() {
        assert!(Locale::default().check().is_ok());
        let refused = |change: fn(&mut Locale)| {
            let mut locale = Locale::default();
            change(&mut locale);
            locale.check().expect_err("refused")
        };
        assert!(refused(|one| one.numbers.decimal = ",".to_owned()).contains("numbers.group"));
        assert!(refused(|one| one.numbers.decimal = "0".to_owned()).contains("numbers.decimal"));
        assert!(refused(|one| one.numbers.group = "--".to_owned()).contains("numbers.group"));
        assert!(refused(|one| one.dates.month = "{month}".to_owned()).contains("{year}"));
        assert!(refused(|one| one.dates.short_months[1] = "Jan".to_owned()).contains("short_months"));
    }
}
