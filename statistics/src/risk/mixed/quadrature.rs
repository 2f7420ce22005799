//! Gauss–Hermite rules for the standard normal distribution.

use nalgebra::DMatrix;

use crate::{Result, StatisticsError};

/// The largest number of points; above it the weights of the outer points are below what a double can hold.
const MOST_POINTS: u32 = 100;

/// Points `z` and the logarithms of `weight · exp(z²/2)`, as adaptive quadrature uses them: the weights sum to 1.
pub(in crate::risk) struct Rule {
    pub points: Vec<f64>,
    pub log_weights: Vec<f64>,
}

impl Rule {
    /// Computes the rule with `points` points.
    ///
    /// The points are the eigenvalues of the Jacobi matrix of the Hermite polynomials, improved by Newton's method; the
    /// weights follow from the polynomials at the points. Source: Golub GH, Welsch JH. Calculation of Gauss quadrature
    /// rules. Math Comp 1969;23:221–230.
    pub fn new(points: u32) -> Result<Self> {
        if points == 0 || points > MOST_POINTS {
            let (what, value) = ("the number of quadrature points", f64::from(points));
            return Err(StatisticsError::OutOfRange { what, value, range: "from 1 to 100" });
        }
        let size = points as usize;
        let jacobi = DMatrix::from_fn(size, size, |row, column| match (row.max(column), row.abs_diff(column)) {
            (larger, 1) => (larger as f64).sqrt(),
            _ => 0.0,
        });
        let mut roots: Vec<f64> = jacobi.symmetric_eigenvalues().iter().copied().collect();
        roots.sort_by(f64::total_cmp);
        for index in 0..size / 2 {
            let root = (0..3).fold(roots[size - 1 - index], |z, _| {
                let (value, before, _) = polynomials(z, size);
                z - value / ((size as f64).sqrt() * before)
            });
            (roots[index], roots[size - 1 - index]) = (-root, root);
        }
        if size % 2 == 1 {
            roots[size / 2] = 0.0;
        }
        let log_weights = roots.iter().map(|&z| z * z / 2.0 - polynomials(z, size).2.ln()).collect();
        Ok(Self { points: roots, log_weights })
    }
}

/// The orthonormal Hermite polynomials of degree `size` and `size - 1` at `z`, and the sum of squares of all below `size`.
fn polynomials(z: f64, size: usize) -> (f64, f64, f64) {
    let (mut before, mut value, mut squares) = (0.0, 1.0, 0.0);
    for degree in 0..size {
        squares += value * value;
        let next = (z * value - (degree as f64).sqrt() * before) / ((degree + 1) as f64).sqrt();
        (before, value) = (value, next);
    }
    (value, before, squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_integrates_moments_of_the_normal_exactly() -> Result<()> {
        for points in [1_u32, 2, 3, 9, 10, 25, 60, 100] {
            let rule = Rule::new(points)?;
            let moment = |power: i32| -> f64 {
                let terms = rule.points.iter().zip(&rule.log_weights);
                terms.map(|(z, weight)| (weight - z * z / 2.0).exp() * z.powi(power)).sum()
            };
            assert!((moment(0) - 1.0).abs() < 1e-13, "{points}");
            assert!(moment(1).abs() < 1e-13);
            if points >= 5 {
                assert!((moment(2) - 1.0).abs() < 1e-12 && (moment(8) / 105.0 - 1.0).abs() < 1e-11, "{points}");
            }
        }
        assert!(Rule::new(0).is_err() && Rule::new(101).is_err());
        Ok(())
    }
}
