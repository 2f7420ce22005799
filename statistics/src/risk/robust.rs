//! Covariances of coefficients that hold when the model's variance does not: sandwich estimators.

use nalgebra::DMatrix;

use super::coefficient::Covariance;
use super::cross_product::cross_product;
use super::design::Design;
use super::groups::Groups;
use super::logistic::LogisticFit;
use crate::{Result, StatisticsError};

/// Which sandwich estimator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Robust<'a> {
    /// White's estimator: rows are independent, their variances are not those of the model.
    Hc0,
    /// [`Robust::Hc0`] times `n / (n − k)`, for `n` rows and `k` coefficients.
    Hc1,
    /// Rows of one cluster (a provider, a patient) may depend on each other; clusters are independent.
    Cluster {
        /// The cluster of each row.
        clusters: &'a Groups,
        /// The correction for few clusters.
        adjustment: ClusterAdjustment,
    },
}

/// The correction of a cluster-robust covariance for few clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterAdjustment {
    /// None; too small with few clusters.
    None,
    /// Times `G / (G − 1)`, for `G` clusters.
    Clusters,
}

impl Robust<'_> {
    /// Returns the stable name used in result tables.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hc0 => "hc0",
            Self::Hc1 => "hc1",
            Self::Cluster { adjustment: ClusterAdjustment::None, .. } => "cluster_hc0",
            Self::Cluster { adjustment: ClusterAdjustment::Clusters, .. } => "cluster_hc0_g_over_g_minus_1",
        }
    }
}

/// A robust covariance with the name of its estimator.
#[derive(Debug, Clone, PartialEq)]
pub struct RobustCovariance {
    /// The covariance of the coefficients.
    pub covariance: Covariance,
    /// The estimator's [`Robust::name`].
    pub estimator: &'static str,
    /// How many clusters there were, where the estimator has any.
    pub clusters: Option<u64>,
}

/// Computes a sandwich covariance `A⁻¹ B A⁻¹` of a logistic model's coefficients, `A⁻¹` being the model-based covariance and
/// `B` the sum of outer products of the scores of rows or of clusters.
///
/// `design` and `outcome` are those that the model was fitted to.
///
/// Source: White H. Maximum likelihood estimation of misspecified models. Econometrica 1982;50:1–25. Hinkley DV.
/// Jackknifing in unbalanced situations. Technometrics 1977;19:285–292 (HC1). Liang KY, Zeger SL. Longitudinal data analysis using generalized linear models. Biometrika
/// 1986;73:13–22 (clusters).
///
/// # Errors
///
/// [`StatisticsError::LengthMismatch`] when the slices do not belong to the fit; [`StatisticsError::TooFew`] for HC1
/// without more rows than coefficients, and for clusters unless there are at least two.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::{Design, LogisticOptions, Robust, logistic, robust_covariance};
/// let values: Vec<f64> = (0..60).flat_map(|i| [1.0, f64::from(i % 5)]).collect();
/// let outcome: Vec<bool> = (0..60).map(|i| i % 3 == 0).collect();
/// let design = Design::new(&values, 2)?;
/// let fit = logistic(&design, &outcome, LogisticOptions::STRICT)?;
/// let robust = robust_covariance(&design, &outcome, &fit, Robust::Hc1)?;
/// assert_eq!((robust.estimator, robust.covariance.size()), ("hc1", 2));
/// # Ok(())
/// # }
/// ```
pub fn robust_covariance(
    design: &Design,
    outcome: &[bool],
    fit: &LogisticFit,
    estimator: Robust,
) -> Result<RobustCovariance> {
    let (rows, columns) = (design.rows(), design.columns());
    super::same_length("the outcome", outcome.len(), rows)?;
    super::same_length("the fitted values", fit.fitted.len(), rows)?;
    super::same_length("the coefficients", fit.covariance.size(), columns)?;
    let residuals: Vec<f64> =
        outcome.iter().zip(&fit.fitted).map(|(&event, p)| if event { 1.0 - p } else { -p }).collect();
    let squares = || residuals.iter().map(|residual| residual * residual).collect::<Vec<_>>();
    let (meat, clusters) = match estimator {
        Robust::Hc0 => (cross_product(design, &squares()), None),
        Robust::Hc1 => {
            if rows <= columns {
                let (found, needed) = (super::count(rows), super::count(columns) + 1);
                return Err(StatisticsError::TooFew { what: "an HC1 covariance", found, needed });
            }
            (cross_product(design, &squares()) * (rows as f64 / (rows - columns) as f64), None)
        }
        Robust::Cluster { clusters, adjustment } => {
            super::same_length("the clusters", clusters.codes().len(), rows)?;
            let found = super::count(clusters.count());
            if found < 2 {
                return Err(StatisticsError::TooFew { what: "a cluster-robust covariance", found, needed: 2 });
            }
            let scale = match adjustment {
                ClusterAdjustment::None => 1.0,
                ClusterAdjustment::Clusters => found as f64 / (found - 1) as f64,
            };
            (cluster_products(design, &residuals, clusters)? * scale, Some(found))
        }
    };
    let bread = fit.covariance.matrix();
    let covariance = Covariance::of(&(&bread * meat * &bread));
    Ok(RobustCovariance { covariance, estimator: estimator.name(), clusters })
}

/// The sum over clusters of the outer product of the cluster's score.
fn cluster_products(design: &Design, residuals: &[f64], clusters: &Groups) -> Result<DMatrix<f64>> {
    let columns = design.columns();
    let mut scores = vec![0.0; clusters.count() * columns];
    for ((row, residual), &cluster) in design.iter_rows().zip(residuals).zip(clusters.codes()) {
        for (sum, value) in scores[cluster * columns..].iter_mut().zip(row) {
            *sum += residual * value;
        }
    }
    Ok(cross_product(&Design::new(&scores, columns)?, &vec![1.0; clusters.count()]))
}
