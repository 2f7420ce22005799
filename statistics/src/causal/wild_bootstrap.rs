//! The wild cluster bootstrap, for inference with few clusters.

use rand::RngExt;
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::cluster::Clusters;
use super::input::dot;
use super::regression::LinearFit;
use crate::{Result, StatisticsError};

/// Statistics this close, relative to the one observed, are equal on paper.
const TIE: f64 = 1e-10;

/// A variance below this share of its terms is rounding.
const NO_VARIANCE: f64 = 1e-24;

/// The random weights by which each cluster's residuals are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootstrapWeights {
    /// -1 or 1, evenly.
    Rademacher,
    /// ±√½, ±1 or ±√1½, evenly: more distinct samples with fewer than about 12 clusters. Webb MD. Queen's Economics
    /// Department Working Paper 1315, 2014.
    Webb,
}

/// How the bootstrap is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WildBootstrapOptions {
    /// The weights.
    pub weights: BootstrapWeights,
    /// Every combination of weights (2 or 6 to the power of the clusters) is looked at when there are at most this many.
    pub exact_up_to: u64,
    /// Otherwise this many are drawn at random.
    pub draws: u64,
    /// The seed of the draws. Draw `r` has its own stream, so the result is the same on any number of threads.
    pub seed: u64,
}

/// The result of a wild cluster bootstrap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WildBootstrap {
    /// The coefficient.
    pub effect: f64,
    /// Its t statistic with the cluster variance without adjustment; a constant adjustment would change no p-value.
    pub statistic: f64,
    /// Two-sided p-value: the share of bootstrap statistics at least as large in absolute value, when all combinations are
    /// looked at; else `(1 + count) / (1 + draws)`.
    pub p_value: f64,
    /// Samples at least as extreme.
    pub at_least_as_extreme: u64,
    /// Samples looked at.
    pub samples: u64,
    /// Whether these are all combinations.
    pub exact: bool,
    /// The seed of the draws; `None` when exact.
    pub seed: Option<u64>,
    /// The weights.
    pub weights: BootstrapWeights,
    /// Clusters.
    pub clusters: usize,
}

/// Tests whether the coefficient at `position` is 0: residuals of the regression without it (null imposed) are multiplied
/// by one random weight per cluster, and the t statistics of the samples are compared with the one observed.
///
/// A sample whose variance is zero counts as more extreme, which can only raise the p-value. With `G` clusters and
/// Rademacher weights no p-value below `2^(1 - G)` can be had.
///
/// Source: Cameron AC, Gelbach JB, Miller DL. Rev Econ Stat 2008;90:414–427, section III; in products of clusters,
/// Roodman D et al. Stata Journal 2019;19:4–60.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] for a position that is not one; [`StatisticsError::TooFew`] for fewer than 2 clusters
/// or no draws; [`StatisticsError::NotComputable`] for a perfect fit or a coefficient without cluster variance.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{BootstrapWeights, Panel, TwoWay, WildBootstrapOptions};
/// use carecoord_statistics::causal::{two_way, wild_cluster_bootstrap};
/// let unit = [1, 1, 2, 2, 3, 3, 4, 4];
/// let panel = Panel {
///     outcome: &[50.0, 44.0, 52.0, 45.0, 40.0, 42.0, 47.0, 48.0],
///     unit: &unit,
///     period: &[1, 2, 1, 2, 1, 2, 1, 2],
///     covariates: &[],
///     weights: None,
/// };
/// let found = two_way(&panel, &[false, true, false, true, false, false, false, false])?;
/// let options =
///     WildBootstrapOptions { weights: BootstrapWeights::Rademacher, exact_up_to: 1024, draws: 999, seed: 7 };
/// let test = wild_cluster_bootstrap(&found.fit, TwoWay::EFFECT, &unit, options)?;
/// assert!(test.exact && test.samples == 16);
/// # Ok(())
/// # }
/// ```
pub fn wild_cluster_bootstrap(
    fit: &LinearFit,
    position: usize,
    clusters: &[usize],
    options: WildBootstrapOptions,
) -> Result<WildBootstrap> {
    let (Some(&effect), Some(loading)) = (fit.coefficients.get(position), fit.loadings.get(position)) else {
        let range = "the position of a coefficient, from 0";
        return Err(StatisticsError::OutOfRange { what: "the position", value: position as f64, range });
    };
    if fit.exact {
        let because = "the fit is perfect: there are no residuals to draw from";
        return Err(StatisticsError::NotComputable { what: "a wild bootstrap", because });
    }
    let clusters = Clusters::new(clusters, fit.observations)?;
    let sample = Sample::new(fit, effect, loading, &clusters);
    let count = clusters.count();
    let observed = sample.squared_statistic(&vec![1.0; count]).ok_or(StatisticsError::NotComputable {
        what: "a wild bootstrap",
        because: "the cluster variance of the coefficient is zero",
    })?;
    let extreme = |weights: &[f64]| {
        u64::from(sample.squared_statistic(weights).is_none_or(|statistic| statistic >= observed * (1.0 - TIE)))
    };
    let values = options.weights.values();
    let all = u32::try_from(count).ok().and_then(|count| (values.len() as u64).checked_pow(count));
    let all = all.filter(|all| *all <= options.exact_up_to);
    let samples = all.unwrap_or(options.draws);
    if samples == 0 {
        return Err(StatisticsError::TooFew { what: "a wild bootstrap by draws", found: 0, needed: 1 });
    }
    let at_least_as_extreme: u64 = (0..samples)
        .into_par_iter()
        .map(|number| {
            if all.is_some() {
                return extreme(&combination(values, number, count));
            }
            let mut random = Pcg64::new(u128::from(options.seed), u128::from(number));
            let weights: Vec<f64> = (0..count).map(|_| values[random.random_range(0..values.len())]).collect();
            extreme(&weights)
        })
        .sum();
    let p_value = match all {
        Some(all) => at_least_as_extreme as f64 / all as f64,
        None => (1 + at_least_as_extreme) as f64 / (1 + samples) as f64,
    };
    Ok(WildBootstrap {
        effect,
        statistic: observed.sqrt().copysign(effect),
        p_value,
        at_least_as_extreme,
        samples,
        exact: all.is_some(),
        seed: all.is_none().then_some(options.seed),
        weights: options.weights,
        clusters: count,
    })
}

impl BootstrapWeights {
    const fn values(self) -> &'static [f64] {
        use std::f64::consts::FRAC_1_SQRT_2 as ROOT_HALF;
        const ROOT_ONE_AND_HALF: f64 = 1.224_744_871_391_589;
        const WEBB: [f64; 6] = [-ROOT_ONE_AND_HALF, -1.0, -ROOT_HALF, ROOT_HALF, 1.0, ROOT_ONE_AND_HALF];
        match self {
            Self::Rademacher => &[-1.0, 1.0],
            Self::Webb => &WEBB,
        }
    }
}

/// The combination of weights with this number.
fn combination(values: &[f64], mut number: u64, clusters: usize) -> Vec<f64> {
    let base = values.len() as u64;
    (0..clusters)
        .map(|_| {
            let digit = usize::try_from(number % base).unwrap_or_default();
            number /= base;
            values[digit]
        })
        .collect()
}

/// The coefficient and the scores of a bootstrap sample, which are linear in the weights.
struct Sample {
    /// What each cluster's residuals add to the coefficient.
    coefficient: Vec<f64>,
    /// Per cluster, what each cluster's residuals add to its score.
    scores: Vec<Vec<f64>>,
}

impl Sample {
    fn new(fit: &LinearFit, effect: f64, loading: &[f64], clusters: &Clusters) -> Self {
        // Without the coefficient, what it explained goes back to the residuals.
        let length = dot(loading, loading);
        let restricted: Vec<f64> =
            fit.scaled_residuals.iter().zip(loading).map(|(residual, own)| residual + effect * own / length).collect();
        let coefficient = clusters.sums(loading, &restricted);
        let (own, residual) = (clusters.along_design(fit, loading), clusters.along_design(fit, &restricted));
        let scores = own
            .iter()
            .enumerate()
            .map(|(g, own)| {
                residual
                    .iter()
                    .enumerate()
                    .map(|(h, residual)| if g == h { coefficient[g] } else { 0.0 } - dot(own, residual))
                    .collect()
            })
            .collect();
        Self { coefficient, scores }
    }

    /// The square of t; `None` where the variance is zero.
    fn squared_statistic(&self, weights: &[f64]) -> Option<f64> {
        let effect = dot(&self.coefficient, weights);
        let variance: f64 = self.scores.iter().map(|row| dot(row, weights).powi(2)).sum();
        let terms: f64 = self.coefficient.iter().zip(weights).map(|(own, weight)| (own * weight).powi(2)).sum();
        let square = effect * effect / variance;
        (variance > NO_VARIANCE * terms && square.is_finite()).then_some(square)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClusterAdjustment, Constant, Reference, Regression, Variance};
    use super::*;

    /// Against the definition: residuals of the restricted fit, a new outcome, a new regression, a new t.
    #[test]
    fn products_agree_with_regressions() -> Result<()> {
        let outcome = [1.0, 2.0, 4.0, 7.0, 3.0, 3.5, 9.0, 8.0, 2.0, 6.0];
        let units = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2];
        let clusters = [1, 2, 2, 1, 3, 2, 3, 3, 1, 2];
        let columns = [
            vec![0.3, 1.0, 2.0, 0.5, 4.0, 1.0, 2.5, 0.0, 1.0, 1.0],
            vec![1.0, 0.0, 2.0, 2.0, 4.0, 1.0, 0.5, 0.0, 3.0, 1.0],
        ];
        let model = Regression {
            outcome: &outcome,
            columns: &columns,
            constant: Constant::PerUnit(&units),
            nuisance: &[],
            weights: None,
        };
        let fit = model.fit()?;
        let variance = Variance::Cluster { clusters: &clusters, adjustment: ClusterAdjustment::None };
        let restricted = Regression { columns: &columns[1..], ..model }.fit()?;
        let grouped = Clusters::new(&clusters, 10)?;
        let sample = Sample::new(&fit, fit.coefficients[0], &fit.loadings[0], &grouped);
        for weights in [[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [1.2, -0.7, 1.0]] {
            let drawn: Vec<f64> = (0..10)
                .map(|row| restricted.fitted[row] + weights[clusters[row] - 1] * restricted.residuals[row])
                .collect();
            let again = Regression { outcome: &drawn, ..model }.fit()?;
            let t = again.uncertainty(&variance)?.coefficient(0, Reference::Normal, 0.95)?.statistic;
            let found = sample.squared_statistic(&weights).unwrap_or_default();
            assert!((found / (t * t) - 1.0).abs() < 1e-8, "{weights:?}: {found} {}", t * t);
        }
        Ok(())
    }

    #[test]
    fn every_combination_comes_once() {
        let mut all: Vec<Vec<String>> = (0..36)
            .map(|number| {
                combination(BootstrapWeights::Webb.values(), number, 2)
                    .iter()
                    .map(|weight| format!("{weight:.6}"))
                    .collect()
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 36);
    }
}
