//! The search for the maximum of the partial likelihood.

use nalgebra::{DMatrix, DVector};

use super::Ties;
use super::likelihood::{Likelihood, Subjects};
use crate::linear::inverse;
use crate::{Result, StatisticsError};

/// Newton steps after which a search that has not settled is given up; ordinary data take about five.
const MOST_STEPS: u32 = 100;

/// Halvings of one step after which the likelihood must have risen.
const MOST_HALVINGS: u32 = 40;

/// Coefficients have settled when the next step would change no subject's log hazard by more than this.
const SETTLED: f64 = 1e-9;

/// A variance above this, for the most extreme subject's log hazard, means that the data hold nothing on it.
const NO_INFORMATION: f64 = 1e8;

/// The maximum of the partial likelihood, for scaled covariates.
pub(super) struct Fit {
    pub at: DVector<f64>,
    pub best: Likelihood,
    pub covariance: DMatrix<f64>,
    /// The log partial likelihood with all coefficients 0.
    pub null: f64,
    /// The statistic of the score test.
    pub score: f64,
    /// Newton steps.
    pub iterations: u32,
}

impl Fit {
    /// Searches for it from 0 with Newton's method, halving steps that would lower the likelihood.
    pub fn search(subjects: &Subjects, ties: Ties) -> Result<Self> {
        let mut at = DVector::zeros(subjects.columns());
        let unsettled = StatisticsError::NotConverged { what: "a Cox model" };
        let mut best = subjects.likelihood(&at, ties).ok_or(unsettled)?;
        // Rounding may leave a little information on a covariate that never differs among those at risk.
        let rounding = 1e-14 * subjects.events() as f64;
        if let Some(column) = best.information.diagonal().iter().position(|information| *information <= rounding) {
            return Err(StatisticsError::Collinear { column });
        }
        let (null, mut score) = (best.value, None);
        for iterations in 0..=MOST_STEPS {
            let covariance = match inverse(&best.information) {
                Ok(covariance) => covariance,
                // The information fades where the likelihood flattens out towards infinity.
                Err(_) if iterations > 0 => return Err(runaway(&at).unwrap_or(unsettled)),
                Err(collinear) => return Err(collinear),
            };
            let step = &covariance * &best.gradient;
            let gain = best.gradient.dot(&step);
            let score = *score.get_or_insert(gain);
            let length = step.amax();
            if length <= SETTLED {
                // So far out that not even a slope is left in the last digit.
                if covariance.diagonal().max() > NO_INFORMATION
                    && let Some(runaway) = runaway(&at)
                {
                    return Err(runaway);
                }
                // The last step is taken without another look: it squares the distance that is left.
                return Ok(Self { at: at + step, best, covariance, null, score, iterations });
            }
            // Next to nothing to gain by a long step: the likelihood has levelled off and its maximum is at infinity.
            // A finite maximum would have a standard error above 1,000 per step of this length.
            if gain < 1e-8 && length > 0.1 {
                return Err(runaway(&(at + step)).unwrap_or(unsettled));
            }
            let mut share = 1.0;
            best = 'halving: {
                for _ in 0..MOST_HALVINGS {
                    let next = &at + &step * share;
                    if let Some(found) = subjects.likelihood(&next, ties)
                        && found.value >= best.value - 1e-12 * best.value.abs()
                    {
                        at = next;
                        break 'halving found;
                    }
                    share /= 2.0;
                }
                return Err(runaway(&at).unwrap_or(unsettled));
            };
        }
        Err(runaway(&at).unwrap_or(unsettled))
    }
}

/// The covariate that has gone furthest, if it has gone further than real effects do: a factor of `e^8` between the
/// average subject and the extreme one.
fn runaway(at: &DVector<f64>) -> Option<StatisticsError> {
    (at.amax() > 8.0).then(|| StatisticsError::Separated { column: at.iamax() })
}
