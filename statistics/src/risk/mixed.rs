//! Logistic regression with a random intercept for each group: providers differ, and how much is estimated.
//!
//! `logit P(event) = x'β + b` with `b ~ N(0, σ²)`, one `b` a group. The likelihood has an integral over `b` for each
//! group, which is approximated where it is highest: by Laplace's formula or, more closely, by adaptive Gauss–Hermite
//! quadrature.

mod marginal;
mod maximum;
mod panel;
mod quadrature;

use nalgebra::DMatrix;

pub(super) use self::marginal::Marginal;
pub(super) use self::maximum::{Limits, maximise};
use self::maximum::{Maximum, hessian, polish};
pub(super) use self::panel::Panel;
pub(super) use self::quadrature::Rule;
use super::coefficient::{Coefficient, Covariance};
use super::design::Design;
use super::groups::Groups;
use super::logistic::{LogisticFit, LogisticOptions, logistic};
use crate::linear;
use crate::quantile::normal_two_sided;
use crate::{Result, StatisticsError};

/// A standard deviation above this, in log odds, is no estimate: the groups are all of one outcome each.
const LARGEST_SD: f64 = 50.0;

/// A log-likelihood no more than this above that of the model without groups does not tell `σ` from 0.
const NO_GAIN: f64 = 1e-8;

/// How to integrate and how far to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixedOptions {
    /// Points of the adaptive Gauss–Hermite rule, 1 to 100. One point is Laplace's approximation.
    pub points: u32,
    /// The most steps of the search; a fit that needs more is refused.
    pub max_iterations: u32,
    /// The search ends when the next step would be shorter than this, in standard errors.
    pub tolerance: f64,
}

impl MixedOptions {
    /// Laplace's approximation (`nAGQ = 1` in R's `lme4`), at most 200 steps, to 1e-6 standard errors.
    pub const LAPLACE: Self = Self { points: 1, max_iterations: 200, tolerance: 1e-6 };

    /// Adaptive Gauss–Hermite quadrature with this many points (`nAGQ` in R's `lme4`), searched as [`Self::LAPLACE`].
    pub const fn adaptive(points: u32) -> Self {
        Self { points, ..Self::LAPLACE }
    }

    /// Returns the stable name of the approximation used in result tables.
    pub const fn method(&self) -> &'static str {
        if self.points == 1 { "laplace" } else { "adaptive_gauss_hermite" }
    }
}

/// The intercept of one group, relative to the average group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupIntercept {
    /// Where the group's likelihood times the normal density is highest (conditional mode), in log odds.
    pub mode: f64,
    /// The standard deviation of the normal distribution that has the same curvature there.
    pub sd: f64,
}

/// A fitted logistic model with a random intercept.
#[derive(Debug, Clone, PartialEq)]
pub struct MixedFit {
    /// One coefficient a column of the design. Standard errors come from the numerical Hessian in all parameters, `σ`
    /// included.
    pub coefficients: Vec<Coefficient>,
    /// The covariance of the coefficients.
    pub covariance: Covariance,
    /// The standard deviation `σ` of the intercepts, in log odds, at least 0.
    pub sd: f64,
    /// The intercept of each group, in the order of the codes.
    pub intercepts: Vec<GroupIntercept>,
    /// The marginal log-likelihood as approximated.
    pub log_likelihood: f64,
    /// Minus twice the log-likelihood of the outcomes given the groups' modes.
    pub conditional_deviance: f64,
    /// Akaike's criterion of the marginal likelihood; `σ` counts as a parameter.
    pub aic: f64,
    /// The share of the latent variance that lies between groups, `σ² / (σ² + π²/3)`.
    pub icc_latent: f64,
    /// The median odds ratio `exp(√2 Φ⁻¹(3/4) σ)` between two groups taken at random, the higher over the lower; 1 is no
    /// difference.
    pub median_odds_ratio: f64,
    /// Whether `σ` is 0: the data show no more variation between groups than chance. The coefficients are then those of
    /// the model without groups.
    pub boundary: bool,
    /// Rows.
    pub rows: u64,
    /// Rows with the event.
    pub events: u64,
    /// Steps of the search.
    pub iterations: u32,
    /// The length of the step that is left, in standard errors.
    pub remaining_step: f64,
    /// The options of the fit; [`MixedOptions::method`] names the approximation.
    pub options: MixedOptions,
}

impl MixedFit {
    /// The estimates of the coefficients alone.
    pub fn estimates(&self) -> Vec<f64> {
        self.coefficients.iter().map(|coefficient| coefficient.estimate).collect()
    }

    /// The rate of all rows together, a fraction.
    pub fn overall_rate(&self) -> f64 {
        self.events as f64 / self.rows as f64
    }
}

/// Fits a logistic model with a random intercept a group.
///
/// The search starts at the model without groups and climbs by the BFGS method with exact derivatives of the approximated
/// likelihood, then by Newton's. It runs on `σ` itself, in which the likelihood is symmetric about 0 and smooth, so that a
/// `σ` of 0 is found as any other value and marked [`MixedFit::boundary`].
///
/// With one point, R's `lme4` (1.1-37) keeps the determinant in Laplace's formula from before its last step (its issues 289
/// and 998); its log-likelihood is then off by some 1e-5 and its standard errors by some 1e-3. Here both are exact; with more
/// points the two agree.
///
/// Source: Pinheiro JC, Chao EC. Efficient Laplacian and adaptive Gaussian quadrature algorithms for multilevel generalized
/// linear mixed models. J Comput Graph Stat 2006;15:58–81. Liu Q, Pierce DA. A note on Gauss–Hermite quadrature. Biometrika
/// 1994;81:624–629. Median odds ratio: Larsen K, Merlo J. Am J Epidemiol 2005;161:81–88.
///
/// # Errors
///
/// As [`logistic`] for the model without groups; [`StatisticsError::TooFew`] for one group;
/// [`StatisticsError::NotComputable`] when every group has one row, or when each group has one outcome so that `σ` has no
/// bound; [`StatisticsError::OutOfRange`] for an option; [`StatisticsError::NotConverged`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::{Design, Groups, MixedOptions, random_intercept};
/// // 20 clinics of 30 patients; clinics differ, and older patients are readmitted more often.
/// let clinic: Vec<usize> = (0..600).map(|i| i / 30).collect();
/// let values: Vec<f64> = (0..600).flat_map(|i| [1.0, f64::from(i % 10)]).collect();
/// let readmitted: Vec<bool> = (0..600).map(|i| (i * 7919) % 101 < 10 + 8 * ((i / 30) % 7) + 3 * (i % 10)).collect();
/// let design = Design::new(&values, 2)?;
/// let fit = random_intercept(&design, &readmitted, &Groups::from_codes(clinic)?, MixedOptions::LAPLACE)?;
/// assert!(fit.sd > 0.0 && fit.coefficients[1].estimate > 0.0 && fit.intercepts.len() == 20);
/// # Ok(())
/// # }
/// ```
pub fn random_intercept(design: &Design, outcome: &[bool], groups: &Groups, options: MixedOptions) -> Result<MixedFit> {
    options.checked()?;
    super::same_length("the groups", groups.codes().len(), design.rows())?;
    if groups.count() < 2 {
        let found = super::count(groups.count());
        return Err(StatisticsError::TooFew { what: "a model with random intercepts", found, needed: 2 });
    }
    if groups.count() == design.rows() {
        let because = "every group has one row, so differences between groups cannot be told from chance";
        return Err(StatisticsError::NotComputable { what: "a model with random intercepts", because });
    }
    let ordinary = logistic(design, outcome, LogisticOptions::STRICT)?;
    let panel = Panel::new(design, outcome, groups);
    let rule = Rule::new(options.points)?;
    let marginal = Marginal::of_all(&panel, &rule);
    let start = starting_place(&ordinary, groups, &panel);
    let inverse = starting_inverse(&marginal, &start, &ordinary.covariance)?;
    let limits = Limits::of(&options);
    let mut found = maximise(&marginal, &start, &inverse, limits)?;
    if found.place.sd() > LARGEST_SD {
        let because = "their standard deviation grows without bound: nearly every group has one outcome only";
        return Err(StatisticsError::NotComputable { what: "a model with random intercepts", because });
    }
    if found.place.log_likelihood <= ordinary.log_likelihood + NO_GAIN {
        return Ok(without_groups(ordinary, groups.count(), &found, options));
    }
    found.place = marginal.mirrored(found.place)?;
    // The curvature is taken where the search ended; polishing then moves by a tiny part of a standard error.
    let inverse = linear::inverse(&hessian(&marginal, &found)?).map_err(|_| StatisticsError::NotComputable {
        what: "standard errors of a model with random intercepts",
        because: "the likelihood is flat in some direction",
    })?;
    let (place, remaining_step) = polish(&marginal, found.place, &inverse, limits)?;
    let columns = design.columns();
    let covariance = Covariance::of(&inverse.view((0, 0), (columns, columns)).into_owned());
    let (coefficients, sd) = (place.coefficients(), place.sd());
    let intercepts = place.intercepts();
    let (rows, events) = (ordinary.rows, ordinary.events);
    Ok(MixedFit {
        coefficients: Coefficient::table(coefficients, &covariance)?,
        covariance,
        conditional_deviance: -2.0 * panel.conditional_log_likelihood(coefficients, &intercepts),
        log_likelihood: place.log_likelihood,
        aic: -2.0 * place.log_likelihood + 2.0 * (columns + 1) as f64,
        icc_latent: icc_latent(sd),
        median_odds_ratio: (std::f64::consts::SQRT_2 * normal_two_sided(0.5) * sd).exp(),
        sd,
        intercepts,
        boundary: false,
        rows,
        events,
        iterations: found.iterations,
        remaining_step,
        options,
    })
}

impl MixedOptions {
    pub(super) fn checked(&self) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance <= 1e-2) {
            let range = "above 0 and at most 0.01 standard errors";
            let what = "the tolerance of a model with random intercepts";
            return Err(StatisticsError::OutOfRange { what, value: self.tolerance, range });
        }
        Rule::new(self.points).map(|_| ())
    }
}

fn icc_latent(sd: f64) -> f64 {
    let between = sd * sd;
    between / (between + std::f64::consts::PI.powi(2) / 3.0)
}

/// The model without groups, told as a model whose `σ` is 0.
fn without_groups(ordinary: LogisticFit, groups: usize, found: &Maximum, options: MixedOptions) -> MixedFit {
    let parameters = (ordinary.coefficients.len() + 1) as f64;
    MixedFit {
        sd: 0.0,
        intercepts: vec![GroupIntercept { mode: 0.0, sd: 0.0 }; groups],
        log_likelihood: ordinary.log_likelihood,
        conditional_deviance: ordinary.deviance,
        aic: ordinary.deviance + 2.0 * parameters,
        icc_latent: 0.0,
        median_odds_ratio: 1.0,
        boundary: true,
        rows: ordinary.rows,
        events: ordinary.events,
        iterations: found.iterations,
        remaining_step: found.remaining_step,
        options,
        coefficients: ordinary.coefficients,
        covariance: ordinary.covariance,
    }
}

/// The coefficients of the model without groups, and a `σ` from how much the groups' residuals exceed chance.
fn starting_place(ordinary: &LogisticFit, groups: &Groups, panel: &Panel) -> Vec<f64> {
    let (mut residual, mut weight) = (vec![0.0; groups.count()], vec![0.0; groups.count()]);
    for ((&p, &outcome), &group) in ordinary.fitted.iter().zip(panel.outcome_by_row()).zip(groups.codes()) {
        residual[group] += outcome - p;
        weight[group] += p * (1.0 - p);
    }
    // The expected square of a group's residual sum is W + σ² W², to first order in σ².
    let excess: f64 = residual.iter().zip(&weight).map(|(r, w)| r * r - w).sum();
    let scale: f64 = weight.iter().map(|w| w * w).sum();
    let sd = (excess / scale).max(0.0).sqrt();
    let mut start = ordinary.estimates();
    // Away from 0, where the slope in σ vanishes.
    start.push(if sd.is_finite() { sd.clamp(0.1, 2.0) } else { 1.0 });
    start
}

/// A first guess of the inverse Hessian: the covariance without groups, and the curvature in `σ` by a difference.
pub(super) fn starting_inverse(marginal: &Marginal, start: &[f64], covariance: &Covariance) -> Result<DMatrix<f64>> {
    let last = marginal.parameters() - 1;
    let step = 1e-3;
    let mut beside = start.to_vec();
    beside[last] += step;
    let (here, there) = (marginal.evaluate(start, None)?, marginal.evaluate(&beside, None)?);
    let curvature = (here.gradient[last] - there.gradient[last]) / step;
    let mut inverse = DMatrix::zeros(last + 1, last + 1);
    inverse.view_mut((0, 0), (last, last)).copy_from(&covariance.matrix());
    inverse[(last, last)] = if curvature > 1.0 { 1.0 / curvature } else { 0.05 };
    Ok(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clinics of equal size whose rates follow `rate(clinic)`, in tenths.
    fn clinics(count: usize, size: usize, rate: impl Fn(usize) -> usize) -> (Vec<f64>, Vec<bool>, Vec<usize>) {
        let rows = (0..count * size).map(|row| (row / size, row % size));
        let (mut values, mut outcome, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        for (clinic, place) in rows {
            values.extend([1.0, (place % 4) as f64]);
            outcome.push((place * 7) % 10 < rate(clinic));
            codes.push(clinic);
        }
        (values, outcome, codes)
    }

    #[test]
    fn the_gradient_is_that_of_the_likelihood() -> Result<()> {
        let (values, outcome, codes) = clinics(9, 30, |clinic| 2 + clinic % 6);
        let groups = Groups::from_codes(codes)?;
        let panel = Panel::new(&Design::new(&values, 2)?, &outcome, &groups);
        for points in [1, 2, 9, 40] {
            let rule = Rule::new(points)?;
            let marginal = Marginal::of_all(&panel, &rule);
            for at in [[-0.4, 0.3, 0.7], [0.5, -0.2, -1.6], [0.1, 0.1, 0.0], [-3.0, 1.0, 4.0]] {
                let gradient = marginal.evaluate(&at, None)?.gradient;
                for parameter in 0..at.len() {
                    let beside = |step: f64| {
                        let mut beside = at;
                        beside[parameter] += step;
                        marginal.evaluate(&beside, None).map(|place| place.log_likelihood)
                    };
                    let slope = (beside(1e-5)? - beside(-1e-5)?) / 2e-5;
                    let error = (slope - gradient[parameter]).abs();
                    assert!(error < 1e-5 * (1.0 + slope.abs()), "{points} points, {at:?}: {slope} {gradient:?}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn clinics_that_are_alike_lie_on_the_boundary() -> Result<()> {
        let (values, outcome, codes) = clinics(12, 40, |_| 4);
        let (design, groups) = (Design::new(&values, 2)?, Groups::from_codes(codes)?);
        for points in [1, 9] {
            let fit = random_intercept(&design, &outcome, &groups, MixedOptions::adaptive(points))?;
            let ordinary = logistic(&design, &outcome, LogisticOptions::STRICT)?;
            assert!(fit.boundary && fit.sd.abs() < 1e-300 && (fit.median_odds_ratio - 1.0).abs() < 1e-300);
            assert_eq!((fit.coefficients, fit.covariance), (ordinary.coefficients, ordinary.covariance));
        }
        Ok(())
    }

    #[test]
    fn more_points_settle_on_one_likelihood() -> Result<()> {
        let (values, outcome, codes) = clinics(30, 10, |clinic| [1, 2, 5, 8, 9][clinic % 5]);
        let (design, groups) = (Design::new(&values, 2)?, Groups::from_codes(codes)?);
        let fit = |points| random_intercept(&design, &outcome, &groups, MixedOptions::adaptive(points));
        let (nine, thirty, hundred) = (fit(9)?, fit(30)?, fit(100)?);
        assert!((thirty.log_likelihood - hundred.log_likelihood).abs() < 1e-8);
        assert!((nine.sd - hundred.sd).abs() < 1e-3 && (thirty.sd - hundred.sd).abs() < 1e-5);
        assert!(hundred.remaining_step < 1e-5);
        Ok(())
    }

    #[test]
    fn groups_that_cannot_tell_are_refused() -> Result<()> {
        // Each clinic has one outcome: the intercepts have no bound.
        let (values, outcome, codes) = clinics(10, 20, |clinic| 10 * (clinic % 2));
        let (design, groups) = (Design::new(&values, 2)?, Groups::from_codes(codes)?);
        let unbounded = random_intercept(&design, &outcome, &groups, MixedOptions::LAPLACE);
        assert!(
            matches!(unbounded, Err(StatisticsError::NotComputable { .. } | StatisticsError::NotConverged { .. })),
            "{unbounded:?}"
        );
        let (values, outcome, _) = clinics(10, 20, |clinic| clinic % 9);
        let design = Design::new(&values, 2)?;
        let one = random_intercept(&design, &outcome, &Groups::from_codes(vec![0; 200])?, MixedOptions::LAPLACE);
        assert!(matches!(one, Err(StatisticsError::TooFew { found: 1, .. })));
        let alone = Groups::from_codes((0..200).collect())?;
        assert!(random_intercept(&design, &outcome, &alone, MixedOptions::LAPLACE).is_err());
        assert!(random_intercept(&design, &outcome, &groups, MixedOptions::adaptive(0)).is_err());
        let loose = MixedOptions { tolerance: f64::NAN, ..MixedOptions::LAPLACE };
        assert!(random_intercept(&design, &outcome, &groups, loose).is_err());
        let hurried = MixedOptions { max_iterations: 1, ..MixedOptions::LAPLACE };
        assert!(matches!(
            random_intercept(&design, &outcome, &groups, hurried),
            Err(StatisticsError::NotConverged { .. })
        ));
        Ok(())
    }

    #[test]
    fn clinics_of_very_different_sizes_are_fitted() -> Result<()> {
        // 200 clinics of one patient, 40 of ten and one of two thousand.
        let sizes = std::iter::repeat_n(1, 200).chain(std::iter::repeat_n(10, 40)).chain([2000]);
        let codes: Vec<usize> = sizes.enumerate().flat_map(|(code, size)| std::iter::repeat_n(code, size)).collect();
        let outcome: Vec<bool> =
            codes.iter().enumerate().map(|(row, code)| (row * 7919) % 101 < 15 + 9 * (code % 5)).collect();
        let values = vec![1.0; codes.len()];
        let (design, groups) = (Design::new(&values, 1)?, Groups::from_codes(codes)?);
        let fit = random_intercept(&design, &outcome, &groups, MixedOptions::adaptive(9))?;
        assert!(fit.sd > 0.1 && !fit.boundary);
        // A clinic of one patient says little: its intercept stays near the average and unsure.
        assert!(fit.intercepts[0].mode.abs() < fit.sd && fit.intercepts[0].sd > 0.9 * fit.sd);
        assert!(fit.intercepts[240].sd < 0.1);
        Ok(())
    }
}
