//! The funnel plot: target, sites, and the spread between them.

use super::dispersion::{Dispersion, Overdispersion, Score, estimate, tempered};
use super::figure::Figure;
use super::limits::whole;
use super::position::{Levels, Limits, Position};
use crate::{Result, StatisticsError};

const WHAT: &str = "a funnel plot (sites with a size above 0)";

/// One site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Site {
    /// Units with the event, or events.
    pub observed: u64,
    /// What they are held against: all units (a whole number), expected events, exposure, or the second count (a whole
    /// number). A site whose size is 0 has no figure and is left out.
    pub size: f64,
}

/// The line that sites are compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// All sites together: the sum of observed over the sum of sizes.
    Pooled,
    /// A figure given: a standard, or 1 for observed over expected.
    Given(f64),
}

/// What to compute; there are no defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The line that sites are compared with.
    pub target: Target,
    /// The levels of the limits.
    pub levels: Levels,
    /// Whether and how the spread between sites is estimated.
    pub overdispersion: Overdispersion,
}

/// A funnel plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    /// What is plotted, and how its limits were found.
    pub figure: Figure,
    /// What was asked for.
    pub options: Options,
    /// The target, in the unit of the figure.
    pub target: f64,
    /// The sites in the order given; `None` for one without a figure because its size is 0.
    pub sites: Vec<Option<Placed>>,
    /// Sites left out because their size is 0.
    pub without_size: usize,
    /// Sites plotted but without a z-score, because they have no event and the scale is a logarithm. They do not count
    /// in φ; when scores are trimmed they take the lowest ranks.
    pub without_score: usize,
    /// The spread between sites; `None` when it was not asked for, an error when it cannot be estimated.
    pub dispersion: Option<Result<Dispersion>>,
}

/// A site in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Its figure.
    pub value: f64,
    /// Its figure on the scale of the z-scores.
    pub transformed: Option<f64>,
    /// Its distance from the target in standard errors, chance alone.
    pub z: Option<f64>,
    /// The z-score that went into φ; `None` when trimmed, when there is none, or when φ was not asked for.
    pub z_used: Option<f64>,
    /// Its distance from the target when the spread between sites is allowed for.
    pub z_adjusted: Option<f64>,
    /// The limits at its size for chance alone.
    pub limits: Limits,
    /// Where it lies among them.
    pub position: Position,
    /// The limits at its size on the transformed scale, with τ² (which may be 0), brought back to the figure's unit.
    pub adjusted_limits: Option<Limits>,
    /// Where it lies among those.
    pub adjusted_position: Option<Position>,
    /// The position to report: among the adjusted limits when τ² is above 0, else among the plain ones.
    pub verdict: Position,
}

/// Computes the funnel plot of `sites`.
///
/// Source: Spiegelhalter DJ. Funnel plots for comparing institutional performance. Stat Med 2005;24:1185–1202;
/// Spiegelhalter DJ. Handling over-dispersion of performance indicators. Qual Saf Health Care 2005;14:347–351.
///
/// # Errors
///
/// [`StatisticsError::TooFew`] with fewer than two sites of a size above 0; [`StatisticsError::OutOfRange`] for a size
/// that is negative, not a number, or not whole where it counts something, and for a target at which nothing varies
/// (also a pooled one: no site has an event), and a share to trim that is not below one half; [`StatisticsError::NumeratorExceedsDenominator`] for a proportion; and
/// those of [`super::control_limits`]. A spread between sites that cannot be estimated is no error of the plot: see
/// [`Funnel::dispersion`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::funnel::{Figure, Levels, Options, Overdispersion, ProportionLimits, Signal, Site, Target, funnel};
/// let sites = [(12, 80.0), (40, 150.0), (31, 210.0)].map(|(observed, size)| Site { observed, size });
/// let figure = Figure::Proportion { limits: ProportionLimits::BinomialExact };
/// let options = Options {
///     target: Target::Pooled,
///     levels: Levels::USUAL,
///     overdispersion: Overdispersion::Winsorised { share: 0.1 },
/// };
/// let plot = funnel(&sites, figure, &options)?;
/// assert!((plot.target - 83.0 / 440.0).abs() < 1e-12);
/// assert!(plot.sites.iter().flatten().any(|site| site.position.signal == Signal::Alert));
/// # Ok(())
/// # }
/// ```
pub fn funnel(sites: &[Site], figure: Figure, options: &Options) -> Result<Funnel> {
    options.levels.errors()?;
    for site in sites {
        check_site(site, figure)?;
    }
    let with_size = sites.iter().filter(|site| site.size > 0.0).count();
    if with_size < 2 {
        return Err(StatisticsError::TooFew { what: WHAT, found: with_size as u64, needed: 2 });
    }
    let target = match options.target {
        Target::Given(target) => target,
        Target::Pooled => pooled(sites),
    };
    figure.check_target(target)?;

    let transformed: Vec<Option<(f64, f64)>> = sites
        .iter()
        .map(|site| (site.size > 0.0).then(|| figure.transformed(target, site.observed, site.size)).flatten())
        .collect();
    let centre = figure.forward(target);
    let scores: Vec<Score> = transformed
        .iter()
        .flatten()
        .map(|&(place, variance)| Score { z: (place - centre) / variance.sqrt(), variance })
        .collect();
    let used = tempered(&scores, with_size - scores.len(), options.overdispersion)?;
    let asked = options.overdispersion != Overdispersion::None;
    let dispersion = asked.then(|| estimate(&scores, &used, options.overdispersion));
    let mut plot = Funnel {
        figure,
        options: *options,
        target,
        sites: Vec::with_capacity(sites.len()),
        without_size: sites.len() - with_size,
        without_score: with_size - scores.len(),
        dispersion,
    };
    let mut in_order = scores.iter().zip(used);
    for (site, transformed) in sites.iter().zip(&transformed) {
        if site.size <= 0.0 {
            plot.sites.push(None);
            continue;
        }
        let score = transformed.and_then(|(place, _)| Some((place, in_order.next()?)));
        let placed = plot.place(site, score.map(|(place, (score, used))| (place, *score, used.filter(|_| asked))))?;
        plot.sites.push(Some(placed));
    }
    Ok(plot)
}

impl Funnel {
    /// τ², when it was estimated.
    pub(super) fn between(&self) -> Option<f64> {
        self.dispersion.and_then(Result::ok).map(|dispersion| dispersion.tau_squared)
    }

    fn place(&self, site: &Site, score: Option<(f64, Score, Option<f64>)>) -> Result<Placed> {
        let value = site.observed as f64 / site.size;
        let point = self.limits_at(site.size)?;
        let position = point.limits.position(value);
        let adjusted_position = point.adjusted_limits.map(|limits| limits.position(value));
        let widened = self.between().is_some_and(|between| between > 0.0);
        let z_adjusted = self
            .between()
            .zip(score)
            .map(|(between, (_, score, _))| score.z * (score.variance / (score.variance + between)).sqrt());
        Ok(Placed {
            value,
            transformed: score.map(|(place, ..)| place),
            z: score.map(|(_, score, _)| score.z),
            z_used: score.and_then(|(.., used)| used),
            z_adjusted,
            limits: point.limits,
            position,
            adjusted_limits: point.adjusted_limits,
            adjusted_position,
            verdict: adjusted_position.filter(|_| widened).unwrap_or(position),
        })
    }
}

fn check_site(site: &Site, figure: Figure) -> Result<()> {
    if !(site.size.is_finite() && site.size >= 0.0) {
        return Err(StatisticsError::OutOfRange {
            what: "the size of a site",
            value: site.size,
            range: "a finite number, 0 or above",
        });
    }
    if figure.counts_its_size() {
        let denominator = whole(site.size)?;
        if matches!(figure, Figure::Proportion { .. }) && site.observed > denominator {
            return Err(StatisticsError::NumeratorExceedsDenominator { numerator: site.observed, denominator });
        }
    }
    Ok(())
}

/// All sites that have a figure, together.
fn pooled(sites: &[Site]) -> f64 {
    let with_size = sites.iter().filter(|site| site.size > 0.0);
    let observed: u128 = with_size.clone().map(|site| u128::from(site.observed)).sum();
    observed as f64 / with_size.map(|site| site.size).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::{ProportionLimits, RatioLimits, RatioTransform, Signal};
    use super::*;

    const LOG: Figure = Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::Log };
    const PROPORTION: Figure = Figure::Proportion { limits: ProportionLimits::Wilson };

    fn options(overdispersion: Overdispersion) -> Options {
        Options { target: Target::Given(1.0), levels: Levels::USUAL, overdispersion }
    }

    fn sites(given: &[(u64, f64)]) -> Vec<Site> {
        given.iter().map(|&(observed, size)| Site { observed, size }).collect()
    }

    #[test]
    fn sites_without_expected_or_observed_events_are_counted_and_do_no_harm() -> Result<()> {
        let given = sites(&[(0, 9.0), (3, 0.0), (12, 10.0), (40, 20.0), (3, 11.0)]);
        let plot = funnel(&given, LOG, &options(Overdispersion::Winsorised { share: 0.0 }))?;
        assert_eq!((plot.without_size, plot.without_score), (1, 1));
        assert!(plot.sites[1].is_none());
        let none = plot.sites[0].expect("it has expected events");
        assert!(none.z.is_none() && none.z_used.is_none() && none.z_adjusted.is_none());
        assert_eq!(none.position.signal, Signal::Alarm, "nothing where nine were expected");
        let dispersion = plot.dispersion.expect("asked for")?;
        assert_eq!((dispersion.scored, dispersion.used), (3, 3));
        assert!(dispersion.is_adjusted());
        Ok(())
    }

    #[test]
    fn no_adjustment_leaves_the_plain_verdict() -> Result<()> {
        let plot = funnel(
            &sites(&[(10, 10.0), (21, 20.0), (29, 30.0)]),
            LOG,
            &options(Overdispersion::Trimmed { share: 0.0 }),
        )?;
        assert!(!plot.dispersion.expect("asked for")?.is_adjusted());
        assert!(plot.sites.iter().flatten().all(|site| site.verdict == site.position));
        Ok(())
    }

    #[test]
    fn a_spread_that_cannot_be_estimated_is_a_reason_beside_a_plot() -> Result<()> {
        let plot = funnel(&sites(&[(0, 5.0), (7, 5.0)]), LOG, &options(Overdispersion::Winsorised { share: 0.1 }))?;
        assert!(matches!(plot.dispersion, Some(Err(StatisticsError::TooFew { found: 1, needed: 2, .. }))));
        assert!(plot.sites.iter().flatten().all(|site| site.adjusted_limits.is_none()));
        Ok(())
    }

    #[test]
    fn input_is_checked() {
        let plain = options(Overdispersion::None);
        let pooled = Options { target: Target::Pooled, ..plain };
        assert!(matches!(funnel(&sites(&[(1, 5.0), (1, 0.0)]), LOG, &plain), Err(StatisticsError::TooFew { .. })));
        assert!(funnel(&[], LOG, &plain).is_err());
        for size in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(funnel(&sites(&[(1, 5.0), (1, 5.0), (1, size)]), LOG, &plain).is_err());
        }
        assert!(funnel(&sites(&[(1, 5.0), (1, 5.5)]), PROPORTION, &pooled).is_err(), "half a patient");
        assert!(matches!(
            funnel(&sites(&[(1, 5.0), (6, 5.0)]), PROPORTION, &pooled),
            Err(StatisticsError::NumeratorExceedsDenominator { .. })
        ));
        assert!(funnel(&sites(&[(0, 5.0), (0, 5.0)]), PROPORTION, &pooled).is_err(), "no event anywhere");
        assert!(funnel(&sites(&[(1, 5.0), (1, 5.0)]), PROPORTION, &plain).is_err(), "a target of 1");
    }
}
