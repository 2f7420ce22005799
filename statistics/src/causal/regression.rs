//! Least squares.

use super::input::{dense, dot, finite, finite_result, same_length, weights};
use crate::{Result, StatisticsError};

/// A column whose part that is not explained by the columns before it is shorter than this share of it depends on them.
const DEPENDENT: f64 = 1e-7;

/// A linear regression to be fitted.
///
/// All slices have one value per row. Columns stand in the order of their coefficients.
#[derive(Debug, Clone, Copy)]
pub struct Regression<'a> {
    /// The outcome, in any unit.
    pub outcome: &'a [f64],
    /// The columns whose coefficients are wanted.
    pub columns: &'a [Vec<f64>],
    /// The constant: none, one for all rows, or one per unit.
    pub constant: Constant<'a>,
    /// Columns that are adjusted for and have no coefficient in the result, such as one per period. Those that depend on
    /// others of them, or on the constants, are left out.
    pub nuisance: &'a [Vec<f64>],
    /// Weights above 0, such as member-months: a row's variance is taken to be inverse to its weight. `None` for one
    /// each.
    pub weights: Option<&'a [f64]>,
}

/// The constant of a regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant<'a> {
    /// None: the line goes through 0.
    None,
    /// One for all rows. It is column 0 of the result.
    Intercept,
    /// One per unit, given as a label for each row (fixed effects). They are swept out and counted as parameters, but
    /// have no coefficient in the result.
    PerUnit(&'a [usize]),
}

/// A regression fitted by least squares.
#[derive(Debug, Clone)]
pub struct LinearFit {
    /// The coefficients: of the intercept if there is one, then of each column.
    pub coefficients: Vec<f64>,
    /// The value on the fitted plane, per row.
    pub fitted: Vec<f64>,
    /// Outcome minus fitted value, per row.
    pub residuals: Vec<f64>,
    /// Rows.
    pub observations: usize,
    /// Parameters estimated, with all constants and nuisance columns: `K` in formulas.
    pub parameters: usize,
    /// Share of the variance explained, 0 to 1: about the mean when there is a constant, else about 0. `None` when the
    /// outcome does not vary.
    pub r_squared: Option<f64>,
    /// The standard deviation of the residuals on `N - K` degrees of freedom.
    pub residual_sd: f64,
    /// Per coefficient, what each (weighted) outcome adds to it: the rows of `(X'X)⁻¹X'`.
    pub(super) loadings: Vec<Vec<f64>>,
    /// Residuals times the root of their weight.
    pub(super) scaled_residuals: Vec<f64>,
    /// Whether the fit is perfect but for rounding.
    pub(super) exact: bool,
    /// Orthonormal columns that span the design, constants per unit apart.
    pub(super) basis: Vec<Vec<f64>>,
    /// The constants per unit.
    pub(super) swept: Option<Swept>,
    roots: Option<Vec<f64>>,
}

/// Constants per unit, as orthonormal dummy columns: row `i` holds `share[i]` in the column of its unit and 0 elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Swept {
    pub(super) unit: Vec<usize>,
    pub(super) share: Vec<f64>,
    pub(super) units: usize,
}

impl Swept {
    fn new(labels: &[usize], roots: Option<&[f64]>) -> Self {
        let (unit, units) = dense(labels);
        let mut sums = vec![0.0; units];
        let root = |row: usize| roots.map_or(1.0, |roots| roots[row]);
        for (row, &unit) in unit.iter().enumerate() {
            sums[unit] += root(row) * root(row);
        }
        let share = unit.iter().enumerate().map(|(row, &unit)| root(row) / sums[unit].sqrt()).collect();
        Self { unit, share, units }
    }

    fn sweep(&self, column: &mut [f64]) {
        let mut along = vec![0.0; self.units];
        for ((&unit, share), value) in self.unit.iter().zip(&self.share).zip(column.iter()) {
            along[unit] += share * value;
        }
        for ((&unit, share), value) in self.unit.iter().zip(&self.share).zip(column.iter_mut()) {
            *value -= share * along[unit];
        }
    }
}

impl Regression<'_> {
    /// Fits the regression by orthogonalising the columns one after the other, twice over (Gram–Schmidt with
    /// reorthogonalisation), which is as exact as a QR decomposition by reflections and names a dependent column.
    ///
    /// Constants per unit are swept out by subtracting unit means (Frisch & Waugh 1933; Lovell 1963), which gives the
    /// same coefficients, residuals and variances as a dummy column per unit, in balanced and unbalanced data.
    ///
    /// Source: Björck Å. Numerical Methods for Least Squares Problems. SIAM, 1996, section 2.4.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::Empty`], [`StatisticsError::LengthMismatch`], [`StatisticsError::ValueNotFinite`],
    /// [`StatisticsError::OutOfRange`] for a weight that is not above 0; [`StatisticsError::Collinear`] with the position
    /// among the coefficients; [`StatisticsError::TooFew`] unless there are more rows than parameters;
    /// [`StatisticsError::NotFinite`] when numbers overflow.
    ///
    /// ```
    /// # fn main() -> carecoord_statistics::Result<()> {
    /// use carecoord_statistics::causal::{Constant, Reference, Regression, Variance};
    /// let (visits, weeks) = ([2.1, 2.9, 4.2, 4.8, 6.1], vec![1.0, 2.0, 3.0, 4.0, 5.0]);
    /// let fit = Regression {
    ///     outcome: &visits,
    ///     columns: &[weeks],
    ///     constant: Constant::Intercept,
    ///     nuisance: &[],
    ///     weights: None,
    /// }
    /// .fit()?;
    /// assert!((fit.coefficients[1] - 0.99).abs() < 1e-12);
    /// let slope = fit.uncertainty(&Variance::Hc3)?.coefficient(1, Reference::TResidual, 0.95)?;
    /// assert!(slope.interval.lower > 0.7 && slope.variance == "HC3");
    /// # Ok(())
    /// # }
    /// ```
    pub fn fit(&self) -> Result<LinearFit> {
        self.check()?;
        let rows = self.outcome.len();
        let roots: Option<Vec<f64>> = self.weights.map(|weights| weights.iter().map(|weight| weight.sqrt()).collect());
        let swept = match self.constant {
            Constant::PerUnit(labels) => Some(Swept::new(labels, roots.as_deref())),
            Constant::None | Constant::Intercept => None,
        };
        let mut fit = LinearFit {
            coefficients: Vec::new(),
            fitted: Vec::new(),
            residuals: Vec::new(),
            observations: rows,
            parameters: 0,
            r_squared: None,
            residual_sd: 0.0,
            loadings: Vec::new(),
            scaled_residuals: Vec::new(),
            exact: false,
            basis: Vec::new(),
            swept,
            roots,
        };
        // Per column of the basis: its triangular factors, the unit it was divided by, and whether it is reported.
        let mut triangle: Vec<(Vec<f64>, f64, bool)> = Vec::new();
        let ones = (self.constant == Constant::Intercept).then(|| vec![1.0; rows]);
        let design = ones
            .iter()
            .map(|column| (column, true))
            .chain(self.nuisance.iter().map(|column| (column, false)))
            .chain(self.columns.iter().map(|column| (column, true)));
        let mut reported = 0;
        for (column, wanted) in design {
            match fit.orthogonalise(column)? {
                Some((factors, unit)) => triangle.push((factors, unit, wanted)),
                None if wanted => return Err(StatisticsError::Collinear { column: reported }),
                None => {}
            }
            reported += usize::from(wanted);
        }
        fit.parameters = fit.basis.len() + fit.swept.as_ref().map_or(0, |swept| swept.units);
        if rows <= fit.parameters {
            let (found, needed) = (rows as u64, fit.parameters as u64 + 1);
            return Err(StatisticsError::TooFew { what: "a regression with these columns", found, needed });
        }
        fit.solve(self, &triangle)?;
        Ok(fit)
    }

    fn check(&self) -> Result<()> {
        let rows = self.outcome.len();
        if rows == 0 {
            return Err(StatisticsError::Empty { what: "a regression" });
        }
        finite(self.outcome)?;
        for column in self.nuisance.iter().chain(self.columns) {
            same_length("a column", column.len(), rows)?;
            finite(column)?;
        }
        if let Constant::PerUnit(labels) = self.constant {
            same_length("the units", labels.len(), rows)?;
        }
        if let Some(given) = self.weights {
            same_length("the weights", given.len(), rows)?;
            weights(given)?;
        }
        Ok(())
    }
}

impl LinearFit {
    /// Returns what is left of a column after the design has explained what it can, times the root of the weights.
    pub(super) fn unexplained(&self, column: &[f64]) -> Vec<f64> {
        let mut rest = self.scaled(column);
        for _ in 0..2 {
            self.take_out(&mut rest);
        }
        rest
    }

    /// Multiplies by the root of the weights.
    pub(super) fn scaled(&self, column: &[f64]) -> Vec<f64> {
        match &self.roots {
            Some(roots) => column.iter().zip(roots).map(|(value, root)| value * root).collect(),
            None => column.to_vec(),
        }
    }

    /// Takes the design out of a column and returns how much of each basis column was in it.
    fn take_out(&self, rest: &mut [f64]) -> Vec<f64> {
        if let Some(swept) = &self.swept {
            swept.sweep(rest);
        }
        let mut factors = Vec::with_capacity(self.basis.len() + 1);
        for known in &self.basis {
            let factor = dot(known, rest);
            for (value, known) in rest.iter_mut().zip(known) {
                *value -= factor * known;
            }
            factors.push(factor);
        }
        factors
    }

    /// Adds the part of a column that is new to the basis; `None` when there is none.
    fn orthogonalise(&mut self, column: &[f64]) -> Result<Option<(Vec<f64>, f64)>> {
        let unit = column.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        if unit <= 0.0 {
            return Ok(None);
        }
        let mut rest = self.scaled(column);
        for value in &mut rest {
            *value /= unit;
        }
        let length = finite_result("the length of a column", dot(&rest, &rest).sqrt())?;
        let mut factors = self.take_out(&mut rest);
        for (factor, more) in factors.iter_mut().zip(self.take_out(&mut rest)) {
            *factor += more;
        }
        let left = dot(&rest, &rest).sqrt();
        if left <= DEPENDENT * length {
            return Ok(None);
        }
        for value in &mut rest {
            *value /= left;
        }
        factors.push(left);
        self.basis.push(rest);
        Ok(Some((factors, unit)))
    }

    fn solve(&mut self, given: &Regression<'_>, triangle: &[(Vec<f64>, f64, bool)]) -> Result<()> {
        let outcome = self.scaled(given.outcome);
        let mut rest = outcome.clone();
        let mut along = self.take_out(&mut rest);
        for (total, more) in along.iter_mut().zip(self.take_out(&mut rest)) {
            *total += more;
        }
        let size = triangle.len();
        let mut solution = along;
        for column in (0..size).rev() {
            solution[column] /= triangle[column].0[column];
            let (known, value) = (&triangle[column].0, solution[column]);
            for (earlier, factor) in solution.iter_mut().zip(&known[..column]) {
                *earlier -= factor * value;
            }
        }
        for (column, (_, unit, wanted)) in triangle.iter().enumerate() {
            if *wanted {
                self.coefficients.push(finite_result("a coefficient", solution[column] / unit)?);
                self.loadings.push(self.loading(triangle, column));
            }
        }
        let residual_squares = finite_result("the sum of squared residuals", dot(&rest, &rest))?;
        let squares = finite_result("the sum of squares", dot(&outcome, &outcome))?;
        self.exact = residual_squares <= 1e-26 * squares;
        self.residual_sd = (residual_squares / (self.observations - self.parameters) as f64).sqrt();
        self.r_squared = explained(given, residual_squares, squares);
        self.residuals = match &self.roots {
            Some(roots) => rest.iter().zip(roots).map(|(value, root)| value / root).collect(),
            None => rest.clone(),
        };
        self.fitted = given.outcome.iter().zip(&self.residuals).map(|(value, residual)| value - residual).collect();
        self.scaled_residuals = rest;
        Ok(())
    }

    /// The row of `R⁻¹Q'` for one column, with its unit taken out.
    fn loading(&self, triangle: &[(Vec<f64>, f64, bool)], column: usize) -> Vec<f64> {
        // Row `column` of the inverse of an upper triangle: zero before the diagonal, then by substitution forwards.
        let mut inverse = vec![0.0; triangle.len()];
        for (later, (factors, _, _)) in triangle.iter().enumerate().skip(column) {
            let known: f64 = (column..later).map(|between| inverse[between] * factors[between]).sum();
            let identity = if later == column { 1.0 } else { 0.0 };
            inverse[later] = (identity - known) / factors[later];
        }
        let unit = triangle[column].1;
        let mut loading = vec![0.0; self.observations];
        for (weight, known) in inverse.iter().zip(&self.basis).skip(column) {
            for (value, known) in loading.iter_mut().zip(known) {
                *value += weight / unit * known;
            }
        }
        loading
    }
}

/// R², about the mean when there is a constant.
fn explained(given: &Regression<'_>, residual_squares: f64, squares: f64) -> Option<f64> {
    let weight = |row: usize| given.weights.map_or(1.0, |weights| weights[row]);
    let total = if given.constant == Constant::None {
        squares
    } else {
        let all: f64 = (0..given.outcome.len()).map(weight).sum();
        let mean = given.outcome.iter().enumerate().map(|(row, value)| weight(row) * value).sum::<f64>() / all;
        given.outcome.iter().enumerate().map(|(row, value)| weight(row) * (value - mean).powi(2)).sum()
    };
    // A total that is rounding beside the outcome itself is no variation.
    (total > 1e-26 * squares && total.is_finite()).then(|| (1.0 - residual_squares / total).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(
        outcome: &[f64],
        columns: &[Vec<f64>],
        constant: Constant<'_>,
        weights: Option<&[f64]>,
    ) -> Result<LinearFit> {
        Regression { outcome, columns, constant, nuisance: &[], weights }.fit()
    }

    #[test]
    fn a_dependent_column_is_named_by_its_coefficient() {
        let columns = [vec![1.0, 2.0, 3.0, 5.0], vec![3.0, 5.0, 7.0, 11.0]];
        assert_eq!(
            fit(&[1.0, 2.0, 4.0, 3.0], &columns, Constant::Intercept, None).err(),
            Some(StatisticsError::Collinear { column: 2 })
        );
        let constant = [vec![7.0; 4]];
        assert_eq!(
            fit(&[1.0, 2.0, 4.0, 3.0], &constant, Constant::PerUnit(&[1, 1, 2, 2]), None).err(),
            Some(StatisticsError::Collinear { column: 0 })
        );
    }

    #[test]
    fn bad_input_has_a_reason() {
        let column = [vec![1.0, 2.0, 3.0]];
        assert!(matches!(fit(&[], &[], Constant::Intercept, None), Err(StatisticsError::Empty { .. })));
        assert!(matches!(
            fit(&[1.0, f64::NAN, 2.0], &column, Constant::None, None),
            Err(StatisticsError::ValueNotFinite { index: 1, .. })
        ));
        assert!(matches!(
            fit(&[1.0, 2.0], &column, Constant::None, None),
            Err(StatisticsError::LengthMismatch { found: 3, expected: 2, .. })
        ));
        assert!(matches!(
            fit(&[1.0, 2.0, 3.0], &column, Constant::None, Some(&[1.0, 0.0, 1.0])),
            Err(StatisticsError::OutOfRange { .. })
        ));
        assert!(matches!(
            fit(&[1.0, 2.0], &[vec![1.0, 3.0]], Constant::Intercept, None),
            Err(StatisticsError::TooFew { found: 2, needed: 3, .. })
        ));
    }

    #[test]
    fn a_whole_weight_is_a_repeated_row() -> Result<()> {
        let weighted =
            fit(&[1.0, 4.0, 2.0, 7.0], &[vec![0.0, 1.0, 2.0, 4.0]], Constant::Intercept, Some(&[1.0, 2.0, 1.0, 1.0]))?;
        let repeated = fit(&[1.0, 4.0, 4.0, 2.0, 7.0], &[vec![0.0, 1.0, 1.0, 2.0, 4.0]], Constant::Intercept, None)?;
        for (a, b) in weighted.coefficients.iter().zip(&repeated.coefficients) {
            assert!((a - b).abs() < 1e-13);
        }
        assert!((weighted.r_squared.unwrap_or(2.0) - repeated.r_squared.unwrap_or(3.0)).abs() < 1e-13);
        Ok(())
    }

    #[test]
    fn units_of_measurement_do_not_decide_what_is_dependent() -> Result<()> {
        for unit in [1e-200, 1e-9, 1.0, 1e9, 1e200] {
            let column = vec![unit, 3.0 * unit, 2.0 * unit, 7.0 * unit];
            let slope = fit(&[1.0, 2.0, 1.5, 4.5], &[column], Constant::Intercept, None)?.coefficients[1];
            assert!((slope * unit / 0.590_361_445_783_132_5 - 1.0).abs() < 1e-10, "{unit}: {}", slope * unit);
        }
        Ok(())
    }
}
