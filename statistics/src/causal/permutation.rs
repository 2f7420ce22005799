//! Randomisation inference: the effect held against those of all other ways to assign the treatment to clusters.

use rand::RngExt;
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::difference::{GroupsAndPeriods, Panel, dummy, two_by_two, two_way};
use super::input::{dense, dot, same_length};
use super::regression::{Constant, LinearFit, Regression};
use crate::{Result, StatisticsError};

/// Effects this close, relative to the one observed, are equal on paper.
const TIE: f64 = 1e-9;

/// A determinant below this share of its terms is rounding: the effect of that assignment does not exist.
const SINGULAR: f64 = 1e-10;

/// How assignments are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutations {
    /// Every assignment is looked at when there are at most this many.
    pub exact_up_to: u64,
    /// Otherwise this many are drawn at random.
    pub draws: u64,
    /// The seed of the draws. Draw `r` has its own stream, so the result is the same on any number of threads.
    pub seed: u64,
}

/// The result of a permutation test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PermutationTest {
    /// The effect observed.
    pub effect: f64,
    /// Two-sided p-value. Exact: the share of all assignments, the one observed among them, whose effect is at least as
    /// large in absolute value. Drawn: `(1 + count) / (1 + draws)`.
    pub p_value: f64,
    /// Assignments at least as extreme; with exact enumeration the one observed is among them.
    pub at_least_as_extreme: u64,
    /// Assignments looked at.
    pub assignments: u64,
    /// Whether these are all there are.
    pub exact: bool,
    /// The seed of the draws; `None` when exact.
    pub seed: Option<u64>,
    /// Clusters in all.
    pub clusters: usize,
    /// Clusters treated, in every assignment.
    pub treated_clusters: usize,
}

/// Tests the effect of [`two_by_two`] by assigning the treatment to other sets of as many clusters. `cluster` is the
/// cluster of each row, by any label; all rows of a cluster must have the same treatment.
///
/// Source: Fisher RA. The Design of Experiments. 1935, chapter II; for difference-in-differences, Conley TG, Taber CR. Rev
/// Econ Stat 2011;93:113–125. The `+ 1` of drawn p-values: Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39.
///
/// # Errors
///
/// As [`two_by_two`]; [`StatisticsError::NotComputable`] when the treatment differs within a cluster, or when the effect of
/// some assignment does not exist, as with clusters that have rows in one period only; [`StatisticsError::TooFew`] for
/// no draws.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{GroupsAndPeriods, Permutations, permutation_two_by_two};
/// let data = GroupsAndPeriods {
///     outcome: &[50.0, 44.0, 52.0, 45.0, 40.0, 42.0, 47.0, 48.0],
///     treated: &[true, true, true, true, false, false, false, false],
///     post: &[false, true, false, true, false, true, false, true],
///     covariates: &[],
///     weights: None,
/// };
/// let options = Permutations { exact_up_to: 10_000, draws: 9_999, seed: 1 };
/// let test = permutation_two_by_two(&data, &[1, 1, 2, 2, 3, 3, 4, 4], options)?;
/// assert_eq!((test.exact, test.assignments, test.at_least_as_extreme), (true, 6, 2));
/// # Ok(())
/// # }
/// ```
pub fn permutation_two_by_two(
    data: &GroupsAndPeriods<'_>,
    cluster: &[usize],
    options: Permutations,
) -> Result<PermutationTest> {
    let effect = two_by_two(data)?.fit.coefficients[super::TwoByTwo::EFFECT];
    let mut columns = vec![dummy(data.post)];
    columns.extend_from_slice(data.covariates);
    let (outcome, weights) = (data.outcome, data.weights);
    let nuisance =
        Regression { outcome, columns: &columns, constant: Constant::Intercept, nuisance: &[], weights }.fit()?;
    Assignments::new(&nuisance, cluster, data.treated, data.post, true)?.test(effect, options)
}

/// Tests the effect of [`two_way`] by assigning the treatment to other sets of as many clusters. `treated` says per row
/// whether its cluster is ever treated, `post` whether the period lies after the start, which is the same for all.
///
/// # Errors
///
/// As [`permutation_two_by_two`] and [`two_way`].
pub fn permutation_two_way(
    panel: &Panel<'_>,
    cluster: &[usize],
    treated: &[bool],
    post: &[bool],
    options: Permutations,
) -> Result<PermutationTest> {
    same_length("the treated", treated.len(), panel.outcome.len())?;
    same_length("the period", post.len(), panel.outcome.len())?;
    let under_treatment: Vec<bool> = treated.iter().zip(post).map(|(treated, post)| *treated && *post).collect();
    let effect = two_way(panel, &under_treatment)?.fit.coefficients[super::TwoWay::EFFECT];
    let (_, _, nuisance) = panel.fit(panel.covariates)?;
    Assignments::new(&nuisance, cluster, treated, post, false)?.test(effect, options)
}

/// Everything that the effect of an assignment depends on.
///
/// The column of an assignment is the sum of those of its clusters. With what does not change taken out of each (Frisch &
/// Waugh), the effect follows from their products, without another regression.
struct Assignments {
    /// Which clusters are treated.
    treated: Vec<usize>,
    clusters: usize,
    /// Products of the clusters' columns: of membership, of membership and period, and of both periods.
    products: Vec<Vec<[f64; 3]>>,
    /// Products with the outcome: of membership, and of period.
    with_outcome: Vec<[f64; 2]>,
    /// Whether membership has an effect of its own.
    membership: bool,
    /// The spread of the outcome, against which an effect of 0 is judged.
    spread: f64,
}

impl Assignments {
    fn new(nuisance: &LinearFit, cluster: &[usize], treated: &[bool], post: &[bool], membership: bool) -> Result<Self> {
        same_length("the clusters", cluster.len(), treated.len())?;
        let (of_row, clusters) = dense(cluster);
        let mut state: Vec<Option<bool>> = vec![None; clusters];
        for (&cluster, &treated) in of_row.iter().zip(treated) {
            if *state[cluster].get_or_insert(treated) != treated {
                return Err(StatisticsError::NotComputable {
                    what: "a permutation test",
                    because: "the treatment differs within a cluster: it must be assigned to whole clusters",
                });
            }
        }
        let columns: Vec<[Vec<f64>; 2]> = (0..clusters)
            .map(|cluster| {
                let member: Vec<bool> = of_row.iter().map(|own| *own == cluster).collect();
                let after: Vec<bool> = member.iter().zip(post).map(|(member, post)| *member && *post).collect();
                let member = if membership { nuisance.unexplained(&dummy(&member)) } else { Vec::new() };
                [member, nuisance.unexplained(&dummy(&after))]
            })
            .collect();
        let products = columns
            .iter()
            .map(|[member, after]| {
                columns
                    .iter()
                    .map(|other| [dot(member, &other[0]), dot(member, &other[1]), dot(after, &other[1])])
                    .collect()
            })
            .collect();
        let rest = &nuisance.scaled_residuals;
        let with_outcome = columns.iter().map(|[member, after]| [dot(member, rest), dot(after, rest)]).collect();
        let treated = (0..clusters).filter(|&cluster| state[cluster] == Some(true)).collect();
        Ok(Self { treated, clusters, products, with_outcome, membership, spread: nuisance.residual_sd })
    }

    /// The effect had these clusters been treated.
    fn effect(&self, treated: &[usize]) -> Option<f64> {
        let (mut own, mut mixed, mut after) = (0.0, 0.0, 0.0);
        let (mut own_outcome, mut after_outcome) = (0.0, 0.0);
        for &a in treated {
            for &b in treated {
                let [aa, ab, bb] = self.products[a][b];
                own += aa;
                mixed += ab;
                after += bb;
            }
            own_outcome += self.with_outcome[a][0];
            after_outcome += self.with_outcome[a][1];
        }
        if self.membership {
            let determinant = own * after - mixed * mixed;
            (determinant > SINGULAR * own * after).then(|| (own * after_outcome - mixed * own_outcome) / determinant)
        } else {
            let alone: f64 = treated.iter().map(|&cluster| self.products[cluster][cluster][2]).sum();
            (after > SINGULAR * alone).then(|| after_outcome / after)
        }
    }

    fn test(&self, effect: f64, options: Permutations) -> Result<PermutationTest> {
        let (clusters, treated_clusters) = (self.clusters, self.treated.len());
        let limit = effect.abs() * (1.0 - TIE) - 1e-12 * self.spread;
        let extreme = |treated: &[usize]| {
            let effect = self.effect(treated).ok_or(StatisticsError::NotComputable {
                what: "a permutation test",
                because: "the effect of some assignment does not exist, as when a cluster has rows in one period only",
            })?;
            Ok(u64::from(effect.abs() >= limit))
        };
        let all = combinations(clusters, treated_clusters).filter(|all| *all <= options.exact_up_to);
        let (at_least_as_extreme, assignments, p_value) = if let Some(all) = all {
            let mut chosen: Vec<usize> = (0..treated_clusters).collect();
            let mut count = extreme(&chosen)?;
            while next(&mut chosen, clusters) {
                count += extreme(&chosen)?;
            }
            (count, all, count as f64 / all as f64)
        } else {
            if options.draws == 0 {
                return Err(StatisticsError::TooFew { what: "a permutation test by draws", found: 0, needed: 1 });
            }
            let draw = |replicate: u64| {
                let mut random = Pcg64::new(u128::from(options.seed), u128::from(replicate));
                let mut order: Vec<usize> = (0..clusters).collect();
                for place in 0..treated_clusters {
                    let other = random.random_range(place..clusters);
                    order.swap(place, other);
                }
                extreme(&order[..treated_clusters])
            };
            let count = (0..options.draws)
                .into_par_iter()
                .map(draw)
                .try_reduce(|| 0, |a, b| Ok::<u64, StatisticsError>(a + b))?;
            (count, options.draws, (1 + count) as f64 / (1 + options.draws) as f64)
        };
        Ok(PermutationTest {
            effect,
            p_value,
            at_least_as_extreme,
            assignments,
            exact: all.is_some(),
            seed: all.is_none().then_some(options.seed),
            clusters,
            treated_clusters,
        })
    }
}

/// How many sets of `size` there are among `all`; `None` above what 64 bits hold.
fn combinations(all: usize, size: usize) -> Option<u64> {
    let size = size.min(all - size);
    (0..size).try_fold(1_u64, |count, step| {
        let wide = u128::from(count) * (all - step) as u128 / (step as u128 + 1);
        u64::try_from(wide).ok()
    })
}

/// Moves on to the next set in lexicographic order; false after the last.
fn next(chosen: &mut [usize], all: usize) -> bool {
    let size = chosen.len();
    let Some(place) = (0..size).rev().find(|&place| chosen[place] < all - size + place) else { return false };
    chosen[place] += 1;
    for later in place + 1..size {
        chosen[later] = chosen[later - 1] + 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_counted_and_visited_once() {
        assert_eq!(
            (combinations(8, 4), combinations(5, 0), combinations(40, 20)),
            (Some(70), Some(1), Some(137_846_528_820))
        );
        assert_eq!(combinations(200, 100), None);
        let (mut chosen, mut count) = (vec![0, 1, 2], 1);
        while next(&mut chosen, 7) {
            count += 1;
        }
        assert_eq!((count, chosen), (35, vec![4, 5, 6]));
    }

    type Rows = (Vec<f64>, Vec<usize>, Vec<bool>, Vec<bool>, Vec<i64>);

    fn rows() -> Rows {
        let (mut outcome, mut cluster, mut treated, mut post, mut period) = (vec![], vec![], vec![], vec![], vec![]);
        for id in 0..7_usize {
            for month in 0..5_i64 {
                // Unbalanced: the third cluster lacks a month.
                if id == 2 && month == 1 {
                    continue;
                }
                outcome.push(((id * 29 + usize::try_from(month).unwrap_or(0) * 13) % 17) as f64);
                cluster.push(id);
                treated.push(id < 3);
                post.push(month > 2);
                period.push(month);
            }
        }
        (outcome, cluster, treated, post, period)
    }

    /// The products give the same effects as a regression for each assignment.
    #[test]
    fn products_agree_with_regressions() -> Result<()> {
        let (outcome, cluster, treated, post, period) = rows();
        let ages = [cluster.iter().map(|&id| ((id * id) % 5) as f64).collect::<Vec<_>>()];
        let data =
            GroupsAndPeriods { outcome: &outcome, treated: &treated, post: &post, covariates: &ages, weights: None };
        let nuisance = Regression {
            outcome: &outcome,
            columns: &[dummy(&post), ages[0].clone()],
            constant: Constant::Intercept,
            nuisance: &[],
            weights: None,
        }
        .fit()?;
        let two = Assignments::new(&nuisance, &cluster, &treated, &post, true)?;
        let panel = Panel { outcome: &outcome, unit: &cluster, period: &period, covariates: &[], weights: None };
        let way = Assignments::new(&panel.fit(&[])?.2, &cluster, &treated, &post, false)?;
        let mut chosen = vec![0, 1, 2];
        loop {
            let other: Vec<bool> = cluster.iter().map(|id| chosen.contains(id)).collect();
            let wanted = two_by_two(&GroupsAndPeriods { treated: &other, ..data })?.fit.coefficients[3];
            assert!((two.effect(&chosen).unwrap_or(f64::NAN) - wanted).abs() < 1e-10);
            let under: Vec<bool> = other.iter().zip(&post).map(|(treated, post)| *treated && *post).collect();
            let wanted = two_way(&panel, &under)?.fit.coefficients[0];
            assert!((way.effect(&chosen).unwrap_or(f64::NAN) - wanted).abs() < 1e-10);
            if !next(&mut chosen, 7) {
                break;
            }
        }
        let options = Permutations { exact_up_to: 35, draws: 10, seed: 3 };
        let exact = permutation_two_way(&panel, &cluster, &treated, &post, options)?;
        assert!(exact.exact && exact.assignments == 35 && exact.at_least_as_extreme >= 1);
        let drawn = permutation_two_by_two(&data, &cluster, Permutations { exact_up_to: 34, ..options })?;
        assert!(!drawn.exact && drawn.assignments == 10 && drawn.p_value >= 1.0 / 11.0);
        Ok(())
    }

    #[test]
    fn a_treatment_within_a_cluster_is_refused() {
        let (outcome, cluster, mut treated, post, _) = rows();
        treated[0] = false;
        let data =
            GroupsAndPeriods { outcome: &outcome, treated: &treated, post: &post, covariates: &[], weights: None };
        let options = Permutations { exact_up_to: 100, draws: 10, seed: 3 };
        assert!(matches!(permutation_two_by_two(&data, &cluster, options), Err(StatisticsError::NotComputable { .. })));
    }
}
