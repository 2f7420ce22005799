//! The spread between sites that is more than chance: φ and τ².

use crate::intervals::type_7;
use crate::{Result, StatisticsError};

const WHAT: &str = "the spread between sites";

/// Whether the spread between sites is estimated, and what keeps a few extreme sites from deciding it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Overdispersion {
    /// Not estimated: the limits allow for chance alone.
    None,
    /// Estimated after the z-scores beyond the `share` and `1 − share` quantiles are pulled in to these.
    Winsorised {
        /// The share at either end, from 0 to below 0.5; usually 0.1. 0 keeps every score as it is.
        share: f64,
    },
    /// Estimated without the sites in the lowest and highest `share` of the ranks.
    Trimmed {
        /// The share at either end, from 0 to below 0.5; usually 0.1. 0 leaves out no site.
        share: f64,
    },
}

/// The spread between sites that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dispersion {
    /// How it was estimated.
    pub method: Overdispersion,
    /// Sites with a z-score.
    pub scored: usize,
    /// Sites used: all that have a score, less those trimmed.
    pub used: usize,
    /// φ, the mean of the squared z-scores used: about 1 if chance were all.
    pub phi: f64,
    /// τ², the variance between sites on the transformed scale; 0 when there is no more spread than chance gives.
    pub tau_squared: f64,
}

impl Dispersion {
    /// Says whether the limits were widened. When not, τ² is 0 and the plain limits stand.
    pub fn is_adjusted(&self) -> bool {
        self.tau_squared > 0.0
    }
}

/// One site's z-score and the variance behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    pub z: f64,
    pub variance: f64,
}

/// The scores after winsorising or trimming, in the order of `scores`; `None` for a trimmed one.
///
/// `below_all` sites have no event and no finite score: they take the lowest ranks when scores are trimmed.
pub(super) fn tempered(scores: &[Score], below_all: usize, method: Overdispersion) -> Result<Vec<Option<f64>>> {
    let z: Vec<f64> = scores.iter().map(|score| score.z).collect();
    let mut ordered = z.clone();
    ordered.sort_by(f64::total_cmp);
    match method {
        Overdispersion::None => Ok(z.into_iter().map(Some).collect()),
        Overdispersion::Winsorised { share } => {
            check_share(share)?;
            match (type_7(&ordered, share), type_7(&ordered, 1.0 - share)) {
                (Some(low), Some(high)) => Ok(z.into_iter().map(|z| Some(z.max(low).min(high))).collect()),
                _ => Ok(Vec::new()),
            }
        }
        Overdispersion::Trimmed { share } => {
            check_share(share)?;
            Ok(z.into_iter().map(|z| (share == 0.0 || is_kept(z, &ordered, below_all, share)).then_some(z)).collect())
        }
    }
}

/// Whether a score stays when the ranks are cut into `1 / share` groups and the first and last are left out. Equal
/// scores share their mean rank.
fn is_kept(z: f64, ordered: &[f64], below_all: usize, share: f64) -> bool {
    let before = ordered.partition_point(|other| *other < z) as f64;
    let up_to = ordered.partition_point(|other| *other <= z) as f64;
    let rank = below_all as f64 + f64::midpoint(before + 1.0, up_to);
    let groups = share.recip();
    let group = (rank * groups / ((below_all + ordered.len()) as f64 + 1.0)).floor();
    group > 0.0 && group < groups - 1.0
}

fn check_share(share: f64) -> Result<()> {
    if (0.0..0.5).contains(&share) {
        return Ok(());
    }
    Err(StatisticsError::OutOfRange {
        what: "the share to trim or winsorise",
        value: share,
        range: "from 0 to below 0.5",
    })
}

/// Estimates φ and τ² from the scores and what tempering made of them.
///
/// `τ² = (n φ − (n − 1)) / (Σw − Σw²/Σw)`, with `w` the reciprocal variances of the sites used, and 0 when that is
/// negative: the estimate of `DerSimonian` and Laird.
///
/// Source: Spiegelhalter DJ. Handling over-dispersion of performance indicators. Qual Saf Health Care 2005;14:347–351,
/// appendix; Spiegelhalter D et al. Statistical methods for healthcare regulation: rating, screening and
/// surveillance. J R Stat Soc A 2012;175:1–47, section 4; NHS Digital. SHMI Specification, appendix on control limits.
pub(super) fn estimate(scores: &[Score], tempered: &[Option<f64>], method: Overdispersion) -> Result<Dispersion> {
    let kept: Vec<(f64, f64)> =
        scores.iter().zip(tempered).filter_map(|(score, z)| z.map(|z| (z, score.variance.recip()))).collect();
    let used = kept.len();
    if used < 2 {
        return Err(StatisticsError::TooFew { what: WHAT, found: used as u64, needed: 2 });
    }
    let squares: f64 = kept.iter().map(|(z, _)| z * z).sum();
    let size = used as f64;
    let phi = squares / size;
    let weights: f64 = kept.iter().map(|(_, weight)| weight).sum();
    let weight_squares: f64 = kept.iter().map(|(_, weight)| weight * weight).sum();
    let excess = size * phi - (size - 1.0);
    let divisor = weights - weight_squares / weights;
    let tau_squared = if excess <= 0.0 { 0.0 } else { excess / divisor };
    if !phi.is_finite() || !tau_squared.is_finite() || tau_squared < 0.0 {
        return Err(StatisticsError::NotComputable {
            what: WHAT,
            because: "one site is so much larger than the others that only it counts",
        });
    }
    Ok(Dispersion { method, scored: scores.len(), used, phi, tau_squared })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(z: &[f64]) -> Vec<Score> {
        z.iter().map(|&z| Score { z, variance: 0.01 }).collect()
    }

    #[test]
    fn trimming_leaves_out_the_ends_and_winsorising_pulls_them_in() -> Result<()> {
        let nine: Vec<f64> = (1..=9).map(f64::from).collect();
        let trimmed = tempered(&scores(&nine), 0, Overdispersion::Trimmed { share: 0.25 })?;
        assert_eq!(trimmed.iter().flatten().count(), 5);
        let after_three = tempered(&scores(&nine), 3, Overdispersion::Trimmed { share: 0.25 })?;
        assert_eq!((after_three[0], after_three[8]), (Some(1.0), None), "those without a score fill the lowest ranks");
        let pulled = tempered(&scores(&nine), 0, Overdispersion::Winsorised { share: 0.25 })?;
        assert_eq!((pulled[0], pulled[8], pulled[4]), (Some(3.0), Some(7.0), Some(5.0)));
        for share in [-0.1, 0.5, f64::NAN] {
            assert!(tempered(&scores(&nine), 0, Overdispersion::Trimmed { share }).is_err());
        }
        Ok(())
    }

    #[test]
    fn little_spread_means_no_adjustment_and_one_site_none_at_all() -> Result<()> {
        let method = Overdispersion::Winsorised { share: 0.0 };
        let calm = scores(&[0.1, -0.2, 0.3]);
        let found = estimate(&calm, &tempered(&calm, 0, method)?, method)?;
        assert!(found.tau_squared == 0.0 && !found.is_adjusted() && found.phi < 1.0);
        let wild = scores(&[5.0, -6.0, 4.0]);
        assert!(estimate(&wild, &tempered(&wild, 0, method)?, method)?.is_adjusted());
        let one = scores(&[5.0]);
        assert!(matches!(estimate(&one, &tempered(&one, 0, method)?, method), Err(StatisticsError::TooFew { .. })));
        Ok(())
    }
}
