//! Symmetric positive definite systems, with the column named when there is none.

use nalgebra::DMatrix;

use crate::{Result, StatisticsError};

/// A pivot below this share of its column's own length means that the column is a combination of those before it.
const PIVOT: f64 = 1e-10;

/// Returns the inverse of a symmetric positive definite matrix such as `X'X`.
///
/// The matrix is scaled to a unit diagonal first, so that units of measurement do not decide what is collinear.
///
/// # Errors
///
/// [`StatisticsError::Collinear`] with the first column that depends on those before it.
pub(crate) fn inverse(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    let size = matrix.nrows();
    let scale: Vec<f64> = (0..size).map(|column| matrix[(column, column)].sqrt()).collect();
    if let Some(column) = scale.iter().position(|length| !length.is_finite() || *length <= 0.0) {
        return Err(StatisticsError::Collinear { column });
    }
    let scaled = DMatrix::from_fn(size, size, |row, column| matrix[(row, column)] / (scale[row] * scale[column]));
    let mut factor = DMatrix::<f64>::zeros(size, size);
    for column in 0..size {
        for row in column..size {
            let known: f64 = (0..column).map(|inner| factor[(row, inner)] * factor[(column, inner)]).sum();
            let rest = scaled[(row, column)] - known;
            if row > column {
                factor[(row, column)] = rest / factor[(column, column)];
            } else if rest > PIVOT {
                factor[(column, column)] = rest.sqrt();
            } else {
                return Err(StatisticsError::Collinear { column });
            }
        }
    }
    let identity = DMatrix::identity(size, size);
    let half = factor
        .solve_lower_triangular(&identity)
        .ok_or(StatisticsError::NotConverged { what: "the inverse of a matrix" })?;
    let inverse = half.transpose() * half;
    Ok(DMatrix::from_fn(size, size, |row, column| inverse[(row, column)] / (scale[row] * scale[column])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes_the_matrix_whatever_the_units() -> Result<()> {
        let matrix = DMatrix::from_row_slice(3, 3, &[4e12, 2e3, 1.0, 2e3, 3.0, 1e-4, 1.0, 1e-4, 2e-6]);
        let product = inverse(&matrix)? * matrix;
        assert!((product - DMatrix::identity(3, 3)).abs().max() < 1e-6);
        Ok(())
    }

    #[test]
    fn a_dependent_column_is_named() {
        let columns = DMatrix::from_row_slice(4, 3, &[1.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 2.0, 3.0, 1.0, 5.0, 6.0]);
        assert_eq!(inverse(&(columns.transpose() * &columns)), Err(StatisticsError::Collinear { column: 2 }));
        assert_eq!(inverse(&DMatrix::zeros(2, 2)), Err(StatisticsError::Collinear { column: 0 }));
    }
}
