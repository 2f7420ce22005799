//! Sharper limits for the two Anhøj rules: the best box and the cut box.
//!
//! The longest run and the number of crossings are looked at together. A box is what counts as random: runs up to a limit
//! and at least so many crossings. The *best box* is the one that finds a shift of 0.8 standard deviations most surely while
//! at least 92.5 % of random series stay inside; the *cut box* then gives up cells at its corner as far as the 92.5 % allow.
//! Both are worked out from the exact joint distribution.
//!
//! Source: Anhøj J, Wentzel-Larsen T. Smooth operator: modifying the Anhøj rules to improve runs analysis in statistical
//! process control. PLOS ONE 2020;15(6):e0233920. <https://doi.org/10.1371/journal.pone.0233920>

use statrs::function::erf::erfc;

use super::run::RunChart;
use crate::{Result, StatisticsError};

/// Share of random series that stay inside the box at the least.
const SPECIFICITY: f64 = 0.925;
/// The shift to be found, in standard deviations.
const SHIFT: f64 = 0.8;
/// Useful observations for which boxes are worked out; published for 10 to 100.
pub const USEFUL: std::ops::RangeInclusive<usize> = 10..=200;

/// What counts as random variation of a run chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunBox {
    /// The longest run inside the box.
    pub longest_run_limit: usize,
    /// The fewest crossings inside the box.
    pub crossings_limit: usize,
    /// With exactly the fewest crossings, the longest run that is still inside; below the limit when cells were cut off.
    pub longest_run_at_fewest: usize,
    /// With exactly the longest run, the fewest crossings that are still inside; above the limit when cells were cut off.
    pub crossings_at_longest: usize,
}

impl RunBox {
    /// Says whether a chart lies outside the box: a signal.
    pub const fn signal(&self, chart: &RunChart) -> bool {
        let (longest, crossings) = (chart.longest_run, chart.crossings);
        longest > self.longest_run_limit
            || crossings < self.crossings_limit
            || (crossings == self.crossings_limit && longest > self.longest_run_at_fewest)
            || (longest == self.longest_run_limit && crossings < self.crossings_at_longest)
    }
}

/// Works out the best box for so many useful observations.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] outside [`USEFUL`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let found = carecoord_statistics::spc::boxes::best_box(26)?;
/// assert_eq!((found.longest_run_limit, found.crossings_limit), (9, 9));
/// # Ok(())
/// # }
/// ```
pub fn best_box(useful: usize) -> Result<RunBox> {
    let (random, shifted) = joints(useful)?;
    Ok(best(&random, &shifted, useful))
}

/// Works out the cut box for so many useful observations.
///
/// # Errors
///
/// As [`best_box`].
pub fn cut_box(useful: usize) -> Result<RunBox> {
    let (random, shifted) = joints(useful)?;
    let mut found = best(&random, &shifted, useful);
    let (corner_run, corner_crossings) = (found.longest_run_limit, found.crossings_limit);
    let mut inside = random.inside(corner_crossings, corner_run) - random.cell(corner_crossings, corner_run);
    if inside < SPECIFICITY {
        return Ok(found);
    }
    (found.longest_run_at_fewest, found.crossings_at_longest) = (corner_run - 1, corner_crossings + 1);
    loop {
        // The next cell along either border: with the fewest crossings, and with the longest run.
        let along_runs = (corner_crossings, found.longest_run_at_fewest);
        let along_crossings = (found.crossings_at_longest, corner_run);
        let fits = |cell: (usize, usize)| {
            let chance = random.cell(cell.0, cell.1);
            chance > 0.0 && inside - chance >= SPECIFICITY
        };
        let likelier = shifted.cell(along_crossings.0, along_crossings.1) >= shifted.cell(along_runs.0, along_runs.1);
        let cell = match (fits(along_crossings), fits(along_runs)) {
            (false, false) => return Ok(found),
            (true, false) => along_crossings,
            (true, true) if likelier => along_crossings,
            _ => along_runs,
        };
        inside -= random.cell(cell.0, cell.1);
        if cell == along_crossings {
            found.crossings_at_longest += 1;
        } else {
            found.longest_run_at_fewest -= 1;
        }
    }
}

fn joints(useful: usize) -> Result<(Joint, Joint)> {
    if !USEFUL.contains(&useful) {
        let what = "the number of useful observations";
        return Err(StatisticsError::OutOfRange { what, value: useful as f64, range: "from 10 to 200" });
    }
    let above = 0.5 * erfc(-SHIFT / std::f64::consts::SQRT_2);
    Ok((Joint::of(useful, 0.5), Joint::of(useful, above)))
}

fn best(random: &Joint, shifted: &Joint, useful: usize) -> RunBox {
    let mut found = (0, useful);
    let mut missed = f64::INFINITY;
    for crossings in 0..useful {
        for longest in 1..=useful {
            let possible = random.cell(crossings, longest) > 0.0;
            if possible
                && random.inside(crossings, longest) >= SPECIFICITY
                && shifted.inside(crossings, longest) < missed
            {
                missed = shifted.inside(crossings, longest);
                found = (crossings, longest);
            }
        }
    }
    RunBox {
        longest_run_limit: found.1,
        crossings_limit: found.0,
        longest_run_at_fewest: found.1,
        crossings_at_longest: found.0,
    }
}

/// The joint distribution of crossings and longest run in independent observations.
struct Joint {
    useful: usize,
    /// By longest run allowed and by crossings: the probability of that many crossings with no longer run.
    no_longer: Vec<Vec<f64>>,
}

impl Joint {
    /// For observations that lie above the line with probability `above`.
    fn of(useful: usize, above: f64) -> Self {
        let no_longer = (0..=useful).map(|longest| Self::crossings(useful, above, longest)).collect();
        Self { useful, no_longer }
    }

    /// Probabilities of 0, 1, … crossings with no run longer than `longest`.
    fn crossings(useful: usize, above: f64, longest: usize) -> Vec<f64> {
        let mut found = vec![0.0; useful];
        if longest == 0 {
            return found;
        }
        // By side of the last run and by length of the series; a series of no runs precedes the first run.
        let start =
            |length: usize, side: f64| if (1..=longest).contains(&length) { side.powf(length as f64) } else { 0.0 };
        let mut high: Vec<f64> = (0..=useful).map(|length| start(length, above)).collect();
        let mut low: Vec<f64> = (0..=useful).map(|length| start(length, 1.0 - above)).collect();
        for crossings in &mut found {
            *crossings = high[useful] + low[useful];
            (high, low) = (add_run(&low, above, longest), add_run(&high, 1.0 - above, longest));
        }
        found
    }

    /// The probability of exactly so many crossings and exactly that longest run; exactly 0 where they exclude each other.
    fn cell(&self, crossings: usize, longest: usize) -> f64 {
        let possible = crossings < self.useful
            && longest >= self.useful.div_ceil(crossings + 1)
            && longest <= self.useful - crossings;
        if possible { self.no_longer[longest][crossings] - self.no_longer[longest - 1][crossings] } else { 0.0 }
    }

    /// The probability of at least so many crossings and no longer run.
    fn inside(&self, crossings: usize, longest: usize) -> f64 {
        self.no_longer[longest][crossings..].iter().sum()
    }
}

/// Series of every length that end in one more run of 1 to `longest` observations, each of probability `side`.
fn add_run(before: &[f64], side: f64, longest: usize) -> Vec<f64> {
    let beyond = side.powf(longest as f64 + 1.0);
    let mut found = vec![0.0; before.len()];
    for length in 1..before.len() {
        // The sum over the run's length, moved along by one.
        let leaving = if length > longest { beyond * before[length - 1 - longest] } else { 0.0 };
        found[length] = (side * (before[length - 1] + found[length - 1]) - leaving).max(0.0);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_joint_distribution_is_that_of_all_series_counted() {
        let useful = 9;
        let joint = Joint::of(useful, 0.5);
        let mut counts = std::collections::HashMap::new();
        for series in 0_u32..1 << useful {
            let bits: Vec<u32> = (0..useful).map(|place| series >> place & 1).collect();
            let longest = bits.chunk_by(|one, other| one == other).map(<[u32]>::len).max().unwrap_or(0);
            let crossings = bits.windows(2).filter(|pair| pair[0] != pair[1]).count();
            *counts.entry((crossings, longest)).or_insert(0.0) += 1.0;
        }
        for crossings in 0..useful {
            for longest in 1..=useful {
                let wanted = counts.get(&(crossings, longest)).copied().unwrap_or(0.0) / f64::from(1_u32 << useful);
                assert!((joint.cell(crossings, longest) - wanted).abs() < 1e-15, "{crossings} {longest}");
            }
        }
    }

    #[test]
    fn a_cut_box_lies_within_its_best_box_and_keeps_the_specificity() -> Result<()> {
        for useful in [10, 17, 26, 40, 77, 100] {
            let (whole, cut) = (best_box(useful)?, cut_box(useful)?);
            assert_eq!((whole.longest_run_limit, whole.crossings_limit), (cut.longest_run_limit, cut.crossings_limit));
            let joint = Joint::of(useful, 0.5);
            let mut inside = joint.inside(cut.crossings_limit, cut.longest_run_limit);
            for longest in cut.longest_run_at_fewest + 1..=cut.longest_run_limit {
                inside -= joint.cell(cut.crossings_limit, longest);
            }
            for crossings in cut.crossings_limit + 1..cut.crossings_at_longest {
                inside -= joint.cell(crossings, cut.longest_run_limit);
            }
            assert!(inside >= SPECIFICITY - 1e-12, "{useful}: {inside}");
        }
        assert!(best_box(9).is_err() && cut_box(201).is_err());
        Ok(())
    }
}
