//! Clusters of rows: sums within them, and the bias-reduced variance of Bell and `McCaffrey`.

use nalgebra::{DMatrix, SymmetricEigen};

use super::input::{dense, dot, same_length};
use super::regression::LinearFit;
use crate::{Result, StatisticsError};

/// Directions that a cluster's own coefficients explain in full leave nothing to be scaled up.
const FULLY_EXPLAINED: f64 = 1e-12;

/// The rows of each cluster.
#[derive(Debug, Clone)]
pub(super) struct Clusters {
    of_row: Vec<usize>,
    rows: Vec<Vec<usize>>,
}

impl Clusters {
    /// Groups rows by label.
    pub(super) fn new(labels: &[usize], rows: usize) -> Result<Self> {
        same_length("the clusters", labels.len(), rows)?;
        let (of_row, count) = dense(labels);
        if count < 2 {
            return Err(StatisticsError::TooFew { what: "a cluster variance", found: count as u64, needed: 2 });
        }
        let mut members = vec![Vec::new(); count];
        for (row, &cluster) in of_row.iter().enumerate() {
            members[cluster].push(row);
        }
        Ok(Self { of_row, rows: members })
    }

    pub(super) const fn count(&self) -> usize {
        self.rows.len()
    }

    /// The sum of products within each cluster.
    pub(super) fn sums(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.rows.len()];
        for ((&cluster, a), b) in self.of_row.iter().zip(a).zip(b) {
            sums[cluster] += a * b;
        }
        sums
    }

    /// Per cluster, how much of `values` lies along each direction of the design: the columns of the basis, then the
    /// constants of units that have rows in several clusters. Units within one cluster are left out: what the callers
    /// pass has unit means of 0 there.
    pub(super) fn along_design(&self, fit: &LinearFit, values: &[f64]) -> Vec<Vec<f64>> {
        let spanning = self.spanning_units(fit);
        self.rows
            .iter()
            .map(|rows| {
                self::directions(fit, &spanning, rows)
                    .iter()
                    .map(|direction| direction.iter().zip(rows).map(|(value, &row)| value * values[row]).sum())
                    .collect()
            })
            .collect()
    }

    /// Units with rows in more than one cluster.
    fn spanning_units(&self, fit: &LinearFit) -> Vec<usize> {
        let Some(swept) = &fit.swept else { return Vec::new() };
        let mut home: Vec<Option<usize>> = vec![None; swept.units];
        let mut spans = vec![false; swept.units];
        for (&unit, &cluster) in swept.unit.iter().zip(&self.of_row) {
            let first = *home[unit].get_or_insert(cluster);
            spans[unit] |= first != cluster;
        }
        (0..swept.units).filter(|&unit| spans[unit]).collect()
    }
}

/// The rows of one cluster in each orthonormal column of the design.
fn directions(fit: &LinearFit, spanning: &[usize], rows: &[usize]) -> Vec<Vec<f64>> {
    let basis = fit.basis.iter().map(|column| rows.iter().map(|&row| column[row]).collect());
    let units = fit.swept.iter().flat_map(|swept| {
        spanning.iter().map(|&unit| {
            rows.iter().map(|&row| if swept.unit[row] == unit { swept.share[row] } else { 0.0 }).collect::<Vec<f64>>()
        })
    });
    basis.chain(units).collect()
}

/// Multiplies each cluster's part of `values` by `(I - H)^(-1/2)` of that cluster.
///
/// With `B` the cluster's rows of the orthonormal design, `H = B B'`. The eigenvalues `s²` of the small matrix `B'B` give
/// those of `H`, so that no matrix grows with the rows of a cluster.
pub(super) fn bell_mccaffrey(fit: &LinearFit, clusters: &Clusters, values: &[f64]) -> Result<Vec<f64>> {
    let spanning = clusters.spanning_units(fit);
    let mut adjusted = values.to_vec();
    for rows in &clusters.rows {
        let design = directions(fit, &spanning, rows);
        let size = design.len();
        let products = DMatrix::from_fn(size, size, |a, b| dot(&design[a], &design[b]));
        let eigen = SymmetricEigen::try_new(products, f64::EPSILON, 10_000)
            .ok_or(StatisticsError::NotConverged { what: "the eigenvalues of a cluster" })?;
        for (share, vector) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
            if *share <= FULLY_EXPLAINED {
                continue;
            }
            let mut direction = vec![0.0; rows.len()];
            for (weight, column) in vector.iter().zip(&design) {
                direction.iter_mut().zip(column).for_each(|(sum, value)| *sum += weight / share.sqrt() * value);
            }
            let left = 1.0 - share;
            let stretch = if left > FULLY_EXPLAINED { left.sqrt().recip() - 1.0 } else { -1.0 };
            let along: f64 = direction.iter().zip(rows).map(|(value, &row)| value * values[row]).sum();
            for (value, &row) in direction.iter().zip(rows) {
                adjusted[row] += stretch * along * value;
            }
        }
    }
    Ok(adjusted)
}

/// The degrees of freedom of a contrast with the bias-reduced variance, by matching the first two moments of a chi-squared
/// distribution under equal, unrelated errors: `(Σ p_gg)² / Σ p_gh²`.
///
/// Source: Bell & `McCaffrey`, Survey Methodology 2002;28:169–181; Pustejovsky & Tipton, J Bus Econ Stat 2018;36:672–683.
pub(super) fn satterthwaite(fit: &LinearFit, clusters: &Clusters, loading: &[f64]) -> Result<f64> {
    let adjusted = bell_mccaffrey(fit, clusters, loading)?;
    let own = clusters.sums(&adjusted, &adjusted);
    let along = clusters.along_design(fit, &adjusted);
    let (mut trace, mut squares) = (0.0, 0.0);
    for (g, in_g) in along.iter().enumerate() {
        for (h, in_h) in along.iter().enumerate() {
            let product = if g == h { own[g] } else { 0.0 } - dot(in_g, in_h);
            squares += product * product;
            trace += if g == h { product } else { 0.0 };
        }
    }
    if squares > 0.0 && trace > 0.0 {
        Ok(trace * trace / squares)
    } else {
        Err(StatisticsError::NotComputable {
            what: "Satterthwaite's degrees of freedom",
            because: "no cluster adds to the variance of the coefficient",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClusterAdjustment, Constant, Reference, Regression, Variance};
    use super::*;

    /// The mean of balanced clusters: CR2 is the variance of their means, on `G - 1` degrees of freedom.
    #[test]
    fn a_mean_of_balanced_clusters_has_the_variance_of_their_means() -> Result<()> {
        let outcome = [1.0, 2.0, 4.0, 7.0, 3.0, 3.5, 9.0, 8.0];
        let fit =
            Regression { outcome: &outcome, columns: &[], constant: Constant::Intercept, nuisance: &[], weights: None }
                .fit()?;
        let clusters = [1, 1, 2, 2, 3, 3, 4, 4];
        let variance = Variance::Cluster { clusters: &clusters, adjustment: ClusterAdjustment::Cr2 };
        let mean = fit.uncertainty(&variance)?.coefficient(0, Reference::Satterthwaite, 0.95)?;
        let means = [1.5, 5.5, 3.25, 8.5];
        let centre = means.iter().sum::<f64>() / 4.0;
        let wanted = (means.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / 3.0 / 4.0).sqrt();
        assert!((mean.standard_error / wanted - 1.0).abs() < 1e-12);
        assert!((mean.freedom.unwrap_or_default() - 3.0).abs() < 1e-10);
        Ok(())
    }

    /// Sweeping unit means out is only a faster way to the regression with a dummy column per unit.
    #[test]
    fn sweeping_units_out_equals_dummies_even_when_units_span_clusters() -> Result<()> {
        let outcome = [1.0, 2.0, 4.0, 7.0, 3.0, 3.5, 9.0, 8.0, 2.0];
        let units = [0, 0, 0, 1, 1, 1, 2, 2, 2];
        let clusters = [1, 2, 2, 1, 3, 2, 3, 3, 1];
        let x = vec![0.3, 1.0, 2.0, 0.5, 4.0, 1.0, 2.5, 0.0, 1.0];
        let dummies: Vec<Vec<f64>> =
            (0..3).map(|unit| units.iter().map(|&u| if u == unit { 1.0 } else { 0.0 }).collect()).collect();
        let with = |constant, nuisance: &[Vec<f64>]| -> Result<Vec<f64>> {
            let columns = [x.clone()];
            let fit = Regression { outcome: &outcome, columns: &columns, constant, nuisance, weights: None }.fit()?;
            let mut errors = Vec::new();
            for variance in [
                Variance::Classical,
                Variance::Hc1,
                Variance::Hc3,
                Variance::Cluster { clusters: &clusters, adjustment: ClusterAdjustment::Stata },
            ] {
                errors.push(fit.uncertainty(&variance)?.coefficient(0, Reference::Normal, 0.95)?.standard_error);
            }
            let variance = Variance::Cluster { clusters: &clusters, adjustment: ClusterAdjustment::Cr2 };
            let found = fit.uncertainty(&variance)?.coefficient(0, Reference::Satterthwaite, 0.95)?;
            errors.extend([found.standard_error, found.freedom.unwrap_or_default()]);
            Ok(errors)
        };
        let (swept, dummies) = (with(Constant::PerUnit(&units), &[])?, with(Constant::None, &dummies)?);
        for (a, b) in swept.iter().zip(&dummies) {
            assert!((a / b - 1.0).abs() < 1e-9, "{swept:?} {dummies:?}");
        }
        Ok(())
    }
}
