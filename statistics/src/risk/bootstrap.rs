//! How sure a risk-standardised rate is: providers drawn anew, the model fitted anew.

use rand::RngExt;
use rand_pcg::Pcg64;
use rayon::prelude::*;
use statrs::function::erf::erfc_inv;

use super::design::Design;
use super::groups::Groups;
use super::mixed::{Limits, Marginal, MixedFit, MixedOptions, Panel, Rule, maximise, starting_inverse};
use super::provider::{ratio_of, standardised_ratios};
use crate::intervals::{Interval, Method, two_sided_error};
use crate::{Result, StatisticsError};

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapOptions {
    /// Samples of providers; CMS's reports rest on thousands.
    pub replicates: u32,
    /// Where chance comes from. The same seed gives the same intervals on any number of threads.
    pub seed: u64,
    /// Two-sided confidence level, a fraction.
    pub confidence: f64,
    /// The approximation and the search of each refit. A tolerance of 1e-4 standard errors is far below the error of
    /// chance.
    pub refit: MixedOptions,
}

/// Intervals of risk-standardised rates, and how the refits went.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// One a provider, in the order of the codes.
    pub providers: Vec<ProviderInterval>,
    /// Refits that gave no model: all outcomes alike, or a search that did not settle. They are left out.
    pub failed: u32,
    /// The share of `failed` among the replicates.
    pub failed_share: f64,
    /// Refits whose standard deviation between providers was 0 to four decimals; they are kept.
    pub boundary: u32,
    /// The options used.
    pub options: BootstrapOptions,
}

/// The interval of one provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProviderInterval {
    /// Samples that the provider was part of and whose refit succeeded; about 63 % of the replicates.
    pub estimates: u64,
    /// The risk-standardised rate with percentile limits, or why there is none. Limits that leave out the estimate are
    /// widened to hold it.
    pub rate: Result<Interval>,
}

/// Computes percentile intervals of the risk-standardised rates by CMS's bootstrap. For each replicate:
///
/// 1. as many providers as there are, drawn with replacement, each with all its patients; a provider drawn twice counts as
///    two;
/// 2. the model fitted to them, starting from the estimates of all providers;
/// 3. for each provider in the sample, an intercept drawn from the normal distribution about its conditional mode, with
///    the mode's standard deviation;
/// 4. its predicted events with that intercept, over its expected events, times the overall rate of all patients.
///
/// The limits are quantiles of a provider's rates (interpolated between neighbours, Hyndman and Fan's type 7). A provider is
/// absent from about a third of the samples and has no rate from those. Replicate `r` draws from its own stream of the
/// generator, `Pcg64::new(seed, r)`.
///
/// A column that separates the outcomes of a sample by chance does not fail its refit: the coefficient grows until the
/// likelihood no longer does, and the rates are those of that limit.
///
/// Source: Yale New Haven Health Services Corporation – Center for Outcomes Research & Evaluation, for CMS:
/// Condition-Specific Readmission Measures Updates and Specifications Report, appendix on statistical methods, "Bootstrap
/// algorithm"; Normand, Glickman and Gatsonis 1997 (see [`standardised_ratios`]).
///
/// # Errors
///
/// As [`standardised_ratios`]; [`StatisticsError::ConfidenceOutOfRange`]; [`StatisticsError::OutOfRange`] for no replicates
/// or an option of the refit; [`StatisticsError::NotConverged`] when every refit failed. A provider with fewer estimates
/// than the level needs for its tails (40 at 0.95) has [`StatisticsError::TooFew`] in place of its interval.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::risk::{BootstrapOptions, Design, Groups, MixedOptions, bootstrap_rates, random_intercept};
/// let clinics = Groups::from_codes((0..300).map(|i| i / 30).collect())?;
/// let ones = [1.0; 300];
/// let readmitted: Vec<bool> = (0..300).map(|i| (i * 13) % 29 < 4 + i / 30).collect();
/// let design = Design::new(&ones, 1)?;
/// let fit = random_intercept(&design, &readmitted, &clinics, MixedOptions::LAPLACE)?;
/// let refit = MixedOptions { tolerance: 1e-4, ..MixedOptions::LAPLACE };
/// let options = BootstrapOptions { replicates: 100, seed: 7, confidence: 0.9, refit };
/// let bootstrap = bootstrap_rates(&design, &readmitted, &clinics, &fit, options)?;
/// assert!(bootstrap.providers[0].rate.is_ok_and(|rate| rate.lower < rate.upper));
/// # Ok(())
/// # }
/// ```
pub fn bootstrap_rates(
    design: &Design,
    outcome: &[bool],
    groups: &Groups,
    fit: &MixedFit,
    options: BootstrapOptions,
) -> Result<Bootstrap> {
    let error = two_sided_error(options.confidence)?;
    options.refit.checked()?;
    if options.replicates == 0 {
        let (what, range) = ("the number of bootstrap replicates", "at least 1");
        return Err(StatisticsError::OutOfRange { what, value: 0.0, range });
    }
    let ratios = standardised_ratios(design, outcome, groups, fit)?;
    let panel = Panel::new(design, outcome, groups);
    let rule = Rule::new(options.refit.points)?;
    let mut start = fit.estimates();
    start.push(fit.sd.max(0.1));
    let guess = starting_inverse(&Marginal::of_all(&panel, &rule), &start, &fit.covariance)?;
    let overall = fit.overall_rate();

    let refits: Vec<Option<Refit>> = (0..options.replicates)
        .into_par_iter()
        .map(|replicate| {
            let mut random = Pcg64::new(u128::from(options.seed), u128::from(replicate));
            let sample = draw(&panel, &mut random);
            let events: f64 = sample.iter().map(|&(group, _)| panel.group(group).1.iter().sum::<f64>()).sum();
            let rows: usize = sample.iter().map(|&(group, _)| panel.group(group).1.len()).sum();
            if events <= 0.0 || events >= rows as f64 {
                return None;
            }
            let marginal = Marginal::of_some(&panel, &rule, sample);
            let limits = Limits::of(&options.refit);
            let place = maximise(&marginal, &start, &guess, limits).ok()?.place;
            let rates = marginal.codes().zip(place.intercepts()).map(|(group, intercept)| {
                let drawn = intercept.mode + intercept.sd * standard_normal(&mut random);
                let values = panel.group(group).0;
                Some((group, ratio_of(values, panel.columns(), place.coefficients(), drawn)? * overall))
            });
            Some(Refit { rates: rates.collect::<Option<_>>()?, boundary: place.sd() < 5e-5 })
        })
        .collect();

    let done = refits.iter().flatten();
    let boundary = done.clone().map(|refit| u32::from(refit.boundary)).sum();
    let mut rates = vec![Vec::new(); groups.count()];
    for &(group, rate) in done.clone().flat_map(|refit| &refit.rates) {
        rates[group].push(rate);
    }
    let failed = refits.iter().map(|refit| u32::from(refit.is_none())).sum();
    if failed == options.replicates {
        return Err(StatisticsError::NotConverged { what: "every refit of the bootstrap" });
    }
    let providers = rates
        .into_iter()
        .zip(ratios)
        .map(|(rates, ratio)| ProviderInterval {
            estimates: super::count(rates.len()),
            rate: percentiles(rates, ratio.rate, error, options.confidence),
        })
        .collect();
    let failed_share = f64::from(failed) / f64::from(options.replicates);
    Ok(Bootstrap { providers, failed, failed_share, boundary, options })
}

/// What one refit says of the providers in its sample.
struct Refit {
    rates: Vec<(usize, f64)>,
    boundary: bool,
}

/// Draws as many groups as there are, with replacement: codes in order, with the times that each was drawn.
fn draw(panel: &Panel, random: &mut Pcg64) -> Vec<(usize, f64)> {
    let mut times = vec![0.0; panel.groups()];
    for _ in 0..panel.groups() {
        times[random.random_range(0..panel.groups())] += 1.0;
    }
    times.into_iter().enumerate().filter(|&(_, times)| times > 0.0).collect()
}

/// A standard normal number, by the inverse of its distribution function.
fn standard_normal(random: &mut Pcg64) -> f64 {
    // The middle of one of 2^53 equal parts: never 0 or 1.
    let uniform = random.random::<f64>() + f64::EPSILON / 4.0;
    -std::f64::consts::SQRT_2 * erfc_inv(2.0 * uniform)
}

/// The estimate with the quantiles of its replicates as limits.
fn percentiles(mut rates: Vec<f64>, value: f64, error: f64, confidence: f64) -> Result<Interval> {
    let needed = 2.0 / error;
    if (rates.len() as f64) < needed * (1.0 - 1e-12) {
        // Above 2^53 the number is of no interest: such a level cannot be reached.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let needed = (needed - 1e-9).ceil() as u64;
        let found = super::count(rates.len());
        return Err(StatisticsError::TooFew { what: "a bootstrap interval", found, needed });
    }
    rates.sort_by(f64::total_cmp);
    let quantile = |probability: f64| {
        let place = probability * (rates.len() - 1) as f64;
        // Between 0 and the last position.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let below = place.floor() as usize;
        let low = rates.get(below).copied().unwrap_or(value);
        let high = rates.get(below + 1).copied().unwrap_or(low);
        low + (place - below as f64) * (high - low)
    };
    let (lower, upper) = (quantile(error / 2.0), quantile(1.0 - error / 2.0));
    Interval::checked(value, lower, upper, confidence, Method::ProviderBootstrap)
}
