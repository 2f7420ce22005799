//! Are the residuals of a series related in time?

use super::input::{dot, finite, same_length};
use super::regression::LinearFit;
use crate::quantile::chi_square_upper;
use crate::{Result, StatisticsError};

/// A test of serial correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SerialTest {
    /// The statistic, chi-squared when neighbours are unrelated.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub freedom: usize,
    /// Probability of so large a statistic when neighbours are unrelated.
    pub p_value: f64,
}

/// Returns the Durbin–Watson statistic of residuals in order of time: near 2 when neighbours are unrelated, towards 0
/// when they are alike, towards 4 when they alternate. It misleads in short series.
///
/// Source: Durbin J, Watson GS. Biometrika 1950;37:409–428.
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for fewer than 2; [`StatisticsError::ValueNotFinite`];
/// [`StatisticsError::ZeroVariance`] when all are 0.
///
/// ```
/// let found = carecoord_statistics::causal::durbin_watson(&[1.0, -1.0, 1.0, -1.0]);
/// assert_eq!(found, Ok(3.0));
/// ```
pub fn durbin_watson(residuals: &[f64]) -> Result<f64> {
    let squares = sum_of_squares("the Durbin–Watson statistic", residuals, 2)?;
    let steps: f64 = residuals.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
    super::input::finite_result("the Durbin–Watson statistic", steps / squares)
}

/// Tests residuals in order of time for correlation with their `order` predecessors (Breusch–Godfrey): `N` times the R² of
/// the residuals on the design and their own past, where what lies before the first point counts as 0.
///
/// Source: Breusch TS. Australian Economic Papers 1978;17:334–355; Godfrey LG. Econometrica 1978;46:1293–1301.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for an order of 0 or so high that rows run out; [`StatisticsError::Collinear`] when the
/// past is a combination of the design; [`StatisticsError::NotComputable`] for a perfect fit.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{Season, SegmentedOptions, SlopeStart, breusch_godfrey, segmented};
/// let series = [5.0, 6.5, 6.0, 7.5, 7.0, 8.5, 5.0, 5.5, 6.5, 6.0, 6.8, 7.1];
/// let options = SegmentedOptions { interruptions: &[6], slope_start: SlopeStart::Zero, season: Season::None };
/// let test = breusch_godfrey(&segmented(&series, &options)?.fit, 1)?;
/// assert!(test.p_value > 0.001 && test.freedom == 1);
/// # Ok(())
/// # }
/// ```
pub fn breusch_godfrey(fit: &LinearFit, order: usize) -> Result<SerialTest> {
    let what = "the Breusch–Godfrey test";
    if order == 0 || fit.observations <= fit.parameters + order {
        let range = "at least 1 and below the number of rows less the parameters";
        return Err(StatisticsError::OutOfRange { what: "the order", value: order as f64, range });
    }
    if fit.exact {
        return Err(StatisticsError::NotComputable { what, because: "the fit is perfect: there are no residuals" });
    }
    let residuals = &fit.residuals;
    let mut past: Vec<Vec<f64>> = Vec::with_capacity(order);
    for distance in 1..=order {
        let shifted: Vec<f64> =
            (0..distance).map(|_| 0.0).chain(residuals.iter().copied()).take(residuals.len()).collect();
        let mut rest = fit.unexplained(&shifted);
        for _ in 0..2 {
            for known in &past {
                let factor = dot(known, &rest);
                rest.iter_mut().zip(known).for_each(|(value, known)| *value -= factor * known);
            }
        }
        let length = dot(&rest, &rest).sqrt();
        if length <= 1e-7 * dot(&shifted, &shifted).sqrt() {
            return Err(StatisticsError::Collinear { column: fit.coefficients.len() + distance - 1 });
        }
        for value in &mut rest {
            *value /= length;
        }
        past.push(rest);
    }
    let own = &fit.scaled_residuals;
    let explained: f64 = past.iter().map(|known| dot(known, own).powi(2)).sum();
    let statistic = super::input::finite_result(what, fit.observations as f64 * explained / dot(own, own))?;
    Ok(SerialTest { statistic, freedom: order, p_value: chi_square_upper(order as f64, statistic)? })
}

/// Tests the first `lags` autocorrelations of residuals together (Ljung–Box): `N (N + 2) Σ r²_k / (N - k)`, on `lags -
/// fitted` degrees of freedom, `fitted` being the parameters of a time series model that were estimated, 0 for a
/// regression.
///
/// Source: Ljung GM, Box GEP. Biometrika 1978;65:297–303.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] unless `fitted < lags < N`; [`StatisticsError::ValueNotFinite`];
/// [`StatisticsError::ZeroVariance`].
///
/// ```
/// let found = carecoord_statistics::causal::ljung_box(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0], 1, 0);
/// assert!(found.is_ok_and(|test| test.p_value < 0.05));
/// ```
pub fn ljung_box(residuals: &[f64], lags: usize, fitted: usize) -> Result<SerialTest> {
    let n = residuals.len();
    if lags <= fitted || lags >= n {
        let range = "above the parameters fitted and below the number of points";
        return Err(StatisticsError::OutOfRange { what: "the lags", value: lags as f64, range });
    }
    finite(residuals)?;
    let mean = residuals.iter().sum::<f64>() / n as f64;
    let centred: Vec<f64> = residuals.iter().map(|value| value - mean).collect();
    let squares = sum_of_squares("the Ljung–Box test", &centred, 2)?;
    let sum: f64 = (1..=lags).map(|lag| (dot(&centred[lag..], &centred) / squares).powi(2) / (n - lag) as f64).sum();
    let statistic = n as f64 * (n as f64 + 2.0) * sum;
    let freedom = lags - fitted;
    Ok(SerialTest { statistic, freedom, p_value: chi_square_upper(freedom as f64, statistic)? })
}

/// Returns the bandwidth that Newey and West's rule picks for Bartlett weights, without prewhitening; its whole part is
/// the lag for [`super::Variance::NeweyWest`]. `columns` are those of the regression without the intercept, and are weighted
/// equally in the rule.
///
/// Source: Newey WK, West KD. Automatic lag selection in covariance matrix estimation. Rev Econ Stud 1994;61:631–653,
/// table II: `1.1447 (s₁/s₀)^(2/3) N^(1/3)`, with autocovariances up to `4 (N/100)^(2/9)`.
///
/// # Errors
///
/// [`StatisticsError::Empty`] without columns; [`StatisticsError::LengthMismatch`]; [`StatisticsError::ValueNotFinite`];
/// [`StatisticsError::NotComputable`] when the long-run variance comes out as 0.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let residuals = [0.3, 0.1, -0.4, -0.2, 0.5, 0.1, -0.3, -0.1];
/// let time = (1..=8).map(f64::from).collect();
/// assert!(carecoord_statistics::causal::newey_west_bandwidth(&residuals, &[time])? >= 0.0);
/// # Ok(())
/// # }
/// ```
pub fn newey_west_bandwidth(residuals: &[f64], columns: &[Vec<f64>]) -> Result<f64> {
    let (what, n) = ("the bandwidth of Newey and West", residuals.len());
    if columns.is_empty() {
        return Err(StatisticsError::Empty { what });
    }
    sum_of_squares(what, residuals, 2)?;
    let mut scores = vec![0.0; n];
    for column in columns {
        same_length("a column", column.len(), n)?;
        finite(column)?;
        scores.iter_mut().zip(column).for_each(|(sum, value)| *sum += value);
    }
    scores.iter_mut().zip(residuals).for_each(|(sum, residual)| *sum *= residual);
    // A whole number far below the number of points.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let furthest = ((4.0 * (n as f64 / 100.0).powf(2.0 / 9.0)).floor() as usize).min(n - 1);
    let covariance = |lag: usize| dot(&scores[lag..], &scores) / n as f64;
    let (mut s0, mut s1) = (covariance(0), 0.0);
    let scale = s0;
    for lag in 1..=furthest {
        let own = covariance(lag);
        s0 += 2.0 * own;
        s1 += 2.0 * lag as f64 * own;
    }
    if s0.abs() <= 1e-14 * scale || scale <= 0.0 {
        return Err(StatisticsError::NotComputable {
            what,
            because: "the long-run variance of the scores comes out as 0",
        });
    }
    let ratio = s1 / s0;
    super::input::finite_result(what, 1.1447 * (ratio * ratio * n as f64).cbrt())
}

fn sum_of_squares(what: &'static str, values: &[f64], needed: u64) -> Result<f64> {
    let found = values.len() as u64;
    if found < needed {
        return Err(StatisticsError::TooFew { what, found, needed });
    }
    finite(values)?;
    let squares = super::input::finite_result(what, dot(values, values))?;
    if squares > 0.0 { Ok(squares) } else { Err(StatisticsError::ZeroVariance { n: found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_has_a_reason() {
        assert!(matches!(durbin_watson(&[1.0]), Err(StatisticsError::TooFew { .. })));
        assert!(matches!(durbin_watson(&[0.0, 0.0]), Err(StatisticsError::ZeroVariance { .. })));
        assert!(matches!(ljung_box(&[1.0, 2.0, 0.5], 3, 0), Err(StatisticsError::OutOfRange { .. })));
        assert!(matches!(ljung_box(&[2.0, 2.0, 2.0], 1, 0), Err(StatisticsError::ZeroVariance { .. })));
        assert!(matches!(newey_west_bandwidth(&[1.0, 2.0], &[]), Err(StatisticsError::Empty { .. })));
        assert!(matches!(
            newey_west_bandwidth(&[1.0, f64::NAN], &[vec![1.0, 2.0]]),
            Err(StatisticsError::ValueNotFinite { .. })
        ));
    }
}
