//! Tail probabilities: the p-values of tests.

use statrs::function::gamma;

use super::incomplete_beta::beta_regularised;
use crate::{Result, StatisticsError};

/// Returns the probability that a standard normal variable exceeds `|z|` in absolute value.
///
/// Its square is chi-squared on one degree of freedom, whose tail keeps all digits; `erfc` of `statrs` is right to 1e-10.
pub(crate) fn normal_both_tails(z: f64) -> Result<f64> {
    chi_square_upper(1.0, z * z)
}

/// Returns the probability that a Student variable on `freedom` degrees of freedom exceeds `|t|` in absolute value.
///
/// Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.5.27 and 26.7.1.
pub(crate) fn t_both_tails(freedom: f64, t: f64) -> Result<f64> {
    let square = t * t;
    if !square.is_finite() {
        return Ok(0.0);
    }
    beta_regularised(freedom / 2.0, 0.5, freedom / (freedom + square), square / (freedom + square))
}

/// Returns the probability that a variable of the F distribution exceeds `f`.
///
/// Source: Abramowitz & Stegun, 26.6.2.
pub(crate) fn f_upper(over: f64, under: f64, f: f64) -> Result<f64> {
    let share = over * f;
    if !share.is_finite() {
        return Ok(0.0);
    }
    beta_regularised(under / 2.0, over / 2.0, under / (under + share), share / (under + share))
}

/// Returns the probability that a chi-squared variable on `freedom` degrees of freedom exceeds `x`.
pub(crate) fn chi_square_upper(freedom: f64, x: f64) -> Result<f64> {
    if x <= 0.0 {
        return Ok(1.0);
    }
    if x == f64::INFINITY {
        return Ok(0.0);
    }
    gamma::checked_gamma_ur(freedom / 2.0, x / 2.0)
        .ok()
        .filter(|p| !p.is_nan())
        .ok_or(StatisticsError::NotConverged { what: "a tail of the chi-squared distribution" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_with_a_closed_form() -> Result<()> {
        let close = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 1e-12, "{found:e} {wanted:e}");
        close(normal_both_tails(-1.959_963_984_540_054)?, 0.05);
        close(normal_both_tails(10.0)?, 1.523_970_604_832_105e-23);
        close(normal_both_tails(0.0)?, 1.0);
        for t in [0.1_f64, 1.0, 30.0] {
            close(t_both_tails(1.0, t)?, t.recip().atan() * std::f64::consts::FRAC_2_PI);
            close(f_upper(1.0, 7.0, t * t)?, t_both_tails(7.0, t)?);
            close(f_upper(2.0, 8.0, t)?, (1.0 + t / 4.0).powi(-4));
            close(chi_square_upper(2.0, t)?, (-t / 2.0).exp());
        }
        Ok(())
    }
}
