//! The search for a root.

use crate::{Result, StatisticsError};

/// Bisection alone needs some 1,100 steps to reach the smallest number there is; real searches take about ten.
const MOST_STEPS: u32 = 2_000;

/// Finds where the increasing function `f` crosses zero between `low` and `high`, to the last few bits.
///
/// The method is Chandrupatla's, inverse quadratic steps guarded by bisection: Chandrupatla TR. A new hybrid
/// quadratic/bisection algorithm for finding the zero of a nonlinear function without using derivatives. Adv Eng Softw
/// 1997;28:145–149. An exact zero at `low` is returned as it is.
pub(crate) fn root(what: &'static str, low: f64, high: f64, f: impl Fn(f64) -> Result<f64>) -> Result<f64> {
    // `newest` and `across` hold the crossing between them; `before` is the point given up last.
    let (mut newest, mut across) = (low, high);
    let (mut f_newest, mut f_across) = (f(low)?, f(high)?);
    if f_newest >= 0.0 {
        return Ok(low);
    }
    if f_across.is_nan() || f_across < 0.0 {
        return Err(StatisticsError::NotConverged { what });
    }
    let mut step = 0.5;
    for _ in 0..MOST_STEPS {
        let at = newest + step * (across - newest);
        let f_at = f(at)?;
        if f_at.is_nan() {
            break;
        }
        let (before, f_before) = if (f_at < 0.0) == (f_newest < 0.0) {
            (newest, f_newest)
        } else {
            let given_up = (across, f_across);
            (across, f_across) = (newest, f_newest);
            given_up
        };
        (newest, f_newest) = (at, f_at);

        let (best, f_best) = if f_newest.abs() < f_across.abs() { (newest, f_newest) } else { (across, f_across) };
        let smallest_step = f64::EPSILON * best.abs() / (across - newest).abs();
        if f_best == 0.0 || smallest_step >= 0.5 || !smallest_step.is_finite() {
            return Ok(best);
        }
        let xi = (newest - across) / (before - across);
        let phi = (f_newest - f_across) / (f_before - f_across);
        let curve_is_trusted = phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi;
        step = if curve_is_trusted {
            f_newest / (f_across - f_newest) * f_before / (f_across - f_before)
                + (before - newest) / (across - newest) * f_newest / (f_before - f_newest) * f_across
                    / (f_before - f_across)
        } else {
            0.5
        };
        step = step.clamp(smallest_step, 1.0 - smallest_step);
    }
    Err(StatisticsError::NotConverged { what })
}
