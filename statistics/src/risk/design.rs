//! The design matrix: patients in rows, what is known of them in columns.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::{Result, StatisticsError};

/// Numbers larger than this would overflow when squared and added up.
const LARGEST: f64 = 1e100;

/// A design matrix lent by the caller: rows one after the other, each with the same number of columns.
///
/// Nothing is added to it: a model with an intercept has a column of ones.
#[derive(Debug, Clone, Copy)]
pub struct Design<'a> {
    values: &'a [f64],
    columns: usize,
}

impl<'a> Design<'a> {
    /// Reads `values` as rows of `columns` numbers each (row-major).
    ///
    /// # Errors
    ///
    /// [`StatisticsError::Empty`] without rows or columns; [`StatisticsError::LengthMismatch`] when the last row is not
    /// complete; [`StatisticsError::ValueNotFinite`] with the position in `values`; [`StatisticsError::OutOfRange`] for a
    /// number beyond ±1e100, whose square could overflow.
    ///
    /// ```
    /// use carecoord_statistics::risk::Design;
    /// let two_patients = [1.0, 67.0, 1.0, 81.0];
    /// assert!(Design::new(&two_patients, 2).is_ok_and(|design| design.rows() == 2));
    /// assert!(Design::new(&two_patients, 3).is_err());
    /// ```
    pub fn new(values: &'a [f64], columns: usize) -> Result<Self> {
        if values.is_empty() || columns == 0 {
            return Err(StatisticsError::Empty { what: "a design matrix" });
        }
        if !values.len().is_multiple_of(columns) {
            let expected = (values.len() / columns + 1).saturating_mul(columns);
            return Err(StatisticsError::LengthMismatch { what: "the design matrix", found: values.len(), expected });
        }
        if let Some(index) = values.par_iter().position_first(|value| !(-LARGEST..=LARGEST).contains(value)) {
            let value = values[index];
            return Err(if value.is_finite() {
                let range = "between -1e100 and 1e100";
                StatisticsError::OutOfRange { what: "a value of the design matrix", value, range }
            } else {
                StatisticsError::ValueNotFinite { index, value }
            });
        }
        Ok(Self { values, columns })
    }

    /// The number of rows, at least 1.
    pub const fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// The number of columns, at least 1.
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row by row.
    pub const fn values(&self) -> &'a [f64] {
        self.values
    }

    /// The rows in order.
    pub fn iter_rows(&self) -> impl Iterator<Item = &'a [f64]> + use<'a> {
        self.values.chunks_exact(self.columns)
    }

    /// The sum of coefficient times value of each row: for a logistic model, the log odds.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::LengthMismatch`] unless there is one coefficient a column; [`StatisticsError::ValueNotFinite`].
    pub fn linear_predictor(&self, coefficients: &[f64]) -> Result<Vec<f64>> {
        super::same_length("the coefficients", coefficients.len(), self.columns)?;
        if let Some((index, &value)) = coefficients.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(StatisticsError::ValueNotFinite { index, value });
        }
        let predictor: Vec<f64> = self.values.par_chunks(self.columns).map(|row| dot(row, coefficients)).collect();
        match predictor.iter().find(|value| !value.is_finite()) {
            Some(&value) => Err(StatisticsError::NotFinite { what: "a linear predictor", value }),
            None => Ok(predictor),
        }
    }
}

/// The sum of products of two slices of one length.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A design matrix with the names of its columns.
#[derive(Debug, Clone, PartialEq)]
pub struct DesignMatrix {
    names: Vec<String>,
    values: Vec<f64>,
}

impl DesignMatrix {
    /// The names of the columns: `(Intercept)`, a number's own name, or a factor's name followed by the level.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The matrix itself.
    pub fn design(&self) -> Design<'_> {
        Design { values: &self.values, columns: self.names.len() }
    }
}

/// Puts a design matrix together, term by term.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::DesignBuilder;
/// let matrix = DesignBuilder::new(3)
///     .intercept()
///     .number("age", &[67.0, 81.0, 74.0])?
///     .factor("payer", &["medicare", "dual", "commercial"], "commercial")?
///     .build()?;
/// assert_eq!(matrix.names(), ["(Intercept)", "age", "payerdual", "payermedicare"]);
/// assert_eq!(matrix.design().iter_rows().next(), Some(&[1.0, 67.0, 0.0, 1.0][..]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DesignBuilder {
    rows: usize,
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
}

impl DesignBuilder {
    /// Begins a design of `rows` rows without columns.
    pub const fn new(rows: usize) -> Self {
        Self { rows, names: Vec::new(), columns: Vec::new() }
    }

    /// Adds a column of ones.
    #[must_use]
    pub fn intercept(mut self) -> Self {
        self.names.push("(Intercept)".to_owned());
        self.columns.push(vec![1.0; self.rows]);
        self
    }

    /// Adds a number as it is.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::LengthMismatch`] unless there is one value a row.
    pub fn number(mut self, name: &str, values: &[f64]) -> Result<Self> {
        super::same_length("a column of the design matrix", values.len(), self.rows)?;
        self.names.push(name.to_owned());
        self.columns.push(values.to_vec());
        Ok(self)
    }

    /// Adds a factor as dummy columns: one of 0 and 1 for each level but `reference`, in the order of the levels' names.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::LengthMismatch`] unless there is one value a row; [`StatisticsError::NotComputable`] when the
    /// reference does not occur, or nothing else does.
    pub fn factor<L: AsRef<str>>(mut self, name: &str, values: &[L], reference: &str) -> Result<Self> {
        super::same_length("a column of the design matrix", values.len(), self.rows)?;
        let mut levels: BTreeSet<&str> = values.iter().map(AsRef::as_ref).collect();
        let refused = |because| Err(StatisticsError::NotComputable { what: "the dummy coding of a factor", because });
        if !levels.remove(reference) {
            return refused("the reference level does not occur among its values");
        }
        if levels.is_empty() {
            return refused("every row has the reference level");
        }
        for level in levels {
            self.names.push(format!("{name}{level}"));
            self.columns.push(values.iter().map(|value| f64::from(u8::from(value.as_ref() == level))).collect());
        }
        Ok(self)
    }

    /// Joins the columns to a matrix.
    ///
    /// # Errors
    ///
    /// As [`Design::new`].
    pub fn build(self) -> Result<DesignMatrix> {
        let mut values = Vec::with_capacity(self.rows.saturating_mul(self.columns.len()));
        for row in 0..self.rows {
            values.extend(self.columns.iter().map(|column| column[row]));
        }
        Design::new(&values, self.names.len())?;
        Ok(DesignMatrix { names: self.names, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_design_is_complete_and_finite() {
        assert!(matches!(Design::new(&[], 2), Err(StatisticsError::Empty { .. })));
        assert!(matches!(Design::new(&[1.0], 0), Err(StatisticsError::Empty { .. })));
        assert!(matches!(
            Design::new(&[1.0, 2.0, 3.0], 2),
            Err(StatisticsError::LengthMismatch { found: 3, expected: 4, .. })
        ));
        assert!(matches!(Design::new(&[1.0, f64::NAN], 1), Err(StatisticsError::ValueNotFinite { index: 1, .. })));
        assert!(matches!(Design::new(&[1e101], 1), Err(StatisticsError::OutOfRange { .. })));
        assert!(DesignBuilder::new(0).intercept().build().is_err());
    }

    #[test]
    fn a_factor_needs_its_reference_and_another_level() {
        let values = ["F", "M"];
        assert!(DesignBuilder::new(2).factor("sex", &values, "X").is_err());
        assert!(DesignBuilder::new(2).factor("sex", &["F", "F"], "F").is_err());
        assert!(DesignBuilder::new(3).factor("sex", &values, "F").is_err());
    }
}
