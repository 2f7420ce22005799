//! What a funnel shows, and the scale on which its figures are close to normal.

use crate::{Result, StatisticsError};

/// The figure that is plotted for each site, with the way to its control limits.
///
/// The z-scores, and the limits widened for overdispersion, are always those of the transformed figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Units with the event out of all units; the transformation is the arcsine of the root.
    Proportion {
        /// How the limits are found.
        limits: ProportionLimits,
    },
    /// Observed over expected events.
    Ratio {
        /// How the limits are found.
        limits: RatioLimits,
        /// The transformation.
        transform: RatioTransform,
    },
    /// Events over an exposure.
    Rate {
        /// How the limits are found.
        limits: RatioLimits,
        /// The transformation.
        transform: RatioTransform,
    },
    /// One count over another, such as unplanned over planned admissions; the transformation is the logarithm.
    CountRatio {
        /// The variance behind the limits.
        spread: CountSpread,
    },
}

/// Limits of a proportion about the target `θ` at `n` units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProportionLimits {
    /// `θ ± z √(θ (1 − θ) / n)`, cut at 0 and 1: a site lies outside just when its Wilson interval excludes the target.
    Wilson,
    /// Quantiles of the binomial distribution, interpolated as by Spiegelhalter below and as its mirror image above, so
    /// that chance puts a site outside either limit with no more than the stated probability. The number of units must
    /// be whole.
    BinomialExact,
    /// `sin²(arcsin √θ ± z / (2 √n))`.
    Arcsine,
}

/// Limits of a ratio or rate about the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RatioLimits {
    /// Garwood's limits of the events expected under the target, over these events.
    PoissonExact,
    /// The normal limits of the transformed figure.
    Transformed,
}

/// The scale on which the z-scores of a ratio or rate are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RatioTransform {
    /// The logarithm, as in NHS England's summary hospital-level mortality indicator. Sites without events have none.
    Log,
    /// The square root, as used by the Care Quality Commission.
    SquareRoot,
}

/// The variance of the logarithm of a ratio of two counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountSpread {
    /// `1/(θ n) + 1/n`, that of two Poisson counts.
    BothCounts,
    /// `1/(4 n)`. **For comparison only**: it is what the R package `FunnelPlotR` 0.6 draws, eight times too small at a
    /// target of 1, so that the limits are too narrow by a factor of nearly three.
    QuarterDenominator,
}

/// The transformation behind a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Log,
    SquareRoot,
    Arcsine,
}

impl Figure {
    /// Returns the stable name of the control limits, for result tables.
    pub const fn limits_name(self) -> &'static str {
        match self {
            Self::Proportion { limits: ProportionLimits::Wilson } => "wilson",
            Self::Proportion { limits: ProportionLimits::BinomialExact } => "binomial_exact",
            Self::Proportion { limits: ProportionLimits::Arcsine } => "arcsine",
            Self::Ratio { limits: RatioLimits::PoissonExact, .. }
            | Self::Rate { limits: RatioLimits::PoissonExact, .. } => "poisson_exact",
            Self::CountRatio { spread: CountSpread::QuarterDenominator } => "log_quarter_denominator",
            Self::Ratio { .. } | Self::Rate { .. } | Self::CountRatio { .. } => self.transform_name(),
        }
    }

    /// Returns the stable name of the transformation, for result tables.
    pub const fn transform_name(self) -> &'static str {
        match self.scale() {
            Scale::Log => "log",
            Scale::SquareRoot => "square_root",
            Scale::Arcsine => "arcsine",
        }
    }

    const fn scale(self) -> Scale {
        match self {
            Self::Proportion { .. } => Scale::Arcsine,
            Self::Ratio { transform: RatioTransform::SquareRoot, .. }
            | Self::Rate { transform: RatioTransform::SquareRoot, .. } => Scale::SquareRoot,
            Self::Ratio { .. } | Self::Rate { .. } | Self::CountRatio { .. } => Scale::Log,
        }
    }

    /// Whether the size of a site is itself a count.
    pub(super) const fn counts_its_size(self) -> bool {
        matches!(self, Self::Proportion { .. } | Self::CountRatio { .. })
    }

    /// Refuses a target at which no site could vary.
    pub(super) fn check_target(self, target: f64) -> Result<()> {
        let proportion = matches!(self, Self::Proportion { .. });
        if target.is_finite() && target > 0.0 && (!proportion || target < 1.0) {
            return Ok(());
        }
        Err(StatisticsError::OutOfRange {
            what: "the target of the funnel",
            value: target,
            range: if proportion { "between 0 and 1, both excluded" } else { "a finite number above 0" },
        })
    }

    /// The figure's place on the scale of the z-scores.
    pub(super) fn forward(self, value: f64) -> f64 {
        match self.scale() {
            Scale::Log => value.ln(),
            Scale::SquareRoot => value.sqrt(),
            Scale::Arcsine => value.min(1.0).sqrt().asin(),
        }
    }

    /// Back from the scale of the z-scores. Below the scale's end the figure is 0, and above it 1: squaring a negative
    /// root, or taking the sine of an angle outside the quarter circle, would fold the limit back into the plot.
    pub(super) fn back(self, transformed: f64) -> f64 {
        match self.scale() {
            Scale::Log => transformed.exp(),
            Scale::SquareRoot => transformed.max(0.0).powi(2),
            Scale::Arcsine if transformed >= std::f64::consts::FRAC_PI_2 => 1.0,
            Scale::Arcsine => transformed.max(0.0).sin().powi(2),
        }
    }

    /// The variance of the transformed figure of a site of this size at the target.
    pub(super) fn variance(self, target: f64, size: f64) -> f64 {
        match (self, self.scale()) {
            (Self::CountRatio { spread: CountSpread::BothCounts }, _) => (1.0 / target + 1.0) / size,
            (Self::Proportion { .. } | Self::CountRatio { .. }, _) | (_, Scale::SquareRoot | Scale::Arcsine) => {
                0.25 / size
            }
            (_, Scale::Log) => 1.0 / (target * size),
        }
    }

    /// A site's transformed figure and its variance; `None` where the logarithm has no finite value.
    pub(super) fn transformed(self, target: f64, observed: u64, size: f64) -> Option<(f64, f64)> {
        if observed == 0 && self.scale() == Scale::Log {
            return None;
        }
        let events = observed as f64;
        if let Self::CountRatio { .. } = self {
            // Half an event is added to either count, after Spiegelhalter 2005, appendix A.
            let (above, below) = (events + 0.5, size + 0.5);
            return Some(((above / below).ln(), events / above.powi(2) + size / below.powi(2)));
        }
        Some((self.forward(events / size), self.variance(target, size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_undoes_forward_and_never_folds() {
        let figures = [
            Figure::Proportion { limits: ProportionLimits::Arcsine },
            Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::Log },
            Figure::Rate { limits: RatioLimits::PoissonExact, transform: RatioTransform::SquareRoot },
        ];
        for figure in figures {
            for value in [0.001, 0.2, 0.5, 0.999] {
                assert!((figure.back(figure.forward(value)) - value).abs() < 1e-14);
            }
            let mut before = 0.0;
            for step in -40..40 {
                let value = figure.back(f64::from(step) / 10.0);
                assert!(value >= before, "{figure:?} folds at {step}");
                before = value;
            }
        }
    }
}
