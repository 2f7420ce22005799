//! Centre line and limits of one phase, chart by chart.

use super::{Kind, Limits, Options, Point, Variation};
use crate::spc::constants::{D2, D4, a3, b3, b4};
use crate::spc::ranges::{mean, mean_range, moving_ranges, standard_deviation};
use crate::{Result, StatisticsError};

/// The power that makes exponential times nearly symmetric (Nelson 1994).
const T_POWER: f64 = 3.6;
/// The median of a geometric distribution in units of its mean, ln 2, as g charts print it.
const G_MEDIAN: f64 = 0.693;
const NO_RANGES: &str = "no two neighbouring points set a moving range";
const NO_SPREAD: &str = "no subgroup has two values";

/// Centre and limits of a phase, before the multiplier.
pub(super) struct Found {
    pub centre: f64,
    pub sigma_z: Option<f64>,
    pub no_limits: Option<&'static str>,
    pub limits: Vec<Option<Limits>>,
}

/// What is drawn at each point.
pub(super) fn drawn(kind: Kind, points: &[Point]) -> Result<Vec<Option<f64>>> {
    let quotients: Vec<Option<f64>> = points.iter().map(Point::quotient).collect();
    let values = match kind {
        Kind::Mr => [None].into_iter().chain(moving_ranges(&quotients)).collect(),
        Kind::XBar | Kind::C => points.iter().map(Point::numerator).collect(),
        Kind::S => points.iter().map(Point::spread).collect(),
        _ => quotients,
    };
    let huge =
        values.iter().enumerate().find_map(|(index, value)| value.filter(|v| !v.is_finite()).map(|v| (index, v)));
    match huge {
        Some((index, value)) => Err(StatisticsError::ValueNotFinite { index, value }),
        None => Ok(values),
    }
}

/// Centre line and limits of a phase from the points of its base.
pub(super) fn limits(
    kind: Kind,
    points: &[Point],
    drawn: &[Option<f64>],
    base: &[bool],
    options: &Options,
) -> Result<Found> {
    let phase = PhaseData { points, drawn, base, options };
    Ok(match kind {
        Kind::I => phase.individuals(drawn, options.centre)?.cut_at_zero(!options.negative_lower, drawn),
        Kind::Mr => phase.moving_range()?,
        Kind::XBar => phase.means()?,
        Kind::S => phase.standard_deviations()?,
        Kind::T => phase.times()?,
        Kind::G => phase.cases()?,
        Kind::C => phase.counts()?,
        Kind::U => phase.distribution(f64::sqrt, None)?,
        Kind::UPrime => phase.distribution(f64::sqrt, Some(options.variation))?,
        Kind::P => phase.distribution(binomial, None)?.cut_at_one(),
        Kind::PPrime => phase.distribution(binomial, Some(options.variation))?.cut_at_one(),
        Kind::IPrime => phase.normalised()?,
    })
}

fn binomial(centre: f64) -> f64 {
    (centre * (1.0 - centre)).max(0.0).sqrt()
}

struct PhaseData<'a> {
    points: &'a [Point],
    drawn: &'a [Option<f64>],
    base: &'a [bool],
    options: &'a Options,
}

impl PhaseData<'_> {
    /// The values that set limits, in order; missing ones stay, so that they interrupt moving ranges.
    fn of_base<T: Copy>(&self, values: &[T]) -> Vec<T> {
        values.iter().zip(self.base).filter(|(_, base)| **base).map(|(value, _)| *value).collect()
    }

    fn given_of_base(&self, values: &[Option<f64>]) -> Vec<f64> {
        self.of_base(values).into_iter().flatten().collect()
    }

    fn empty() -> StatisticsError {
        StatisticsError::Empty { what: "a phase of a control chart" }
    }

    /// The same limits at every point.
    fn everywhere(&self, centre: f64, limits: Option<Limits>, reason: &'static str) -> Found {
        let no_limits = limits.is_none().then_some(reason);
        Found { centre, sigma_z: None, no_limits, limits: vec![limits; self.points.len()] }
    }

    fn individuals(&self, values: &[Option<f64>], centre: Option<f64>) -> Result<Found> {
        let mean = mean(&self.given_of_base(values)).ok_or_else(Self::empty)?;
        let centre = centre.unwrap_or(mean);
        let range = mean_range(moving_ranges(&self.of_base(values)).into_iter(), self.options.screened);
        let limits = range.map(|range| Limits::symmetric(centre, range / D2));
        Ok(self.everywhere(centre, limits, NO_RANGES))
    }

    fn moving_range(&self) -> Result<Found> {
        let mean = mean(&self.given_of_base(self.drawn)).ok_or_else(Self::empty)?;
        let centre = self.options.centre.unwrap_or(mean);
        let upper = D4 * centre;
        let zero = 0.0;
        let limits = Limits {
            lower: zero,
            lower_2: zero,
            lower_1: zero,
            upper_1: upper / 3.0,
            upper_2: upper * 2.0 / 3.0,
            upper,
        };
        Ok(self.everywhere(centre, Some(limits), NO_RANGES))
    }

    /// The standard deviation within subgroups: the mean of theirs where all are of one size, else the pooled one.
    fn within(&self) -> (bool, Option<f64>) {
        let base = self.of_base(self.points);
        let sizes: Vec<u64> = base.iter().map(Point::size).filter(|size| *size > 0).collect();
        let constant = sizes.windows(2).all(|pair| pair[0] == pair[1]);
        let spreads: Vec<(f64, f64)> =
            base.iter().filter_map(|point| Some((point.spread()?, point.size().saturating_sub(1) as f64))).collect();
        if constant {
            return (true, mean(&spreads.iter().map(|pair| pair.0).collect::<Vec<_>>()));
        }
        let freedom: f64 = spreads.iter().map(|pair| pair.1).sum();
        let squares: f64 = spreads.iter().map(|(spread, freedom)| freedom * spread * spread).sum();
        (false, (freedom > 0.0).then(|| (squares / freedom).sqrt()))
    }

    fn means(&self) -> Result<Found> {
        let (constant, within) = self.within();
        let base = self.of_base(self.points);
        let weighted: Vec<(f64, f64)> = base
            .iter()
            .filter_map(|point| Some((point.numerator()?, if constant { 1.0 } else { point.size() as f64 })))
            .collect();
        let weights: f64 = weighted.iter().map(|pair| pair.1).sum();
        if weights <= 0.0 {
            return Err(Self::empty());
        }
        let mean = weighted.iter().map(|(value, weight)| value * weight).sum::<f64>() / weights;
        let centre = self.options.centre.unwrap_or(mean);
        let limits = self
            .points
            .iter()
            .map(|point| Some(Limits::symmetric(centre, a3(point.size())? * within? / 3.0)))
            .collect();
        Ok(Found { centre, sigma_z: None, no_limits: within.is_none().then_some(NO_SPREAD), limits })
    }

    fn standard_deviations(&self) -> Result<Found> {
        let centre = self.options.centre.or(self.within().1).ok_or_else(Self::empty)?;
        let limits = self
            .points
            .iter()
            .map(|point| {
                let (lower, upper) = (b3(point.size())? * centre, b4(point.size())? * centre);
                let third = (upper - centre) / 3.0;
                Some(Limits { lower, upper, ..Limits::symmetric(centre, third).not_below_zero() })
            })
            .collect();
        Ok(Found { centre, sigma_z: None, no_limits: None, limits })
    }

    fn times(&self) -> Result<Found> {
        let powers: Vec<Option<f64>> =
            self.drawn.iter().map(|time| time.map(|time| time.powf(1.0 / T_POWER))).collect();
        let centre = self.options.centre.map(|centre| centre.max(0.0).powf(1.0 / T_POWER));
        let found = self.individuals(&powers, centre)?.cut_at_zero(true, &powers);
        let back = |power: f64| power.powf(T_POWER);
        let limits = found.limits.iter().map(|limits| limits.map(|limits| limits.map(back))).collect();
        Ok(Found { centre: back(found.centre), limits, ..found })
    }

    fn cases(&self) -> Result<Found> {
        let mut given = self.given_of_base(self.drawn);
        let mean = mean(&given).ok_or_else(Self::empty)?;
        given.sort_by(f64::total_cmp);
        let median = given[(given.len() - 1) / 2].midpoint(given[given.len() / 2]);
        // Limits follow from the mean; the line is the median, which half of the points lie above.
        let (centre, line) = self.options.centre.map_or((mean, median), |centre| (centre, G_MEDIAN * centre));
        let sigma = (centre * (centre + 1.0)).max(0.0).sqrt();
        let limits = Limits::symmetric(centre, sigma).not_below_zero();
        Ok(self.everywhere(line, Some(limits), NO_RANGES))
    }

    fn counts(&self) -> Result<Found> {
        let mean = mean(&self.given_of_base(self.drawn)).ok_or_else(Self::empty)?;
        let centre = self.options.centre.unwrap_or(mean);
        let limits = Limits::symmetric(centre, centre.max(0.0).sqrt()).not_below_zero();
        Ok(self.everywhere(centre, Some(limits), NO_RANGES))
    }

    /// Sum of numerators over sum of denominators of the base, pairs that make no point left out.
    fn overall(&self) -> Result<f64> {
        let base = self.of_base(self.points);
        let pairs: Vec<(f64, f64)> = base
            .iter()
            .filter(|point| point.quotient().is_some())
            .filter_map(|point| Some((point.numerator()?, point.denominator()?)))
            .collect();
        let denominator: f64 = pairs.iter().map(|pair| pair.1).sum();
        if denominator <= 0.0 {
            return Err(Self::empty());
        }
        Ok(self.options.centre.unwrap_or(pairs.iter().map(|pair| pair.0).sum::<f64>() / denominator))
    }

    /// U and P charts: `spread(centre) / √n`, and for the prime charts times `σ_z`, the variation of standardised values.
    fn distribution(&self, spread: fn(f64) -> f64, variation: Option<Variation>) -> Result<Found> {
        let centre = self.overall()?;
        let sigma = |point: &Point| {
            let denominator = point.denominator().filter(|denominator| *denominator > 0.0)?;
            Some(spread(centre.max(0.0)) / denominator.sqrt())
        };
        let (sigma_z, no_limits) = match variation {
            None => (Some(1.0), None),
            Some(variation) => {
                let standardised: Vec<Option<f64>> = self
                    .points
                    .iter()
                    .zip(self.drawn)
                    .map(|(point, value)| {
                        let sigma = sigma(point).filter(|sigma| *sigma > 0.0)?;
                        Some((value.as_ref()? - centre) / sigma)
                    })
                    .collect();
                let base = self.of_base(&standardised);
                match variation {
                    Variation::MovingRange => {
                        let range = mean_range(moving_ranges(&base).into_iter(), self.options.screened);
                        (range.map(|range| range / D2), range.is_none().then_some(NO_RANGES))
                    }
                    Variation::StandardDeviation => {
                        let given: Vec<f64> = base.into_iter().flatten().collect();
                        let found = standard_deviation(&given);
                        (found, found.is_none().then_some("fewer than two points"))
                    }
                }
            }
        };
        let limits = self
            .points
            .iter()
            .map(|point| Some(Limits::symmetric(centre, sigma(point)? * sigma_z?).not_below_zero()))
            .collect();
        Ok(Found { centre, sigma_z: variation.and(sigma_z), no_limits, limits })
    }

    fn normalised(&self) -> Result<Found> {
        let centre = self.overall()?;
        let base = self.of_base(self.points);
        // The range of two ratios, freed from what their denominators explain.
        let ranges = base.windows(2).map(|pair| {
            let (one, other) = (pair[0].quotient()?, pair[1].quotient()?);
            let scale = (1.0 / pair[0].denominator()? + 1.0 / pair[1].denominator()?).sqrt();
            Some((other - one).abs() / scale)
        });
        // A range of two normal values has mean 2/√π standard deviations of one of them; √2 of it is in `scale`.
        let half = std::f64::consts::PI.sqrt() / std::f64::consts::SQRT_2;
        let sigma = mean_range(ranges, self.options.screened).map(|range| range * half);
        let limits = self
            .points
            .iter()
            .map(|point| {
                let denominator = point.denominator().filter(|denominator| *denominator > 0.0)?;
                Some(Limits::symmetric(centre, sigma? / denominator.sqrt()))
            })
            .collect();
        Ok(Found { centre, sigma_z: None, no_limits: sigma.is_none().then_some(NO_RANGES), limits })
    }
}

impl Limits {
    fn symmetric(centre: f64, sigma: f64) -> Self {
        Self {
            lower: centre - 3.0 * sigma,
            lower_2: centre - 2.0 * sigma,
            lower_1: centre - sigma,
            upper_1: centre + sigma,
            upper_2: centre + 2.0 * sigma,
            upper: centre + 3.0 * sigma,
        }
    }

    fn not_below_zero(self) -> Self {
        let cut = |limit: f64| limit.max(0.0);
        Self { lower: cut(self.lower), lower_2: cut(self.lower_2), lower_1: cut(self.lower_1), ..self }
    }

    /// Every limit turned by the same rising function.
    pub(super) fn map(self, turn: impl Fn(f64) -> f64) -> Self {
        Self {
            lower: turn(self.lower),
            lower_2: turn(self.lower_2),
            lower_1: turn(self.lower_1),
            upper_1: turn(self.upper_1),
            upper_2: turn(self.upper_2),
            upper: turn(self.upper),
        }
    }
}

impl Found {
    /// Lower limits no lower than 0, unless a value is.
    fn cut_at_zero(mut self, wanted: bool, values: &[Option<f64>]) -> Self {
        if wanted && values.iter().flatten().all(|value| *value >= 0.0) {
            self.limits.iter_mut().flatten().for_each(|limits| *limits = limits.not_below_zero());
        }
        self
    }

    /// Upper limits no higher than 1.
    fn cut_at_one(mut self) -> Self {
        for limits in self.limits.iter_mut().flatten() {
            limits.upper = limits.upper.min(1.0);
            limits.upper_2 = limits.upper_2.min(1.0);
            limits.upper_1 = limits.upper_1.min(1.0);
        }
        self
    }
}
