//! The incomplete beta function, from which the beta and t distributions follow.

use std::f64::consts::PI;

use statrs::function::gamma::ln_gamma;

use crate::{Result, StatisticsError};

/// Enough for any count within the exact limit: the number of terms grows with the square root of the parameters.
const MOST_TERMS: u32 = 2_000_000;

/// The regularised incomplete beta function `I(x; a, b)`, with `y = 1 - x` given apart so that neither loses digits.
pub(super) fn beta_regularised(a: f64, b: f64, x: f64, y: f64) -> Result<f64> {
    if x <= 0.0 {
        return Ok(0.0);
    }
    if y <= 0.0 {
        return Ok(1.0);
    }
    // The fraction converges fast on the near side of the mean; the far side is its mirror image.
    if x > (a + 1.0) / (a + b + 2.0) {
        return Ok(1.0 - front(b, a, y, x) / fraction(b, a, y, x)?);
    }
    Ok(front(a, b, x, y) / fraction(a, b, x, y)?)
}

/// The front factor `x^a y^b / B(a, b)`.
///
/// With large parameters its logarithm is a small difference of huge terms. Those that cancel are taken out on paper, as
/// in Loader C. Fast and accurate computation of binomial probabilities. 2000: what is left is the distance from the
/// mean `a / (a + b)`, and what Stirling's formula leaves of each gamma function.
fn front(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let sum = a + b;
    // From the smaller side, which holds more digits of the distance.
    let from_mean = if x < y { x - a / sum } else { b / sum - y };
    let distance = a * ln_minus(x * sum / a, from_mean * sum / a) + b * ln_minus(y * sum / b, -from_mean * sum / b);
    let stirling = stirling_rest(sum) - stirling_rest(a) - stirling_rest(b);
    (distance + stirling).exp() * (a / sum * b / (2.0 * PI)).sqrt()
}

/// `ln(1 + u) - u`, without cancellation for `u` near 0 nor, as `ratio` is `1 + u`, for `u` near -1.
fn ln_minus(ratio: f64, u: f64) -> f64 {
    if u.abs() > 0.1 {
        return ratio.ln() - u;
    }
    // Eighteen terms of the series leave 1e-18 of the first at 0.1.
    (2..20).rev().fold(0.0, |sum, k| 1.0 / f64::from(k) - u * sum) * -u * u
}

/// What Stirling's formula leaves of `ln Γ(a)`: Abramowitz & Stegun, Handbook of Mathematical Functions, 6.1.40.
fn stirling_rest(a: f64) -> f64 {
    if a < 10.0 {
        return ln_gamma(a) - ((a - 0.5) * a.ln() - a + 0.5 * (2.0 * PI).ln());
    }
    let s = (a * a).recip();
    (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0)))) / a
}

/// The continued fraction by which the front factor is divided: `DiDonato` AR, Morris AH. Algorithm 708. ACM Trans Math
/// Softw 1992;18:360–373. It is summed by the modified Lentz method (Thompson IJ, Barnett AR. J Comput Phys
/// 1986;64:490–509). Written in both `x` and `y`, it adds where the more usual form subtracts nearly equal numbers.
fn fraction(a: f64, b: f64, x: f64, y: f64) -> Result<f64> {
    let away_from_zero = |v: f64| if v.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { v };
    let from_mean = a * y - b * x + 1.0;
    let mut fraction = away_from_zero(a * from_mean / (a + 1.0));
    let (mut over, mut under) = (fraction, 0.0);
    for term in 1..=MOST_TERMS {
        let place = f64::from(term);
        let step = a + 2.0 * place;
        let numerator =
            place * (a + place - 1.0) / (step - 1.0) * ((a + b + place - 1.0) / (step - 1.0)) * (b - place) * x * x;
        let denominator = place
            + place * (b - place) * x / (step - 1.0)
            + (a + place) * (from_mean + place * (1.0 + y)) / (step + 1.0);
        under = 1.0 / away_from_zero(denominator + numerator * under);
        over = away_from_zero(denominator + numerator / over);
        let change = over * under;
        fraction *= change;
        if (change - 1.0).abs() <= 2.0 * f64::EPSILON {
            return Ok(fraction);
        }
    }
    Err(StatisticsError::NotConverged { what: "the incomplete beta function" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_hold() -> Result<()> {
        for x in [1e-30_f64, 1e-12, 0.001, 0.2, 0.5, 0.77, 0.999] {
            for k in [1.0, 2.0, 9.0, 10.0, 300.0] {
                let wanted = -(k * (-x).ln_1p()).exp_m1();
                assert!((beta_regularised(1.0, k, x, 1.0 - x)? / wanted - 1.0).abs() < 1e-12, "{x} {k}");
                let mirrored = 1.0 - beta_regularised(k, 1.0, 1.0 - x, x)?;
                assert!((mirrored - wanted).abs() < 1e-12, "{x} {k}");
            }
        }
        for half in [0.5, 3.0, 40.0, 1e6, 1e9] {
            assert!((beta_regularised(half, half, 0.5, 0.5)? - 0.5).abs() < 1e-10, "{half}");
        }
        Ok(())
    }

    #[test]
    fn the_series_meets_the_logarithm() {
        for u in [-0.1, -0.09, 0.05, 0.1_f64] {
            assert!((ln_minus(1.0 + u, u) / (u.ln_1p() - u) - 1.0).abs() < 1e-13, "{u}");
        }
        assert!((stirling_rest(10.0) - stirling_rest(9.999_999_999_999)).abs() < 1e-13);
    }
}
