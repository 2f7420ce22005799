//! Segmented regression of an interrupted time series.

use std::f64::consts::TAU;

use super::regression::{Constant, LinearFit, Regression};
use super::uncertainty::{Estimate, Reference};
use super::variance::Variance;
use crate::{Result, StatisticsError};

/// Fewer points than this before or after an interruption are too few to tell a change from noise: see
/// [`Segmented::is_short`].
pub const FEW_POINTS: usize = 12;

/// What the regression holds besides level and trend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentedOptions<'a> {
    /// The positions, from 0 and in order, of the first point after each interruption.
    pub interruptions: &'a [usize],
    /// How the time since an interruption is counted, which decides the meaning of the level change.
    pub slope_start: SlopeStart,
    /// The adjustment for season.
    pub season: Season,
}

/// How the time since an interruption is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlopeStart {
    /// 0 at the first point after: the level change is the effect at that point.
    Zero,
    /// 1 at the first point after: the level change is the effect one step earlier, as if the line jumped there.
    One,
}

/// The adjustment for season.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Season {
    /// None.
    None,
    /// Pairs of a cosine and a sine of time.
    Harmonics {
        /// Points in a full cycle, such as 12 for months of a year.
        cycle: f64,
        /// How many pairs: the k-th goes through k waves a cycle. Twice as many must be below `cycle`.
        pairs: u32,
    },
    /// One constant per calendar month, compared with the month of the first point.
    CalendarMonths {
        /// The month of the first point, 1 to 12; the others follow without gap.
        first: u8,
    },
}

/// What a coefficient of the regression means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Term {
    /// The level at time 0, one step before the first point.
    Intercept,
    /// The trend per step before the first interruption. Time is 1 at the first point.
    Time,
    /// The change of level at an interruption, counted from 0.
    Level(usize),
    /// The change of trend per step at an interruption, counted from 0.
    Slope(usize),
    /// The cosine of so many waves a cycle.
    Cosine(u32),
    /// The sine of so many waves a cycle.
    Sine(u32),
    /// A calendar month, 1 to 12.
    Month(u8),
}

/// A fitted interrupted time series.
#[derive(Debug, Clone)]
pub struct Segmented {
    /// What each coefficient of `fit` means, in the same order.
    pub terms: Vec<Term>,
    /// The regression. Its fitted values are those of the model; see [`Self::counterfactual`].
    pub fit: LinearFit,
    /// The columns of the regression without the intercept.
    pub columns: Vec<Vec<f64>>,
    /// The positions of the first point after each interruption.
    pub interruptions: Vec<usize>,
    /// How the time since an interruption was counted.
    pub slope_start: SlopeStart,
    /// The adjustment for season.
    pub season: Season,
}

/// The effect at one point, and that of all points so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointEffect {
    /// Position of the point, from 0.
    pub position: usize,
    /// The value had there been no interruption.
    pub counterfactual: f64,
    /// The fitted value minus the counterfactual.
    pub effect: Estimate,
    /// The sum of the effects from the interruption to this point.
    pub cumulative: Estimate,
}

/// Fits `y ~ time + level change + slope change`, with season if asked for, to a series of equally spaced points in order
/// of time.
///
/// The fit is by ordinary least squares. Errors of neighbouring points are often related: choose
/// [`Variance::NeweyWest`] beside [`Variance::Classical`], and look at [`super::durbin_watson`]. Both are too confident
/// in short series that are strongly related (Turner SL et al. BMC Med Res Methodol 2021;21:181).
///
/// Source: Wagner AK et al. Segmented regression analysis of interrupted time series studies in medication use research.
/// J Clin Pharm Ther 2002;27:299–309.
///
/// # Errors
///
/// [`StatisticsError::Empty`] without an interruption; [`StatisticsError::OutOfRange`] when interruptions are not in
/// order or leave no point on either side, or for a season that cannot be told apart; [`StatisticsError::Collinear`] with
/// too few points in a segment; otherwise as [`Regression::fit`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{Reference, Season, SegmentedOptions, SlopeStart, Term, Variance, segmented};
/// let no_shows = [18.9, 19.5, 17.9, 17.5, 17.9, 19.1, 14.2, 14.9, 14.4, 13.7, 14.2, 15.2];
/// let options =
///     SegmentedOptions { interruptions: &[6], slope_start: SlopeStart::Zero, season: Season::None };
/// let series = segmented(&no_shows, &options)?;
/// let variance = Variance::NeweyWest { lag: 1, small_sample: true };
/// let effects = series.effects(0, &variance, Reference::TResidual, 0.95)?;
/// assert_eq!((effects.len(), series.terms[2]), (6, Term::Level(0)));
/// assert!(effects[5].cumulative.interval.upper < 0.0);
/// # Ok(())
/// # }
/// ```
pub fn segmented(outcome: &[f64], options: &SegmentedOptions<'_>) -> Result<Segmented> {
    let points = outcome.len();
    check(points, options)?;
    let mut terms = vec![Term::Time];
    let mut columns: Vec<Vec<f64>> = vec![(1..=points).map(|time| time as f64).collect()];
    let first_step = match options.slope_start {
        SlopeStart::Zero => 0,
        SlopeStart::One => 1,
    };
    for (number, &start) in options.interruptions.iter().enumerate() {
        terms.extend([Term::Level(number), Term::Slope(number)]);
        columns.push((0..points).map(|point| if point < start { 0.0 } else { 1.0 }).collect());
        columns.push(
            (0..points).map(|point| if point < start { 0.0 } else { (point - start + first_step) as f64 }).collect(),
        );
    }
    match options.season {
        Season::None => {}
        Season::Harmonics { cycle, pairs } => {
            for waves in 1..=pairs {
                let angle = |point: usize| TAU * f64::from(waves) * (point + 1) as f64 / cycle;
                terms.extend([Term::Cosine(waves), Term::Sine(waves)]);
                columns.push((0..points).map(|point| angle(point).cos()).collect());
                columns.push((0..points).map(|point| angle(point).sin()).collect());
            }
        }
        Season::CalendarMonths { first } => {
            let month_of = |point: usize| (usize::from(first) - 1 + point) % 12 + 1;
            for month in (1..=12_u8).filter(|month| *month != first) {
                if (0..points.min(12)).any(|point| month_of(point) == usize::from(month)) {
                    terms.push(Term::Month(month));
                    let inside = |point| f64::from(u8::from(month_of(point) == usize::from(month)));
                    columns.push((0..points).map(inside).collect());
                }
            }
        }
    }
    terms.insert(0, Term::Intercept);
    let fit =
        Regression { outcome, columns: &columns, constant: Constant::Intercept, nuisance: &[], weights: None }.fit()?;
    let interruptions = options.interruptions.to_vec();
    let (slope_start, season) = (options.slope_start, options.season);
    Ok(Segmented { terms, fit, columns, interruptions, slope_start, season })
}

fn check(points: usize, options: &SegmentedOptions<'_>) -> Result<()> {
    if options.interruptions.is_empty() {
        return Err(StatisticsError::Empty { what: "an interrupted time series (its interruptions)" });
    }
    let mut before = 0;
    for &start in options.interruptions {
        if start <= before || start >= points {
            let range = "after the first point and after the one before it, and not after the last point";
            return Err(StatisticsError::OutOfRange {
                what: "the position of an interruption",
                value: start as f64,
                range,
            });
        }
        before = start;
    }
    match options.season {
        Season::Harmonics { cycle, pairs } if !cycle.is_finite() || pairs == 0 || 2.0 * f64::from(pairs) >= cycle => {
            let range = "above twice the number of pairs, of which there is at least one";
            Err(StatisticsError::OutOfRange { what: "the cycle of a season", value: cycle, range })
        }
        Season::CalendarMonths { first } if !(1..=12).contains(&first) => {
            Err(StatisticsError::OutOfRange { what: "the first month", value: f64::from(first), range: "1 to 12" })
        }
        _ => Ok(()),
    }
}

impl Segmented {
    /// Returns every coefficient with its meaning.
    ///
    /// # Errors
    ///
    /// As [`LinearFit::uncertainty`] and [`super::Uncertainty::coefficient`].
    pub fn coefficients(
        &self,
        variance: &Variance<'_>,
        reference: Reference,
        confidence: f64,
    ) -> Result<Vec<(Term, Estimate)>> {
        let known = self.fit.uncertainty(variance)?;
        let coefficient =
            |(position, term): (usize, &Term)| Ok((*term, known.coefficient(position, reference, confidence)?));
        self.terms.iter().enumerate().map(coefficient).collect()
    }

    /// Returns the value at every point had the interruption `from`, counted from 0, and those after it not taken place:
    /// the line before, continued, with its season.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::OutOfRange`] for an interruption that is not one.
    pub fn counterfactual(&self, from: usize) -> Result<Vec<f64>> {
        self.start(from)?;
        Ok((0..self.fit.observations)
            .map(|point| {
                let effect =
                    self.contrast(from, point).iter().zip(&self.fit.coefficients).map(|(c, b)| c * b).sum::<f64>();
                self.fit.fitted[point] - effect
            })
            .collect())
    }

    /// Returns the effect at each point since the interruption `from`, and the cumulative effect up to it.
    ///
    /// # Errors
    ///
    /// As [`Self::counterfactual`], [`LinearFit::uncertainty`] and [`super::Uncertainty::contrast`].
    pub fn effects(
        &self,
        from: usize,
        variance: &Variance<'_>,
        reference: Reference,
        confidence: f64,
    ) -> Result<Vec<PointEffect>> {
        let start = self.start(from)?;
        let known = self.fit.uncertainty(variance)?;
        let mut sum = vec![0.0; self.terms.len()];
        (start..self.fit.observations)
            .map(|position| {
                let contrast = self.contrast(from, position);
                sum.iter_mut().zip(&contrast).for_each(|(sum, weight)| *sum += weight);
                let effect = known.contrast(&contrast, reference, confidence)?;
                let cumulative = known.contrast(&sum, reference, confidence)?;
                let counterfactual = self.fit.fitted[position] - effect.value;
                Ok(PointEffect { position, counterfactual, effect, cumulative })
            })
            .collect()
    }

    /// Says whether any segment has fewer than [`FEW_POINTS`] points: too few to tell a change from noise, and for errors
    /// that allow for related points.
    pub fn is_short(&self) -> bool {
        let ends = self.interruptions.iter().copied().chain([self.fit.observations]);
        let starts = [0].into_iter().chain(self.interruptions.iter().copied());
        starts.zip(ends).any(|(start, end)| end - start < FEW_POINTS)
    }

    /// How much each coefficient adds to the effect at a point.
    fn contrast(&self, from: usize, point: usize) -> Vec<f64> {
        let weight = |(position, term): (usize, &Term)| match term {
            Term::Level(number) | Term::Slope(number) if *number >= from => self.columns[position - 1][point],
            _ => 0.0,
        };
        self.terms.iter().enumerate().map(weight).collect()
    }

    fn start(&self, from: usize) -> Result<usize> {
        let range = "the number of an interruption, from 0";
        let wrong = StatisticsError::OutOfRange { what: "the interruption", value: from as f64, range };
        self.interruptions.get(from).copied().ok_or(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months() -> Vec<f64> {
        (0..48_i32).map(|t| 20.0 - 0.1 * f64::from(t) + f64::from((t * 7) % 5) / 4.0).collect()
    }

    #[test]
    fn both_ways_to_count_give_the_same_effects() -> Result<()> {
        let options =
            SegmentedOptions { interruptions: &[20, 34], slope_start: SlopeStart::Zero, season: Season::None };
        let zero = segmented(&months(), &options)?;
        let one = segmented(&months(), &SegmentedOptions { slope_start: SlopeStart::One, ..options })?;
        let of = |series: &Segmented| series.effects(0, &Variance::Classical, Reference::TResidual, 0.95);
        for (a, b) in of(&zero)?.iter().zip(&of(&one)?) {
            assert!((a.effect.value - b.effect.value).abs() < 1e-10);
            assert!((a.cumulative.standard_error / b.cumulative.standard_error - 1.0).abs() < 1e-9);
        }
        assert!(
            (zero.fit.coefficients[2] - one.fit.coefficients[2]).abs() > 1e-6,
            "the level change differs in meaning"
        );
        assert!(!zero.is_short());
        Ok(())
    }

    #[test]
    fn season_is_taken_out_and_stays_in_the_counterfactual() -> Result<()> {
        let wave = |t: i32| 3.0 * (TAU * f64::from(t) / 12.0).cos();
        let seasonal: Vec<f64> = months().iter().zip(1..).map(|(value, t)| value + wave(t)).collect();
        let plain = SegmentedOptions {
            interruptions: &[24],
            slope_start: SlopeStart::One,
            season: Season::Harmonics { cycle: 12.0, pairs: 1 },
        };
        let (with, without) = (segmented(&seasonal, &plain)?, segmented(&months(), &plain)?);
        assert_eq!(with.terms[4..], [Term::Cosine(1), Term::Sine(1)]);
        assert!((with.fit.coefficients[2] - without.fit.coefficients[2]).abs() < 1e-10);
        assert!((with.counterfactual(0)?[30] - without.counterfactual(0)?[30] - wave(31)).abs() < 1e-9);
        let monthly = SegmentedOptions { season: Season::CalendarMonths { first: 11 }, ..plain };
        let by_month = segmented(&seasonal, &monthly)?;
        assert_eq!(by_month.terms.len(), 4 + 11);
        assert!(!by_month.terms.contains(&Term::Month(11)));
        Ok(())
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let options =
            |interruptions| SegmentedOptions { interruptions, slope_start: SlopeStart::Zero, season: Season::None };
        for wrong in [&[0][..], &[48], &[30, 30], &[30, 20]] {
            assert!(
                matches!(segmented(&months(), &options(wrong)), Err(StatisticsError::OutOfRange { .. })),
                "{wrong:?}"
            );
        }
        assert!(matches!(segmented(&months(), &options(&[])), Err(StatisticsError::Empty { .. })));
        assert!(matches!(segmented(&months(), &options(&[47])), Err(StatisticsError::Collinear { column: 3 })));
        let season = Season::Harmonics { cycle: 12.0, pairs: 6 };
        assert!(matches!(
            segmented(&months(), &SegmentedOptions { season, ..options(&[24]) }),
            Err(StatisticsError::OutOfRange { .. })
        ));
    }
}
