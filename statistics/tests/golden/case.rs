//! Reading a golden file and keeping the score.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use carecoord_statistics::Result;
use carecoord_statistics::intervals::Interval;

/// Closed forms agree to this, relative to the wanted value.
pub const CLOSED_FORM: f64 = 1e-9;

/// One row of a golden file, by column name.
pub struct Row(HashMap<String, String>);

impl Row {
    pub fn text(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// The number in `column`; `None` where the other program gave none.
    pub fn number(&self, column: &str) -> Option<f64> {
        let text = self.text(column);
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    pub fn real(&self, column: &str) -> f64 {
        self.number(column).unwrap()
    }

    pub fn count(&self, column: &str) -> u64 {
        self.text(column).parse().unwrap()
    }

    pub fn size(&self, column: &str) -> usize {
        self.text(column).parse().unwrap()
    }
}

/// The rows of a golden file, such as `rates/mean_input.csv`.
pub fn rows(file: &str) -> Vec<Row> {
    let folder = std::env::var_os("CARECOORD_GOLDEN").map_or_else(|| PathBuf::from("tests/golden"), PathBuf::from);
    rows_at(&folder.join(file))
}

/// The rows of a table with a header.
pub fn rows_at(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let rows: Vec<Row> = reader.deserialize().map(|row| Row(row.unwrap())).collect();
    assert!(!rows.is_empty(), "{} has no rows", path.display());
    rows
}

/// Cases passed and failed of one file.
pub struct Score {
    file: &'static str,
    total: usize,
    failures: Vec<String>,
}

impl Score {
    pub fn of(file: &'static str) -> Self {
        Self { file, total: 0, failures: Vec::new() }
    }

    /// Counts one case; `failure` says what was wrong, or is `None`.
    pub fn case(&mut self, name: &str, failure: Option<String>) {
        self.total += 1;
        self.failures.extend(failure.map(|failure| format!("{name}: {failure}")));
    }

    /// Counts one interval against the wanted value and limits. An interval that the other program refused must be
    /// refused here.
    pub fn interval(&mut self, name: &str, found: &Result<Interval>, value: f64, limits: (Option<f64>, Option<f64>)) {
        let failure = match (found, limits) {
            (Ok(found), (Some(lower), Some(upper))) => {
                let agrees = close(found.value, value) && close(found.lower, lower) && close(found.upper, upper);
                (!agrees).then(|| format!("wanted {value} ({lower}, {upper}), found {found:?}"))
            }
            (Err(_), (None, _) | (_, None)) => None,
            (found, limits) => Some(format!("wanted {limits:?}, found {found:?}")),
        };
        self.case(name, failure);
    }

    /// Fails unless exactly `expected` cases were seen and all passed.
    pub fn all_passed(self, expected: usize) {
        let passed = self.total - self.failures.len();
        assert!(
            self.failures.is_empty() && self.total == expected,
            "{}: {passed}/{} cases passed, {expected} cases expected\n{}",
            self.file,
            self.total,
            self.failures.join("\n")
        );
    }
}

/// Whether two numbers agree as closed forms should. Where a limit is 0 the other programs may be left with the rounding
/// of a subtraction, such as 3e-17.
pub fn close(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= CLOSED_FORM * wanted.abs() + 1e-15
}

/// How many cases a file must have: `own` in the copy beside this file, whatever it holds when it was swapped for another.
pub fn cases(own: usize, in_file: usize) -> usize {
    if std::env::var_os("CARECOORD_GOLDEN").is_some() { in_file } else { own }
}
