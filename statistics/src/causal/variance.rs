//! The variance of a regression's coefficients, chosen by name.

use super::cluster::{Clusters, bell_mccaffrey};
use super::input::dot;
use super::regression::LinearFit;
use crate::{Result, StatisticsError};

/// An observation whose leverage is this close to 1 decides its own fitted value.
const FULL_LEVERAGE: f64 = 1e-10;

/// How the variance of coefficients is estimated. `N` is rows, `K` all parameters including constants per unit and
/// nuisance columns, `G` clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variance<'a> {
    /// The textbook variance `s² (X'X)⁻¹`: independent rows of equal variance.
    Classical,
    /// Rows of unequal variance, times `N / (N - K)`. `MacKinnon` & White, J Econometrics 1985;29:305–325.
    Hc1,
    /// Rows of unequal variance, each residual divided by `1 - leverage`: safer in small samples. `MacKinnon` & White 1985.
    Hc3,
    /// Rows related within clusters. Liang & Zeger, Biometrika 1986;73:13–22.
    Cluster {
        /// The cluster of each row, by any label.
        clusters: &'a [usize],
        /// What is done about there being few clusters.
        adjustment: ClusterAdjustment,
    },
    /// A series, in order of time, whose neighbouring rows are related: Bartlett weights, no prewhitening. Newey & West,
    /// Econometrica 1987;55:703–708.
    NeweyWest {
        /// The furthest distance in time at which rows are taken to be related; 0 for none.
        lag: usize,
        /// Whether to multiply by `N / (N - K)`.
        small_sample: bool,
    },
}

/// The adjustment of a cluster variance for few clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterAdjustment {
    /// None: too small with few clusters.
    None,
    /// Times `G / (G - 1)`.
    Groups,
    /// Times `G / (G - 1) · (N - 1) / (N - K)`, also called CR1.
    Stata,
    /// Bias-reduced (CR2): each cluster's residuals are multiplied by `(I - H)^(-1/2)` of its block of the hat matrix,
    /// generalised inverse where that is singular, with equal variances as the working model. Bell & `McCaffrey`, Survey
    /// Methodology 2002;28:169–181; Pustejovsky & Tipton, J Bus Econ Stat 2018;36:672–683. Its own degrees of freedom
    /// are [`super::Reference::Satterthwaite`]; `t` on `G - 1` can be had as well. Weights count as
    /// inverse variances in the working model too, where other programs may keep equal variances.
    Cr2,
}

impl Variance<'_> {
    /// Returns the stable name used in result tables.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Classical => "classical",
            Self::Hc1 => "HC1",
            Self::Hc3 => "HC3",
            Self::Cluster { adjustment, .. } => match adjustment {
                ClusterAdjustment::None => "CL_HC0_nocadjust",
                ClusterAdjustment::Groups => "CL_HC0",
                ClusterAdjustment::Stata => "CL_HC1_stata",
                ClusterAdjustment::Cr2 => "CR2",
            },
            Self::NeweyWest { small_sample: false, .. } => "newey_west",
            Self::NeweyWest { small_sample: true, .. } => "newey_west_adjusted",
        }
    }
}

/// What the rows of a fit say about its errors, ready to be turned into the variance of any contrast.
#[derive(Debug, Clone)]
pub(super) enum Errors {
    /// One variance for all rows.
    Equal(f64),
    /// A residual per row, related to those up to `lag` rows away; and a factor.
    Series { residuals: Vec<f64>, lag: usize, factor: f64 },
    /// A residual per row, summed within clusters; and a factor.
    Clustered { residuals: Vec<f64>, clusters: Clusters, factor: f64 },
}

impl Errors {
    pub(super) fn of(fit: &LinearFit, variance: &Variance<'_>) -> Result<Self> {
        if fit.exact {
            return Err(StatisticsError::NotComputable {
                what: "the variance of a coefficient",
                because: "the fit is perfect: there are no residuals from which to estimate an error",
            });
        }
        let (n, k) = (fit.observations as f64, fit.parameters as f64);
        let rows = |factor| Self::Series { residuals: fit.scaled_residuals.clone(), lag: 0, factor };
        Ok(match *variance {
            Variance::Classical => Self::Equal(fit.residual_sd * fit.residual_sd),
            Variance::Hc1 => rows(n / (n - k)),
            Variance::Hc3 => Self::Series { residuals: without_own_pull(fit)?, lag: 0, factor: 1.0 },
            Variance::NeweyWest { lag, .. } if lag >= fit.observations => {
                let range = "below the number of rows";
                return Err(StatisticsError::OutOfRange { what: "the lag", value: lag as f64, range });
            }
            Variance::NeweyWest { lag, small_sample } => Self::Series {
                residuals: fit.scaled_residuals.clone(),
                lag,
                factor: if small_sample { n / (n - k) } else { 1.0 },
            },
            Variance::Cluster { clusters, adjustment } => {
                let clusters = Clusters::new(clusters, fit.observations)?;
                let groups = clusters.count() as f64;
                let residuals = match adjustment {
                    ClusterAdjustment::Cr2 => bell_mccaffrey(fit, &clusters, &fit.scaled_residuals)?,
                    _ => fit.scaled_residuals.clone(),
                };
                let factor = match adjustment {
                    ClusterAdjustment::None | ClusterAdjustment::Cr2 => 1.0,
                    ClusterAdjustment::Groups => groups / (groups - 1.0),
                    ClusterAdjustment::Stata => groups / (groups - 1.0) * (n - 1.0) / (n - k),
                };
                Self::Clustered { residuals, clusters, factor }
            }
        })
    }

    /// The covariance of two contrasts, each given by what every row adds to it.
    pub(super) fn covariance(&self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            Self::Equal(variance) => variance * dot(a, b),
            Self::Series { residuals, lag, factor } => {
                let scores =
                    |loading: &[f64]| -> Vec<f64> { loading.iter().zip(residuals).map(|(l, e)| l * e).collect() };
                let (a, b) = (scores(a), scores(b));
                let mut sum = dot(&a, &b);
                for distance in 1..=*lag {
                    let weight = 1.0 - distance as f64 / (*lag as f64 + 1.0);
                    sum += weight * (dot(&a[distance..], &b) + dot(&b[distance..], &a));
                }
                factor * sum
            }
            Self::Clustered { residuals, clusters, factor } => {
                let scores = |loading: &[f64]| clusters.sums(loading, residuals);
                factor * dot(&scores(a), &scores(b))
            }
        }
    }
}

/// Residuals divided by one minus their leverage.
fn without_own_pull(fit: &LinearFit) -> Result<Vec<f64>> {
    let mut leverage = vec![0.0; fit.observations];
    for column in &fit.basis {
        leverage.iter_mut().zip(column).for_each(|(sum, value)| *sum += value * value);
    }
    if let Some(swept) = &fit.swept {
        leverage.iter_mut().zip(&swept.share).for_each(|(sum, share)| *sum += share * share);
    }
    if leverage.iter().any(|leverage| 1.0 - leverage < FULL_LEVERAGE) {
        return Err(StatisticsError::NotComputable {
            what: "the HC3 variance",
            because: "a row decides its own fitted value (leverage 1), such as the only row of a unit; leave it out",
        });
    }
    Ok(fit.scaled_residuals.iter().zip(leverage).map(|(residual, leverage)| residual / (1.0 - leverage)).collect())
}
