//! The run chart with the two Anhøj rules.
//!
//! Points are compared with a centre line, as a rule their median. Two signals tell of non-random variation: a run on one
//! side of the line that is unusually long (a shift), and a line that is crossed unusually seldom (clustering). Both
//! rules look one way only: very short runs and very many crossings are no signal.
//!
//! Source: Anhøj J, Olesen AV. Run charts revisited: a simulation study of run chart rules for detection of non-random
//! variation in health care processes. PLOS ONE 2014;9(11):e113825. <https://doi.org/10.1371/journal.pone.0113825>

use crate::{Result, StatisticsError};

/// Below this many useful observations the rules can be computed but seldom find a change: a chart of fewer points should
/// say so beside "no signal". See [`RunChart::is_short`].
pub const FEW_USEFUL: usize = 10;

/// How far, relative to the larger of the two, a point may lie from the centre line and still count as being on it.
///
/// Ratios and medians carry rounding errors of some 1e-16; a point that equals the median on paper must not become a
/// crossing because of one.
pub(super) const TIE: f64 = 1e-12;

/// The run chart of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunChart {
    /// The centre line, in the unit of the values: their median, or the centre that was given.
    pub centre: f64,
    /// Points that are not missing.
    pub observations: usize,
    /// Useful observations: not missing and not on the centre line. At least 1.
    pub useful: usize,
    /// Points in the longest run of useful observations on one side of the centre line.
    pub longest_run: usize,
    /// The longest run that is still expected by chance.
    pub longest_run_limit: usize,
    /// Times that the line between neighbouring useful observations crosses the centre line.
    pub crossings: usize,
    /// The fewest crossings that are still expected by chance.
    pub crossings_limit: usize,
    /// Signal: the longest run is above its limit.
    pub shift: bool,
    /// Signal: the crossings are below their limit.
    pub clustering: bool,
}

impl RunChart {
    /// Says whether either rule gives a signal.
    pub const fn signal(&self) -> bool {
        self.shift || self.clustering
    }

    /// Says whether there are fewer than [`FEW_USEFUL`] useful observations, too few to read "no signal" as stability.
    pub const fn is_short(&self) -> bool {
        self.useful < FEW_USEFUL
    }
}

/// Analyses the series `values`, in order of time, `None` being missing.
///
/// Without `centre` the line is the median of the points that are not missing. Give a centre to hold later points against
/// a baseline ([`median`] of the first points) or a standard. Points to be excluded are passed as `None`. Missing points
/// and points on the line neither end a run nor make a crossing.
///
/// # Errors
///
/// [`StatisticsError::Empty`] when every value is missing; [`StatisticsError::ValueNotFinite`] and
/// [`StatisticsError::NotFinite`] for a value or centre that is `NaN` or infinite;
/// [`StatisticsError::NoUsefulObservations`] when every point lies on the line, so that there are no runs.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::run::run_chart;
/// let days_to_follow_up = [9.0, 8.0, 9.0, 7.0, 8.0, 9.0, 7.0, 8.0, 3.0, 2.0, 4.0, 3.0, 2.0, 3.0, 4.0, 2.0];
/// let chart = run_chart(&days_to_follow_up.map(Some), None)?;
/// assert_eq!((chart.longest_run, chart.longest_run_limit), (8, 7));
/// assert!(chart.shift && chart.clustering);
/// # Ok(())
/// # }
/// ```
pub fn run_chart(values: &[Option<f64>], centre: Option<f64>) -> Result<RunChart> {
    let given = given_values(values)?;
    let centre = match centre {
        Some(value) if !value.is_finite() => return Err(StatisticsError::NotFinite { what: "the centre line", value }),
        Some(value) => value,
        None => median_of(given.clone()),
    };
    let sides: Vec<bool> = given.iter().filter_map(|&value| side_above(value, centre)).collect();
    let useful = sides.len();
    if useful == 0 {
        return Err(StatisticsError::NoUsefulObservations { observations: given.len(), centre });
    }
    let longest_run = sides.chunk_by(|a, b| a == b).map(<[bool]>::len).max().unwrap_or_default();
    let crossings = sides.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let (longest_run_limit, crossings_limit) = (longest_run_limit(useful), crossings_limit(useful));
    Ok(RunChart {
        centre,
        observations: given.len(),
        useful,
        longest_run,
        longest_run_limit,
        crossings,
        crossings_limit,
        shift: longest_run > longest_run_limit,
        clustering: crossings < crossings_limit,
    })
}

/// Returns the median of the values that are not missing: the middle one, or the mean of the middle two.
///
/// # Errors
///
/// [`StatisticsError::Empty`] when every value is missing; [`StatisticsError::ValueNotFinite`].
pub fn median(values: &[Option<f64>]) -> Result<f64> {
    given_values(values).map(median_of)
}

/// Returns the longest run that is still expected by chance among `useful` observations: `round(log2(n)) + 3`; 0 for
/// none.
///
/// Source: Anhøj & Olesen 2014, as above.
pub fn longest_run_limit(useful: usize) -> usize {
    // log2 of a whole number never ends in .5, so it does not matter which way ties are rounded; the result lies
    // between 0 and 64.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    if useful == 0 { 0 } else { (useful as f64).log2().round() as usize + 3 }
}

/// Returns the fewest crossings that are still expected by chance among `useful` observations: the lower 5 % quantile of
/// the binomial distribution of `useful - 1` tries with probability one half.
///
/// Source: Anhøj & Olesen 2014, as above; the distribution is from Chen Z. A note on the runs test. Model Assisted
/// Statistics and Applications 2010;5:73–77.
pub fn crossings_limit(useful: usize) -> usize {
    let tries = useful.saturating_sub(1);
    // Binomial coefficients relative to the middle one, from the middle down: none overflows, and those that underflow to
    // zero are too small to matter. The upper half is the mirror image.
    let middle = tries / 2;
    let mut weights = Vec::with_capacity(middle + 1);
    let mut weight = 1.0;
    for successes in (0..=middle).rev() {
        weights.push(weight);
        weight *= successes as f64 / (tries - successes + 1) as f64;
    }
    weights.reverse();
    let lower_half: f64 = weights.iter().sum();
    let total = if tries.is_multiple_of(2) { 2.0 * lower_half - 1.0 } else { 2.0 * lower_half };
    let mut cumulated = 0.0;
    // The lower half holds at least half of the probability, so the quantile is always found within it.
    weights
        .iter()
        .position(|weight| {
            cumulated += weight;
            cumulated >= 0.05 * total
        })
        .unwrap_or(middle)
}

/// The values that are not missing, each checked to be a number.
fn given_values(values: &[Option<f64>]) -> Result<Vec<f64>> {
    let mut given = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate().filter_map(|(index, value)| value.map(|value| (index, value))) {
        if !value.is_finite() {
            return Err(StatisticsError::ValueNotFinite { index, value });
        }
        given.push(value);
    }
    if given.is_empty() {
        return Err(StatisticsError::Empty { what: "a run chart" });
    }
    Ok(given)
}

/// The median of at least one finite value.
fn median_of(mut given: Vec<f64>) -> f64 {
    given.sort_by(f64::total_cmp);
    let middle = given.len() / 2;
    if given.len() % 2 == 1 { given[middle] } else { given[middle - 1].midpoint(given[middle]) }
}

/// Whether a value lies above the line (true) or below it (false); `None` on the line.
fn side_above(value: f64, centre: f64) -> Option<bool> {
    let on_the_line = (value - centre).abs() <= TIE * value.abs().max(centre.abs());
    (!on_the_line).then_some(value > centre)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_needs_numbers() {
        assert_eq!(run_chart(&[], None), Err(StatisticsError::Empty { what: "a run chart" }));
        assert_eq!(run_chart(&[None, None], Some(1.0)), Err(StatisticsError::Empty { what: "a run chart" }));
        for bad in [f64::NAN, f64::INFINITY] {
            assert!(matches!(
                run_chart(&[Some(1.0), None, Some(bad)], None),
                Err(StatisticsError::ValueNotFinite { index: 2, .. })
            ));
            assert!(matches!(run_chart(&[Some(1.0)], Some(bad)), Err(StatisticsError::NotFinite { .. })));
        }
    }

    #[test]
    fn a_series_on_the_line_has_no_runs_to_count() {
        let constant = [Some(12.0); 15];
        assert_eq!(
            run_chart(&constant, None),
            Err(StatisticsError::NoUsefulObservations { observations: 15, centre: 12.0 })
        );
        assert!(run_chart(&constant, Some(11.0)).is_ok_and(|chart| chart.shift && chart.longest_run == 15));
    }

    #[test]
    fn rounding_does_not_take_a_point_off_the_line() -> Result<()> {
        // 0.1 + 0.2 is 0.30000000000000004.
        let chart = run_chart(&[Some(0.1 + 0.2), Some(0.1), Some(0.5)], Some(0.3))?;
        assert_eq!((chart.observations, chart.useful), (3, 2));
        // Tiny rates are still told apart.
        assert_eq!(run_chart(&[Some(1e-15), Some(2e-15)], None)?.useful, 2);
        Ok(())
    }

    #[test]
    fn missing_points_and_points_on_the_line_do_not_end_a_run() -> Result<()> {
        let chart = run_chart(&[Some(6.0), None, Some(7.0), Some(5.0), Some(8.0), Some(1.0)], Some(5.0))?;
        assert_eq!((chart.longest_run, chart.crossings, chart.useful, chart.observations), (3, 1, 4, 5));
        assert!(chart.is_short() && !chart.signal());
        Ok(())
    }

    #[test]
    fn the_middle_of_an_even_number_of_points_is_the_mean_of_two() {
        assert_eq!(median(&[Some(4.0), Some(1.0), None, Some(3.0), Some(2.0)]), Ok(2.5));
        assert_eq!(median(&[Some(f64::MAX), Some(f64::MAX)]), Ok(f64::MAX));
        assert!(median(&[None]).is_err());
    }

    #[test]
    fn limits_hold_at_the_edges() {
        assert_eq!((longest_run_limit(0), crossings_limit(0)), (0, 0));
        assert_eq!((longest_run_limit(1), crossings_limit(1)), (3, 0));
        for useful in 1..500 {
            assert!(longest_run_limit(useful) <= longest_run_limit(useful + 1));
            assert!(crossings_limit(useful) <= crossings_limit(useful + 1));
            assert!(crossings_limit(useful) < useful);
        }
    }

    #[test]
    fn turning_the_chart_upside_down_changes_no_rule() -> Result<()> {
        let values: Vec<_> = (0..40).map(|i| Some(f64::from((i * 37) % 11))).collect();
        let flipped: Vec<_> = values.iter().map(|value| value.map(|v| -v)).collect();
        let (up, down) = (run_chart(&values, None)?, run_chart(&flipped, None)?);
        assert_eq!((up.useful, up.longest_run, up.crossings), (down.useful, down.longest_run, down.crossings));
        Ok(())
    }
}
