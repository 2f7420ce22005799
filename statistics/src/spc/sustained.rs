//! Since when: runs that last long enough to move the centre line, one after the other.
//!
//! The line begins as the median of a baseline. The first run of so many points on one side of it, after the baseline,
//! starts a new phase with its own median; the search goes on behind it. Points on the line neither count nor end a run.
//!
//! Source: the rule of rephasing run charts in Perla RJ, Provost LP, Murray SK. The run chart: a simple analytical tool for
//! learning from variation in healthcare processes. BMJ Qual Saf 2011;20:46–51.

use super::Side;
use super::rules::side;
use super::run::median;
use crate::{Result, StatisticsError};

/// A stretch of a series around one median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// First point of the baseline or run, from 0.
    pub first: usize,
    /// Last point of the baseline or run.
    pub last: usize,
    /// The point at which the median gives way to the next, or the last point of the series.
    pub until: usize,
    /// Median of the baseline or run.
    pub median: f64,
    /// Side of the line before on which the run lies; `None` for the baseline.
    pub side: Option<Side>,
}

/// Finds the baseline and every sustained run after it, in order.
///
/// `baseline` points set the first median, `length` points make a run; `wanted` restricts runs to one side.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for a baseline or length of 0, or a baseline beyond the series;
/// [`StatisticsError::Empty`] when the baseline has no values; [`StatisticsError::ValueNotFinite`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::spc::sustained::sustained;
/// let days = [9.0, 8.0, 9.0, 7.0, 8.0, 9.0, 4.0, 5.0, 4.0, 3.0, 4.0].map(Some);
/// let stretches = sustained(&days, 6, 5, None)?;
/// assert_eq!((stretches[1].first, stretches[1].median), (6, 4.0));
/// # Ok(())
/// # }
/// ```
pub fn sustained(values: &[Option<f64>], baseline: usize, length: usize, wanted: Option<Side>) -> Result<Vec<Stretch>> {
    let out = |what, value: usize, range| Err(StatisticsError::OutOfRange { what, value: value as f64, range });
    if baseline == 0 || baseline > values.len() {
        return out("the baseline", baseline, "at least 1 point and within the series");
    }
    if length == 0 {
        return out("the length of a run", length, "at least 1");
    }
    let bad = values.iter().enumerate().find_map(|(index, value)| value.filter(|v| !v.is_finite()).map(|v| (index, v)));
    if let Some((index, value)) = bad {
        return Err(StatisticsError::ValueNotFinite { index, value });
    }
    let end = values.len() - 1;
    let mut stretches =
        vec![Stretch { first: 0, last: baseline - 1, until: end, median: median(&values[..baseline])?, side: None }];
    let mut line = stretches[0].median;
    let mut run: Vec<usize> = Vec::new();
    let mut on: Option<Side> = None;
    for place in baseline..values.len() {
        let Some(found) = values[place].and_then(|value| side(value, line)) else { continue };
        if on != Some(found) {
            run.clear();
        }
        on = Some(found);
        run.push(place);
        if run.len() == length && wanted.is_none_or(|wanted| wanted == found) {
            let points: Vec<Option<f64>> = run.iter().map(|place| values[*place]).collect();
            line = median(&points)?;
            if let Some(before) = stretches.last_mut() {
                before.until = run[0];
            }
            stretches.push(Stretch { first: run[0], last: place, until: end, median: line, side: Some(found) });
            run.clear();
            on = None;
        } else if run.len() > length {
            run.remove(0);
        }
    }
    Ok(stretches)
}
