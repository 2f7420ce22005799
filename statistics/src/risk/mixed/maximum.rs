//! The search for the largest marginal likelihood.

use nalgebra::{DMatrix, DVector};

use super::MixedOptions;
use super::marginal::{Marginal, Place};
use crate::{Result, StatisticsError};

/// How far to search.
#[derive(Clone, Copy)]
pub(in crate::risk) struct Limits {
    pub max_iterations: u32,
    /// In standard errors.
    pub tolerance: f64,
}

impl Limits {
    pub const fn of(options: &MixedOptions) -> Self {
        Self { max_iterations: options.max_iterations, tolerance: options.tolerance }
    }
}

/// Where the search ended.
pub(in crate::risk) struct Maximum {
    pub place: Place,
    /// The inverse Hessian as the search has learnt it.
    pub inverse: DMatrix<f64>,
    pub iterations: u32,
    /// The length of the step that is left, in standard errors.
    pub remaining_step: f64,
}

const NOT_CONVERGED: StatisticsError = StatisticsError::NotConverged { what: "a model with random intercepts" };

/// Changes of the log-likelihood below this share of it are rounding.
const ROUNDING: f64 = 1e-13;

/// Climbs by the BFGS method, from a first guess of the inverse Hessian (of minus the log-likelihood).
///
/// Source: Nocedal J, Wright SJ. Numerical Optimization, 2nd ed. Springer, 2006, ch. 6.1 and algorithm 3.1.
pub(in crate::risk) fn maximise(
    marginal: &Marginal,
    start: &[f64],
    guess: &DMatrix<f64>,
    limits: Limits,
) -> Result<Maximum> {
    let size = start.len();
    let mut place = marginal.evaluate(start, None)?;
    let mut inverse = guess.clone();
    let mut fresh = true;
    for iterations in 0..=limits.max_iterations {
        let gradient = DVector::from_column_slice(&place.gradient);
        let step = &inverse * &gradient;
        let squared = step.dot(&gradient);
        let remaining_step = squared.max(0.0).sqrt();
        // A guess that is not yet adapted to the data may understate what is left.
        if remaining_step <= limits.tolerance && (!fresh || remaining_step <= limits.tolerance * 1e-3) {
            return Ok(Maximum { place, inverse, iterations, remaining_step });
        }
        let Some(next) = climb(marginal, &place, &step, squared) else {
            if fresh {
                // Nothing higher along a direction that must lead up: what is left is rounding, or an error.
                return if remaining_step < 1e-3 {
                    Ok(Maximum { place, inverse, iterations, remaining_step })
                } else {
                    Err(NOT_CONVERGED)
                };
            }
            inverse.clone_from(guess);
            fresh = true;
            continue;
        };
        let moved = DVector::from_fn(size, |i, _| next.parameters[i] - place.parameters[i]);
        let turned = DVector::from_fn(size, |i, _| place.gradient[i] - next.gradient[i]);
        let along = moved.dot(&turned);
        if along > 1e-12 * moved.norm() * turned.norm() && along > 0.0 {
            let bent = &inverse * &turned;
            let scale = (1.0 + turned.dot(&bent) / along) / along;
            inverse +=
                &moved * moved.transpose() * scale - (&moved * bent.transpose() + &bent * moved.transpose()) / along;
            fresh = false;
        }
        place = next;
    }
    Err(NOT_CONVERGED)
}

/// Takes the step, or the largest half, quarter, … of it that climbs as far as its slope promises.
fn climb(marginal: &Marginal, place: &Place, step: &DVector<f64>, slope: f64) -> Option<Place> {
    let rounding = ROUNDING * (1.0 + place.log_likelihood.abs());
    // A first step can be far too long in σ; three units of log odds are far enough.
    let longest = step.iter().next_back().map_or(0.0, |sd| sd.abs());
    let mut share = if longest > 3.0 { 3.0 / longest } else { 1.0 };
    for _ in 0..40 {
        let parameters: Vec<f64> =
            place.parameters.iter().zip(step.iter()).map(|(value, step)| value + share * step).collect();
        if let Ok(next) = marginal.evaluate(&parameters, Some(place))
            && next.log_likelihood >= place.log_likelihood + 1e-4 * share * slope - rounding
        {
            return Some(next);
        }
        share /= 2.0;
    }
    None
}

/// Minus the second derivatives of the log-likelihood, by central differences of its exact first derivatives.
pub(in crate::risk) fn hessian(marginal: &Marginal, found: &Maximum) -> Result<DMatrix<f64>> {
    let size = found.place.parameters.len();
    let mut hessian = DMatrix::zeros(size, size);
    for column in 0..size {
        // A thousandth of a standard error: far above rounding, far below where third derivatives matter.
        let step = 1e-3 * found.inverse[(column, column)].max(1e-16).sqrt();
        let beside = |step: f64| {
            let mut parameters = found.place.parameters.clone();
            parameters[column] += step;
            marginal.evaluate(&parameters, Some(&found.place))
        };
        let (above, below) = (beside(step)?, beside(-step)?);
        for row in 0..size {
            hessian[(row, column)] = (below.gradient[row] - above.gradient[row]) / (2.0 * step);
        }
    }
    Ok((&hessian + hessian.transpose()) * 0.5)
}

/// Takes Newton's last steps with a true inverse Hessian; returns the place and the length of the step that is left.
pub(in crate::risk) fn polish(
    marginal: &Marginal,
    mut place: Place,
    inverse: &DMatrix<f64>,
    limits: Limits,
) -> Result<(Place, f64)> {
    let mut shortest = f64::INFINITY;
    for _ in 0..20 {
        let gradient = DVector::from_column_slice(&place.gradient);
        let step = inverse * &gradient;
        let length = step.dot(&gradient).max(0.0).sqrt();
        if length <= limits.tolerance.min(1e-7) {
            return Ok((place, length));
        }
        if length >= shortest {
            // Rounding keeps the step from shrinking; a search that ends far from the top is refused.
            break;
        }
        shortest = length;
        let parameters: Vec<f64> = place.parameters.iter().zip(step.iter()).map(|(value, step)| value + step).collect();
        place = marginal.evaluate(&parameters, Some(&place))?;
    }
    if shortest < 1e-3 { Ok((place, shortest)) } else { Err(NOT_CONVERGED) }
}
