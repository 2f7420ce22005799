//! Coefficients with their uncertainty.

use nalgebra::DMatrix;
use statrs::function::erf::erfc;

use crate::intervals::{Interval, Method, two_sided_error};
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// One coefficient of a logistic model, in log odds per unit of its column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficient {
    /// The estimate: a log odds ratio, or log odds for the intercept.
    pub estimate: f64,
    /// Its standard error, above 0.
    pub standard_error: f64,
    /// The estimate over its standard error.
    pub z: f64,
    /// Two-sided probability of a `z` this far from 0, by the normal distribution (Wald's test).
    pub p_value: f64,
}

impl Coefficient {
    pub(super) fn new(estimate: f64, standard_error: f64) -> Self {
        let z = estimate / standard_error;
        Self { estimate, standard_error, z, p_value: erfc(z.abs() / std::f64::consts::SQRT_2) }
    }

    /// Returns Wald's interval of the coefficient, `estimate ± z SE`; its exponential is that of the odds ratio.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::ConfidenceOutOfRange`]; [`StatisticsError::NotFinite`] on overflow.
    pub fn wald(&self, confidence: f64) -> Result<Interval> {
        let reach = normal_two_sided(two_sided_error(confidence)?) * self.standard_error;
        Interval::checked(self.estimate, self.estimate - reach, self.estimate + reach, confidence, Method::Wald)
    }

    /// The coefficients with the estimates and the variances of `covariance`.
    pub(super) fn table(estimates: &[f64], covariance: &Covariance) -> Result<Vec<Self>> {
        let errors = covariance.standard_errors();
        let table: Vec<_> = estimates.iter().zip(errors).map(|(&estimate, error)| Self::new(estimate, error)).collect();
        match table.iter().find(|coefficient| !(coefficient.z.is_finite() && coefficient.standard_error > 0.0)) {
            Some(odd) => Err(StatisticsError::NotFinite { what: "a standard error", value: odd.standard_error }),
            None => Ok(table),
        }
    }
}

/// A symmetric matrix of covariances of coefficients, in the order of the design's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    size: usize,
    values: Vec<f64>,
}

impl Covariance {
    pub(super) fn of(matrix: &DMatrix<f64>) -> Self {
        // A symmetric matrix reads the same by rows and by columns.
        Self { size: matrix.nrows(), values: matrix.as_slice().to_vec() }
    }

    pub(super) fn matrix(&self) -> DMatrix<f64> {
        DMatrix::from_row_slice(self.size, self.size, &self.values)
    }

    /// The number of coefficients.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// The covariance of two coefficients by position; `None` outside the matrix.
    pub fn get(&self, row: usize, column: usize) -> Option<f64> {
        if row >= self.size || column >= self.size {
            return None;
        }
        self.values.get(row * self.size + column).copied()
    }

    /// All covariances, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The square roots of the variances.
    pub fn standard_errors(&self) -> Vec<f64> {
        self.values.iter().step_by(self.size + 1).map(|variance| variance.sqrt()).collect()
    }
}
