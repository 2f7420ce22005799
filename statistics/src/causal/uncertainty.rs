//! From a fit and its variance to intervals and tests.

use nalgebra::{DMatrix, DVector};

use super::cluster::satterthwaite;
use super::input::same_length;
use super::regression::LinearFit;
use super::variance::{Errors, Variance};
use crate::intervals::{Interval, Method, two_sided_error};
use crate::linear::inverse;
use crate::quantile::{chi_square_upper, f_upper, normal_both_tails, normal_two_sided, t_both_tails, t_two_sided};
use crate::{Result, StatisticsError};

/// A variance below this share of the textbook one is rounding.
const NO_VARIANCE: f64 = 1e-22;

/// The distribution against which a coefficient is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reference {
    /// The standard normal distribution: for large samples.
    Normal,
    /// Student's t on `N - K` degrees of freedom.
    TResidual,
    /// Student's t on `G - 1` degrees of freedom, for a cluster variance of `G` clusters.
    TClusters,
    /// Student's t on the degrees of freedom given, above 0.
    TOn(f64),
    /// Student's t on the degrees of freedom that Bell & `McCaffrey` work out per coefficient, for
    /// [`super::ClusterAdjustment::Cr2`].
    Satterthwaite,
}

/// An estimate with its error, test and interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate, in units of the outcome per unit of the column.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The estimate over its standard error.
    pub statistic: f64,
    /// Degrees of freedom of Student's t; `None` for the normal distribution.
    pub freedom: Option<f64>,
    /// Two-sided p-value of the hypothesis that the true value is 0.
    pub p_value: f64,
    /// Two-sided confidence interval.
    pub interval: Interval,
    /// The name of the variance: see [`Variance::name`].
    pub variance: &'static str,
    /// The reference distribution.
    pub reference: Reference,
}

/// A joint test that several coefficients are all 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaldTest {
    /// With a normal reference the chi-squared statistic; with a t reference that divided by the number of
    /// coefficients, an F statistic.
    pub statistic: f64,
    /// How many coefficients are tested.
    pub tested: usize,
    /// Degrees of freedom of the denominator; `None` for the chi-squared distribution.
    pub freedom: Option<f64>,
    /// Probability of so large a statistic when all are 0.
    pub p_value: f64,
    /// The name of the variance.
    pub variance: &'static str,
}

/// A fit together with a variance: the source of intervals and tests.
#[derive(Debug, Clone)]
pub struct Uncertainty<'a> {
    fit: &'a LinearFit,
    errors: Errors,
    name: &'static str,
}

impl LinearFit {
    /// Joins the fit with a variance.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::NotComputable`] for a perfect fit, and for HC3 when a row has leverage 1;
    /// [`StatisticsError::TooFew`] for fewer than 2 clusters; [`StatisticsError::LengthMismatch`];
    /// [`StatisticsError::OutOfRange`] for a lag that is not below the number of rows.
    pub fn uncertainty(&self, variance: &Variance<'_>) -> Result<Uncertainty<'_>> {
        Ok(Uncertainty { fit: self, errors: Errors::of(self, variance)?, name: variance.name() })
    }
}

impl Uncertainty<'_> {
    /// Returns one coefficient, by position: the intercept, if there is one, is 0.
    ///
    /// # Errors
    ///
    /// As [`Self::contrast`].
    pub fn coefficient(&self, position: usize, reference: Reference, confidence: f64) -> Result<Estimate> {
        let (Some(&value), Some(loading)) = (self.fit.coefficients.get(position), self.fit.loadings.get(position))
        else {
            let range = "the position of a coefficient, from 0";
            return Err(StatisticsError::OutOfRange { what: "the position", value: position as f64, range });
        };
        self.estimate(value, loading, reference, confidence)
    }

    /// Returns a weighted sum of coefficients, one weight for each.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::LengthMismatch`]; [`StatisticsError::ConfidenceOutOfRange`];
    /// [`StatisticsError::NotComputable`] when the variance is zero, or the reference does not belong to it;
    /// [`StatisticsError::OutOfRange`] for degrees of freedom that are not above 0.
    pub fn contrast(&self, weights: &[f64], reference: Reference, confidence: f64) -> Result<Estimate> {
        same_length("the contrast", weights.len(), self.fit.coefficients.len())?;
        super::input::finite(weights)?;
        let mut loading = vec![0.0; self.fit.observations];
        for (weight, column) in weights.iter().zip(&self.fit.loadings) {
            loading.iter_mut().zip(column).for_each(|(sum, value)| *sum += weight * value);
        }
        let value = super::input::dot(weights, &self.fit.coefficients);
        self.estimate(value, &loading, reference, confidence)
    }

    /// Returns the covariance matrix of the coefficients at `positions`, row by row.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::OutOfRange`] for a position that is not one.
    pub fn covariance(&self, positions: &[usize]) -> Result<Vec<Vec<f64>>> {
        let range = "the position of a coefficient, from 0";
        if let Some(&wrong) = positions.iter().find(|&&position| position >= self.fit.loadings.len()) {
            return Err(StatisticsError::OutOfRange { what: "the position", value: wrong as f64, range });
        }
        let loading = |position: usize| &self.fit.loadings[position];
        Ok(positions
            .iter()
            .map(|&a| positions.iter().map(|&b| self.errors.covariance(loading(a), loading(b))).collect())
            .collect())
    }

    /// Tests whether the coefficients at `positions` are all 0 (Wald): `W = b' V⁻¹ b`, held against the chi-squared
    /// distribution, or `W / q` against F with the reference's degrees of freedom.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::Empty`]; [`StatisticsError::OutOfRange`]; [`StatisticsError::NotComputable`] when the
    /// covariance is singular, as with more coefficients than clusters can tell apart, and for
    /// [`Reference::Satterthwaite`], whose degrees of freedom belong to a single coefficient.
    pub fn joint_test(&self, positions: &[usize], reference: Reference) -> Result<WaldTest> {
        let what = "a joint test";
        if positions.is_empty() {
            return Err(StatisticsError::Empty { what });
        }
        if reference == Reference::Satterthwaite {
            let because = "Satterthwaite's degrees of freedom belong to one coefficient; use t on G - 1";
            return Err(StatisticsError::NotComputable { what, because });
        }
        let covariance = self.covariance(positions)?;
        let size = positions.len();
        let matrix = DMatrix::from_fn(size, size, |row, column| covariance[row][column]);
        let because = "their covariance is singular: fewer clusters or rows than coefficients to be told apart";
        let inverse = inverse(&matrix).map_err(|_| StatisticsError::NotComputable { what, because })?;
        let values = DVector::from_iterator(size, positions.iter().map(|&position| self.fit.coefficients[position]));
        let wald = super::input::finite_result("the Wald statistic", (values.transpose() * inverse * &values)[(0, 0)])?;
        let tested = size as f64;
        let freedom = self.freedom(reference, &[])?;
        let (statistic, p_value) = match freedom {
            None => (wald, chi_square_upper(tested, wald)?),
            Some(freedom) => (wald / tested, f_upper(tested, freedom, wald / tested)?),
        };
        Ok(WaldTest { statistic, tested: size, freedom, p_value, variance: self.name })
    }

    fn estimate(&self, value: f64, loading: &[f64], reference: Reference, confidence: f64) -> Result<Estimate> {
        let error = two_sided_error(confidence)?;
        let variance = self.errors.covariance(loading, loading);
        let textbook = self.fit.residual_sd.powi(2) * super::input::dot(loading, loading);
        super::input::finite_result("a variance", variance + textbook)?;
        if variance <= NO_VARIANCE * textbook || variance <= 0.0 {
            return Err(StatisticsError::NotComputable {
                what: "the standard error of a coefficient",
                because: "the variance chosen is zero for it: too few clusters or rows have a say in it",
            });
        }
        let standard_error = variance.sqrt();
        let statistic = super::input::finite_result("the statistic of a coefficient", value / standard_error)?;
        let freedom = self.freedom(reference, loading)?;
        let (p_value, reach, method) = match freedom {
            None => (normal_both_tails(statistic)?, normal_two_sided(error), Method::RegressionNormal),
            Some(freedom) => (t_both_tails(freedom, statistic)?, t_two_sided(freedom, error)?, Method::RegressionT),
        };
        let half = reach * standard_error;
        let interval = Interval::checked(value, value - half, value + half, confidence, method)?;
        Ok(Estimate { value, standard_error, statistic, freedom, p_value, interval, variance: self.name, reference })
    }

    /// The degrees of freedom of a reference; `None` for the normal distribution.
    fn freedom(&self, reference: Reference, loading: &[f64]) -> Result<Option<f64>> {
        let refused = |because| Err(StatisticsError::NotComputable { what: "the degrees of freedom", because });
        match (reference, &self.errors) {
            (Reference::Normal, _) => Ok(None),
            (Reference::TResidual, _) => Ok(Some((self.fit.observations - self.fit.parameters) as f64)),
            (Reference::TOn(freedom), _) if freedom.is_finite() && freedom > 0.0 => Ok(Some(freedom)),
            (Reference::TOn(value), _) => {
                Err(StatisticsError::OutOfRange { what: "the degrees of freedom", value, range: "above 0" })
            }
            (Reference::TClusters, Errors::Clustered { clusters, .. }) => Ok(Some(clusters.count() as f64 - 1.0)),
            (Reference::TClusters, _) => refused("t on G - 1 needs a cluster variance"),
            (Reference::Satterthwaite, Errors::Clustered { clusters, .. }) if self.name == "CR2" => {
                satterthwaite(self.fit, clusters, loading).map(Some)
            }
            (Reference::Satterthwaite, _) => refused("Satterthwaite's degrees of freedom need the CR2 variance"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Constant, Regression};
    use super::*;

    fn line() -> Result<LinearFit> {
        let columns = [vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![0.0, 1.0, 0.0, 0.0, 1.0, 1.0]];
        let outcome = [1.0, 2.5, 2.0, 4.5, 5.0, 7.0];
        Regression { outcome: &outcome, columns: &columns, constant: Constant::Intercept, nuisance: &[], weights: None }
            .fit()
    }

    #[test]
    fn a_joint_test_of_one_is_the_square_of_its_t() -> Result<()> {
        let fit = line()?;
        let known = fit.uncertainty(&Variance::Hc1)?;
        let one = known.coefficient(2, Reference::TResidual, 0.9)?;
        let joint = known.joint_test(&[2], Reference::TResidual)?;
        assert!((joint.statistic / one.statistic.powi(2) - 1.0).abs() < 1e-10);
        assert!((joint.p_value - one.p_value).abs() < 1e-12);
        assert_eq!(known.contrast(&[0.0, 0.0, 1.0], Reference::TResidual, 0.9)?.interval, one.interval);
        Ok(())
    }

    #[test]
    fn a_reference_must_belong_to_its_variance() -> Result<()> {
        let fit = line()?;
        let known = fit.uncertainty(&Variance::Classical)?;
        for reference in [Reference::TClusters, Reference::Satterthwaite] {
            assert!(matches!(known.coefficient(0, reference, 0.95), Err(StatisticsError::NotComputable { .. })));
        }
        assert!(matches!(known.coefficient(0, Reference::TOn(0.0), 0.95), Err(StatisticsError::OutOfRange { .. })));
        assert!(matches!(known.coefficient(9, Reference::Normal, 0.95), Err(StatisticsError::OutOfRange { .. })));
        assert!(matches!(
            fit.uncertainty(&Variance::NeweyWest { lag: 6, small_sample: false }),
            Err(StatisticsError::OutOfRange { .. })
        ));
        Ok(())
    }

    #[test]
    fn a_perfect_fit_has_no_error_to_estimate() -> Result<()> {
        let columns = [vec![1.0, 2.0, 3.0, 4.0]];
        let fit = Regression {
            outcome: &[3.1, 5.1, 7.1, 9.1],
            columns: &columns,
            constant: Constant::Intercept,
            nuisance: &[],
            weights: None,
        }
        .fit()?;
        assert!(matches!(fit.uncertainty(&Variance::Classical), Err(StatisticsError::NotComputable { .. })));
        Ok(())
    }
}
