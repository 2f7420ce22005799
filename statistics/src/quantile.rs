//! Quantiles of the normal, t, gamma and beta distributions, to about 1e-12.
//!
//! The distribution functions come from `statrs` where it is exact enough. Its own quantiles are not used: the
//! incomplete beta function behind them stops after 140 terms, too few for a large denominator, and says nothing. Here
//! each quantile is the root of a tail probability, bracketed, and a search that does not settle is an error.

mod incomplete_beta;
pub(crate) mod root;
mod tail;

use statrs::function::{erf::erfc_inv, gamma};

use self::incomplete_beta::beta_regularised;
use self::root::root;
pub(crate) use self::tail::{chi_square_upper, f_upper, normal_both_tails, t_both_tails};
use crate::{Result, StatisticsError};

/// Above these degrees of freedom the expansion of t about the normal is exact to 1e-12, while the fraction behind the
/// beta function would need more and more terms.
const T_EXPANSION_FROM: f64 = 10_000.0;

/// Returns the `z` that a standard normal variable exceeds in absolute value with probability `error`, in (0, 1].
pub(crate) fn normal_two_sided(error: f64) -> f64 {
    // max: a probability of 1 gives -0.0.
    (std::f64::consts::SQRT_2 * erfc_inv(error)).max(0.0)
}

/// Returns the `t` that a Student variable on `freedom` degrees of freedom exceeds in absolute value with probability
/// `error`.
pub(crate) fn t_two_sided(freedom: f64, error: f64) -> Result<f64> {
    let z = normal_two_sided(error);
    if freedom > T_EXPANSION_FROM {
        return Ok(t_about_normal(freedom, z));
    }
    // P(|T| > t) = I(ν/(ν + t²); ν/2, 1/2): Abramowitz & Stegun 26.5.27 and 26.7.1.
    let tail = |t: f64| {
        let square = t * t;
        beta_regularised(freedom / 2.0, 0.5, freedom / (freedom + square), square / (freedom + square))
    };
    let mut high = 2.0 * z + 1.0;
    while tail(high)? > error {
        high *= 2.0;
        if !high.is_finite() {
            return Err(StatisticsError::NotConverged { what: "a quantile of the t distribution" });
        }
    }
    root("a quantile of the t distribution", 0.0, high, |t| Ok(error - tail(t)?))
}

/// The expansion of a t quantile in powers of `1/ν`: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.5.
fn t_about_normal(freedom: f64, z: f64) -> f64 {
    let s = z * z;
    let g1 = z * (s + 1.0) / 4.0;
    let g2 = z * ((5.0 * s + 16.0) * s + 3.0) / 96.0;
    let g3 = z * (((3.0 * s + 19.0) * s + 17.0) * s - 15.0) / 384.0;
    z + (g1 + (g2 + g3 / freedom) / freedom) / freedom
}

/// Returns the quantile of a gamma distribution of shape `shape` and scale 1 with probability `tail`, at most 0.5,
/// below it.
pub(crate) fn gamma_lower(shape: f64, tail: f64) -> Result<f64> {
    let what = "a quantile of the gamma distribution";
    let below = |x: f64| if x <= 0.0 { Ok(0.0) } else { converged(what, gamma::checked_gamma_lr(shape, x).ok()) };
    // The median lies below the mean, which is the shape.
    root(what, 0.0, shape, |x| Ok(below(x)? - tail))
}

/// Returns the quantile of a gamma distribution of shape `shape` (at least 1) and scale 1 with probability `tail`, at
/// most 0.5, above it.
pub(crate) fn gamma_upper(shape: f64, tail: f64) -> Result<f64> {
    let what = "a quantile of the gamma distribution";
    let above = |x: f64| if x <= 0.0 { Ok(1.0) } else { converged(what, gamma::checked_gamma_ur(shape, x).ok()) };
    let mut high = shape + 10.0 * shape.sqrt();
    while above(high)? > tail {
        high *= 2.0;
    }
    // The median lies above the mode, which is one below the shape.
    root(what, shape - 1.0, high, |x| Ok(tail - above(x)?))
}

/// Returns the quantile of a beta distribution with probability `tail`, at most 0.5, below it.
pub(crate) fn beta_lower(a: f64, b: f64, tail: f64) -> Result<f64> {
    root("a quantile of the beta distribution", 0.0, 1.0, |x| Ok(beta_regularised(a, b, x, 1.0 - x)? - tail))
}

/// Returns the quantile of a beta distribution with probability `tail`, at most 0.5, above it.
pub(crate) fn beta_upper(a: f64, b: f64, tail: f64) -> Result<f64> {
    // Sought as itself rather than as 1 minus the mirrored quantile, so that a tiny quantile keeps its digits.
    root("a quantile of the beta distribution", 0.0, 1.0, |x| Ok(tail - beta_regularised(b, a, 1.0 - x, x)?))
}

fn converged(what: &'static str, probability: Option<f64>) -> Result<f64> {
    probability.filter(|p| !p.is_nan()).ok_or(StatisticsError::NotConverged { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) {
        assert!((found / wanted - 1.0).abs() < 1e-12, "found {found:e}, wanted {wanted:e}");
    }

    #[test]
    fn quantiles_with_a_closed_form() -> Result<()> {
        close(normal_two_sided(0.05), 1.959_963_984_540_054);
        for error in [0.5, 0.1, 0.05, 0.002, 1e-9] {
            // One degree of freedom is the Cauchy distribution; two have an algebraic quantile.
            close(t_two_sided(1.0, error)?, (std::f64::consts::PI * error / 2.0).tan().recip());
            let p = 1.0 - error / 2.0;
            if error > 1e-4 {
                close(t_two_sided(2.0, error)?, (2.0 * p - 1.0) * (2.0 / (4.0 * p * (1.0 - p))).sqrt());
            }
            close(gamma_upper(1.0, error / 2.0)?, -(error / 2.0).ln());
            close(gamma_lower(1.0, error / 2.0)?, -(-error / 2.0).ln_1p());
            close(beta_lower(1.0, 7.0, error / 2.0)?, -((-error / 2.0).ln_1p() / 7.0).exp_m1());
            close(beta_lower(7.0, 1.0, error / 2.0)?, (error / 2.0).powf(1.0 / 7.0));
        }
        Ok(())
    }

    #[test]
    fn both_ways_to_a_t_quantile_agree_where_they_meet() -> Result<()> {
        for error in [0.5, 0.1, 0.05, 0.002, 1e-6] {
            let searched = t_two_sided(T_EXPANSION_FROM, error)?;
            let expanded = t_about_normal(T_EXPANSION_FROM, normal_two_sided(error));
            assert!((searched / expanded - 1.0).abs() < 1e-11, "{error}: {searched} {expanded}");
        }
        Ok(())
    }
}
