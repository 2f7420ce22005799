//! Difference-in-differences.

use super::input::{finite, same_length, weights};
use super::regression::{Constant, LinearFit, Regression};
use super::uncertainty::{Estimate, Reference};
use super::variance::Variance;
use crate::{Result, StatisticsError};

/// Rows of two groups in two periods; one value per row in every slice.
#[derive(Debug, Clone, Copy)]
pub struct GroupsAndPeriods<'a> {
    /// The outcome, in any unit.
    pub outcome: &'a [f64],
    /// Whether the row belongs to the group that gets the intervention, in both periods.
    pub treated: &'a [bool],
    /// Whether the row lies in the period after the intervention, in both groups.
    pub post: &'a [bool],
    /// Columns adjusted for.
    pub covariates: &'a [Vec<f64>],
    /// Weights above 0, such as member-months; `None` for one each.
    pub weights: Option<&'a [f64]>,
}

/// One of the four cells of a 2×2 comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Rows in the cell, at least 1.
    pub rows: u64,
    /// Their weighted mean, without covariates.
    pub mean: f64,
}

/// A difference-in-differences of two groups and two periods.
#[derive(Debug, Clone)]
pub struct TwoByTwo {
    /// The treated, before.
    pub treated_before: Cell,
    /// The treated, after.
    pub treated_after: Cell,
    /// The comparison group, before.
    pub comparison_before: Cell,
    /// The comparison group, after.
    pub comparison_after: Cell,
    /// The regression, with coefficients at [`Self::INTERCEPT`], [`Self::TREATED`], [`Self::POST`], [`Self::EFFECT`] and
    /// then one per covariate.
    pub fit: LinearFit,
}

impl TwoByTwo {
    /// Position of the comparison group's mean before, without covariates.
    pub const INTERCEPT: usize = 0;
    /// Position of the difference between the groups before.
    pub const TREATED: usize = 1;
    /// Position of the comparison group's change.
    pub const POST: usize = 2;
    /// Position of the effect: the treated group's change beyond that of the comparison group.
    pub const EFFECT: usize = 3;

    /// Returns the effect, in units of the outcome.
    ///
    /// # Errors
    ///
    /// As [`LinearFit::uncertainty`] and [`super::Uncertainty::coefficient`].
    pub fn effect(&self, variance: &Variance<'_>, reference: Reference, confidence: f64) -> Result<Estimate> {
        self.fit.uncertainty(variance)?.coefficient(Self::EFFECT, reference, confidence)
    }
}

/// Compares the change of a treated group with that of a comparison group, by the regression
/// `y = a + g treated + d post + t (treated × post) + x'b`, whose `t` is the effect. Without covariates `t` is `(T₁ - T₀) - (C₁ - C₀)` of the four means.
///
/// The effect is causal only as far as both groups would have changed alike without the intervention: see
/// [`super::event_study`]. Where units are observed repeatedly, choose a cluster variance.
///
/// Source: Angrist JD, Pischke J-S. Mostly Harmless Econometrics. Princeton 2009, section 5.2.
///
/// # Errors
///
/// [`StatisticsError::TooFew`] when one of the four cells has no row; otherwise as [`Regression::fit`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{GroupsAndPeriods, Reference, Variance, two_by_two};
/// let found = two_by_two(&GroupsAndPeriods {
///     outcome: &[410.0, 450.0, 380.0, 400.0, 430.0, 410.0, 440.0, 430.0],
///     treated: &[true, true, true, true, false, false, false, false],
///     post: &[false, false, true, true, false, false, true, true],
///     covariates: &[],
///     weights: None,
/// })?;
/// let effect = found.effect(&Variance::Hc1, Reference::TResidual, 0.95)?;
/// assert!((effect.value - (-55.0)).abs() < 1e-9);
/// # Ok(())
/// # }
/// ```
pub fn two_by_two(data: &GroupsAndPeriods<'_>) -> Result<TwoByTwo> {
    data.check()?;
    let cell = |treated, post| data.cell(treated, post);
    let [treated_before, treated_after] = [cell(true, false)?, cell(true, true)?];
    let [comparison_before, comparison_after] = [cell(false, false)?, cell(false, true)?];
    let both: Vec<bool> = data.treated.iter().zip(data.post).map(|(treated, post)| *treated && *post).collect();
    let mut columns = vec![dummy(data.treated), dummy(data.post), dummy(&both)];
    columns.extend_from_slice(data.covariates);
    let (outcome, weights) = (data.outcome, data.weights);
    let fit = Regression { outcome, columns: &columns, constant: Constant::Intercept, nuisance: &[], weights }.fit()?;
    Ok(TwoByTwo { treated_before, treated_after, comparison_before, comparison_after, fit })
}

impl GroupsAndPeriods<'_> {
    pub(super) fn check(&self) -> Result<()> {
        let rows = self.outcome.len();
        same_length("the treated", self.treated.len(), rows)?;
        same_length("the period", self.post.len(), rows)?;
        finite(self.outcome)?;
        if let Some(given) = self.weights {
            same_length("the weights", given.len(), rows)?;
            weights(given)?;
        }
        Ok(())
    }

    fn cell(&self, treated: bool, post: bool) -> Result<Cell> {
        let inside = |row: &usize| self.treated[*row] == treated && self.post[*row] == post;
        let (mut rows, mut sum, mut weight) = (0, 0.0, 0.0);
        for row in (0..self.outcome.len()).filter(inside) {
            let own = self.weights.map_or(1.0, |weights| weights[row]);
            rows += 1;
            sum += own * self.outcome[row];
            weight += own;
        }
        if rows == 0 {
            let what = "each of the four cells (treated or not, before or after)";
            return Err(StatisticsError::TooFew { what, found: 0, needed: 1 });
        }
        Ok(Cell { rows, mean: super::input::finite_result("a mean", sum / weight)? })
    }
}

/// Rows of units observed over periods; one value per row in every slice. A unit may lack periods (unbalanced) and may
/// have several rows in one.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// The outcome, in any unit.
    pub outcome: &'a [f64],
    /// The unit, by any label.
    pub unit: &'a [usize],
    /// The period, in order of time, such as months counted from some start.
    pub period: &'a [i64],
    /// Columns adjusted for, which vary within units.
    pub covariates: &'a [Vec<f64>],
    /// Weights above 0, such as member-months; `None` for one each.
    pub weights: Option<&'a [f64]>,
}

/// A difference-in-differences with an effect of every unit and every period.
#[derive(Debug, Clone)]
pub struct TwoWay {
    /// Units.
    pub units: usize,
    /// Periods.
    pub periods: usize,
    /// The regression, with the effect at [`Self::EFFECT`] and then one coefficient per covariate. Its R² counts what
    /// units and periods explain; its parameters count them as well.
    pub fit: LinearFit,
}

impl TwoWay {
    /// Position of the effect.
    pub const EFFECT: usize = 0;

    /// Returns the effect, in units of the outcome.
    ///
    /// # Errors
    ///
    /// As [`LinearFit::uncertainty`] and [`super::Uncertainty::coefficient`].
    pub fn effect(&self, variance: &Variance<'_>, reference: Reference, confidence: f64) -> Result<Estimate> {
        self.fit.uncertainty(variance)?.coefficient(Self::EFFECT, reference, confidence)
    }
}

/// Estimates the effect of being under treatment with fixed effects of unit and period. `under_treatment` says per row
/// whether the intervention runs in that unit in that period.
///
/// When units start at different times and effects grow with time, this single coefficient mixes good comparisons with
/// comparisons against units already treated (Goodman-Bacon A. J Econometrics 2021;225:254–277): look at
/// [`super::event_study`] beside it.
///
/// Source: Angrist & Pischke 2009, section 5.2; the sweeping out of units is exact, see [`Regression::fit`].
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for one unit or one period; [`StatisticsError::NotComputable`] when treatment follows from
/// unit and period alone, as when all units start together; otherwise as [`Regression::fit`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{ClusterAdjustment, Panel, Reference, Variance, two_way};
/// let unit = [1, 1, 2, 2, 3, 3, 4, 4];
/// let panel = Panel {
///     outcome: &[50.0, 44.0, 52.0, 45.0, 40.0, 42.0, 47.0, 48.0],
///     unit: &unit,
///     period: &[1, 2, 1, 2, 1, 2, 1, 2],
///     covariates: &[],
///     weights: None,
/// };
/// let found = two_way(&panel, &[false, true, false, true, false, false, false, false])?;
/// let variance = Variance::Cluster { clusters: &unit, adjustment: ClusterAdjustment::Cr2 };
/// let effect = found.effect(&variance, Reference::Satterthwaite, 0.95)?;
/// assert!((effect.value - (-8.0)).abs() < 1e-9);
/// # Ok(())
/// # }
/// ```
pub fn two_way(panel: &Panel<'_>, under_treatment: &[bool]) -> Result<TwoWay> {
    same_length("the treatment", under_treatment.len(), panel.outcome.len())?;
    let mut columns = vec![dummy(under_treatment)];
    columns.extend_from_slice(panel.covariates);
    let (units, periods, fit) = panel.fit(&columns).map_err(|error| match error {
        StatisticsError::Collinear { column: TwoWay::EFFECT } => StatisticsError::NotComputable {
            what: "the effect with fixed effects of unit and period",
            because: "treatment follows from unit and period alone: no unit changes while another in the same period does not",
        },
        other => other,
    })?;
    Ok(TwoWay { units, periods, fit })
}

impl Panel<'_> {
    /// Fits columns with effects of unit and period.
    pub(super) fn fit(&self, columns: &[Vec<f64>]) -> Result<(usize, usize, LinearFit)> {
        let rows = self.outcome.len();
        same_length("the units", self.unit.len(), rows)?;
        same_length("the periods", self.period.len(), rows)?;
        let units = distinct(self.unit).len();
        let periods = distinct(self.period);
        for (what, found) in [("units of a panel", units), ("periods of a panel", periods.len())] {
            if found < 2 {
                return Err(StatisticsError::TooFew { what, found: found as u64, needed: 2 });
            }
        }
        let nuisance: Vec<Vec<f64>> = periods
            .iter()
            .skip(1)
            .map(|period| self.period.iter().map(|own| if own == period { 1.0 } else { 0.0 }).collect())
            .collect();
        let regression = Regression {
            outcome: self.outcome,
            columns,
            constant: Constant::PerUnit(self.unit),
            nuisance: &nuisance,
            weights: self.weights,
        };
        Ok((units, periods.len(), regression.fit()?))
    }
}

/// The distinct labels, sorted.
pub(super) fn distinct<L: Ord + Copy>(labels: &[L]) -> Vec<L> {
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

/// A column of 1 where true and 0 where not.
pub(super) fn dummy(values: &[bool]) -> Vec<f64> {
    values.iter().map(|value| f64::from(u8::from(*value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_needs_a_row() {
        let found = two_by_two(&GroupsAndPeriods {
            outcome: &[1.0, 2.0, 3.0],
            treated: &[true, true, false],
            post: &[false, true, true],
            covariates: &[],
            weights: None,
        });
        assert!(matches!(found, Err(StatisticsError::TooFew { found: 0, .. })));
    }

    #[test]
    fn units_that_start_together_cannot_be_told_from_time() {
        let panel = Panel {
            outcome: &[1.0, 2.0, 3.0, 5.0, 4.0, 4.5],
            unit: &[1, 1, 1, 2, 2, 2],
            period: &[1, 2, 3, 1, 2, 3],
            covariates: &[],
            weights: None,
        };
        let found = two_way(&panel, &[false, true, true, false, true, true]);
        assert!(matches!(found, Err(StatisticsError::NotComputable { .. })), "{found:?}");
    }

    /// A panel in two parts that share no period: one period dummy less than periods, and still an answer.
    #[test]
    fn a_panel_in_separate_parts_still_has_an_answer() -> Result<()> {
        let panel = Panel {
            outcome: &[1.0, 3.0, 2.0, 2.5, 7.0, 9.5, 4.0, 4.25],
            unit: &[1, 1, 2, 2, 3, 3, 4, 4],
            period: &[1, 2, 1, 2, 8, 9, 8, 9],
            covariates: &[],
            weights: None,
        };
        let found = two_way(&panel, &[false, true, false, false, false, true, false, false])?;
        assert!((found.fit.coefficients[0] - 1.875).abs() < 1e-12, "{:?}", found.fit.coefficients);
        assert_eq!(found.fit.parameters, 4 + 2 + 1);
        Ok(())
    }
}
