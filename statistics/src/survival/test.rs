//! The outcome of a test that is compared with the chi-square distribution.

use nalgebra::{DMatrix, DVector};
use statrs::function::gamma::checked_gamma_ur;

use crate::linear::inverse;
use crate::{Result, StatisticsError};

/// A chi-square statistic with its degrees of freedom and the probability of one at least as large by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquareTest {
    /// The statistic, 0 or above.
    pub statistic: f64,
    /// Degrees of freedom, 1 or above.
    pub degrees_of_freedom: u64,
    /// Probability, from 0 to 1, of a statistic at least this large when there is no difference.
    pub p_value: f64,
}

impl ChiSquareTest {
    pub(super) fn new(statistic: f64, degrees_of_freedom: u64) -> Result<Self> {
        if !statistic.is_finite() {
            return Err(StatisticsError::NotFinite { what: "a chi-square statistic", value: statistic });
        }
        // A quadratic form that is zero may be left a rounding below it.
        let statistic = statistic.max(0.0);
        let p_value = if statistic > 0.0 {
            checked_gamma_ur(degrees_of_freedom as f64 / 2.0, statistic / 2.0)
                .ok()
                .filter(|p| !p.is_nan())
                .ok_or(StatisticsError::NotConverged { what: "the tail of the chi-square distribution" })?
        } else {
            1.0
        };
        Ok(Self { statistic, degrees_of_freedom, p_value: p_value.clamp(0.0, 1.0) })
    }

    /// The test of scores that add up to zero: `u' V⁻¹ u` over all of them but the last, which tells nothing new.
    ///
    /// `None` when their variance cannot be inverted.
    pub(super) fn of_scores(scores: &[f64], variance: &DMatrix<f64>) -> Option<Result<Self>> {
        let free = scores.len().checked_sub(1).filter(|free| *free > 0)?;
        let inverse = inverse(&variance.view((0, 0), (free, free)).into_owned()).ok()?;
        let scores = DVector::from_column_slice(&scores[..free]);
        Some(Self::new(scores.dot(&(inverse * &scores)), free as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_degrees_of_freedom_have_a_closed_form() -> Result<()> {
        for statistic in [1e-12, 0.5, 2.0, 13.0, 200.0] {
            let test = ChiSquareTest::new(statistic, 2)?;
            let wanted = (-statistic / 2.0).exp();
            assert!((test.p_value / wanted - 1.0).abs() < 1e-12, "{test:?} {wanted}");
        }
        assert!(ChiSquareTest::new(0.0, 3)?.p_value >= 1.0);
        assert!(ChiSquareTest::new(1e6, 1)?.p_value <= 0.0);
        assert!(ChiSquareTest::new(f64::NAN, 1).is_err());
        Ok(())
    }
}
