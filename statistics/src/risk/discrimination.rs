//! How well predictions tell patients with the event from those without, and how close they come.

use rayon::prelude::*;

use crate::{Result, StatisticsError};

/// Returns the c-statistic: the share of pairs of a patient with and one without the event in which the former has the
/// higher prediction, a tie counting one half. From 0 to 1; 0.5 is no discrimination. It equals the area under the ROC
/// curve.
///
/// Pairs are counted in whole numbers from one sort, so a million rows take no longer than sorting them.
///
/// Source: Harrell FE, Califf RM, Pryor DB, Lee KL, Rosati RA. Evaluating the yield of medical tests. JAMA
/// 1982;247:2543–2546.
///
/// # Errors
///
/// [`StatisticsError::LengthMismatch`]; [`StatisticsError::OutOfRange`] for a prediction that is not a probability;
/// [`StatisticsError::NotComputable`] when all outcomes are the same.
///
/// ```
/// use carecoord_statistics::risk::c_statistic;
/// // Of four pairs, two are in order, one is not, one is tied.
/// assert_eq!(c_statistic(&[true, true, false, false], &[0.3, 0.2, 0.2, 0.25]), Ok(0.625));
/// ```
pub fn c_statistic(outcome: &[bool], predicted: &[f64]) -> Result<f64> {
    checked(outcome, predicted)?;
    let events = super::events(outcome);
    let others = super::count(outcome.len()) - events;
    if events == 0 || others == 0 {
        let because = "all outcomes are the same";
        return Err(StatisticsError::NotComputable { what: "the c-statistic", because });
    }
    let mut pairs: Vec<(f64, bool)> = predicted.iter().copied().zip(outcome.iter().copied()).collect();
    pairs.par_sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut others_below, mut halves) = (0_u128, 0_u128);
    // In sorted order a prediction that is not below the next one equals it.
    for tied in pairs.chunk_by(|(a, _), (b, _)| a >= b) {
        let events_here = u128::from(tied.iter().map(|&(_, event)| u64::from(event)).sum::<u64>());
        let others_here = tied.len() as u128 - events_here;
        halves += 2 * events_here * others_below + events_here * others_here;
        others_below += others_here;
    }
    Ok(halves as f64 / (2 * u128::from(events) * u128::from(others)) as f64)
}

/// Returns the Brier score: the mean squared difference of prediction and outcome, from 0 (perfect) to 1.
///
/// Source: Brier GW. Verification of forecasts expressed in terms of probability. Mon Weather Rev 1950;78:1–3, in the form
/// for a single event.
///
/// # Errors
///
/// [`StatisticsError::Empty`]; [`StatisticsError::LengthMismatch`]; [`StatisticsError::OutOfRange`] for a prediction that is
/// not a probability.
pub fn brier(outcome: &[bool], predicted: &[f64]) -> Result<f64> {
    checked(outcome, predicted)?;
    let sum: f64 = outcome.iter().zip(predicted).map(|(&event, p)| (if event { 1.0 - p } else { *p }).powi(2)).sum();
    Ok(sum / outcome.len() as f64)
}

fn checked(outcome: &[bool], predicted: &[f64]) -> Result<()> {
    if outcome.is_empty() {
        return Err(StatisticsError::Empty { what: "the check of a model" });
    }
    super::same_length("the predictions", predicted.len(), outcome.len())?;
    super::probabilities(predicted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_discrimination() {
        assert_eq!(c_statistic(&[false, false, true], &[0.1, 0.2, 0.9]), Ok(1.0));
        assert_eq!(c_statistic(&[true, false, false], &[0.1, 0.2, 0.9]), Ok(0.0));
        assert_eq!(c_statistic(&[true, false, false], &[0.4; 3]), Ok(0.5));
        assert!(c_statistic(&[true, true], &[0.4; 2]).is_err());
        assert!(c_statistic(&[true, false], &[0.4, 1.1]).is_err());
        assert!(brier(&[], &[]).is_err());
        assert!(brier(&[true], &[f64::NAN]).is_err());
        assert_eq!(brier(&[true, false], &[1.0, 0.0]), Ok(0.0));
    }
}
