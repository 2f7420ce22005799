//! Confidence intervals, each named after its method, of proportions, rates and means, and of the differences and ratios
//! between two groups.
//!
//! | function | for | method |
//! |---|---|---|
//! | [`wilson`], [`wilson_continuity`] | a proportion | Wilson's score, without and with continuity correction |
//! | [`clopper_pearson`] | a proportion | exact |
//! | [`agresti_coull`], [`jeffreys`], [`wald`] | a proportion | to compare with other programs |
//! | [`poisson_exact_rate`] | events per exposure | exact (Garwood) |
//! | [`byar_rate`], [`byar_or_exact_rate`] | events per exposure | Byar's approximation; exact below ten events |
//! | [`mean_t`], [`mean_t_from_moments`] | a mean | Student's t |
//! | [`quantile_interval`], [`median_interval`] | a quantile | order statistics |
//! | [`difference_newcombe`], [`difference_score`], [`difference_agresti_caffo`], [`difference_wald`] | the difference of two proportions | as named |
//! | [`risk_ratio_score`], [`risk_ratio_wald`], [`risk_ratio_wald_adjusted`], [`odds_ratio_wald`] | the ratio of two risks or odds | as named |
//! | [`rate_ratio_exact`], [`rate_ratio_wald`], [`rate_difference_wald`] | two rates | as named |
//!
//! With them go the tests [`two_proportions_test`] and [`rate_ratio_test`], and [`quantile_groups`], which puts units
//! into fifths or tenths.
//!
//! Intervals are two-sided with equal tails. Confidence is a fraction: 0.95, not 95.

pub(crate) mod binomial;
mod comparison;
mod count;
mod difference;
mod groups;
mod mean;
mod order;
mod proportion;
mod proportion_alternatives;
mod rate;
mod rate_comparison;
mod ratio;
mod score;

use std::fmt;

use crate::{Result, StatisticsError};

pub use comparison::{Events, Part, Test, TestMethod};
pub use count::checked_count;
pub use difference::{difference_agresti_caffo, difference_newcombe, difference_wald, two_proportions_test};
pub use groups::{FirstGroup, quantile_groups};
pub use mean::{Moments, mean_difference_welch, mean_t, mean_t_from_moments};
pub(crate) use order::type_7;
pub use order::{OrderInterval, median_interval, quantile, quantile_interval};
pub use proportion::{clopper_pearson, wilson};
pub use proportion_alternatives::{agresti_coull, jeffreys, wald, wilson_continuity};
pub use rate::{BYAR_FROM, CountMethod, byar_or_exact_rate, byar_rate, poisson_exact_rate};
pub use rate_comparison::{
    rate_difference_wald, rate_ratio_exact, rate_ratio_mid_p_test, rate_ratio_test, rate_ratio_wald,
};
pub use ratio::{odds_ratio_wald, risk_ratio_wald, risk_ratio_wald_adjusted};
pub use score::{ScoreVariance, difference_score, risk_ratio_score};

/// The largest count that the exact methods accept, ten thousand million: above it their series would run for too long.
pub const EXACT_COUNT_LIMIT: u64 = 10_000_000_000;

/// An estimate with its two-sided confidence limits, all finite.
///
/// `lower <= value <= upper`, save for the few methods that say otherwise: [`jeffreys`] when nobody or everybody has the
/// event (or at a low confidence), and [`difference_agresti_caffo`] for extreme differences of small groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The estimate, in the unit of the statistic (a proportion is a fraction from 0 to 1).
    pub value: f64,
    /// Lower limit, in the same unit.
    pub lower: f64,
    /// Upper limit, in the same unit.
    pub upper: f64,
    /// Two-sided confidence level, a fraction between 0 and 1.
    pub confidence: f64,
    /// How the limits were computed.
    pub method: Method,
}

impl Interval {
    /// Expresses the interval per `multiplier` units: 1,000 turns events per person-day into events per 1,000
    /// person-days, 100 turns a fraction into a percentage.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::MultiplierNotPositive`] unless `multiplier` is finite and above 0;
    /// [`StatisticsError::NotFinite`] when the product overflows.
    pub fn scaled(self, multiplier: f64) -> Result<Self> {
        if !multiplier.is_finite() || multiplier <= 0.0 {
            return Err(StatisticsError::MultiplierNotPositive { multiplier });
        }
        Self::checked(
            self.value * multiplier,
            self.lower * multiplier,
            self.upper * multiplier,
            self.confidence,
            self.method,
        )
    }

    /// Builds an interval around its estimate after a last look that its numbers are numbers: sums of huge values can
    /// overflow.
    pub(crate) fn checked(value: f64, lower: f64, upper: f64, confidence: f64, method: Method) -> Result<Self> {
        // Rounding in the last place may put a limit on the wrong side of the estimate when the two coincide.
        Self::as_computed(value, lower, upper, confidence, method).map(|it| Self {
            lower: it.lower.min(value),
            upper: it.upper.max(value),
            ..it
        })
    }

    /// Builds an interval whose method does not promise to hold its estimate.
    pub(crate) fn as_computed(value: f64, lower: f64, upper: f64, confidence: f64, method: Method) -> Result<Self> {
        for (what, value) in [("the estimate", value), ("the lower limit", lower), ("the upper limit", upper)] {
            if !value.is_finite() {
                return Err(StatisticsError::NotFinite { what, value });
            }
        }
        // At a confidence near 0 rounding may swap limits that are all but equal.
        Ok(Self { value, lower: lower.min(upper), upper: upper.max(lower), confidence, method })
    }
}

/// The method of an interval, printed beside it in every output row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Wilson's score interval of a proportion, without continuity correction.
    Wilson,
    /// The exact (Clopper–Pearson) interval of a proportion.
    ClopperPearson,
    /// The exact (Garwood) interval of a Poisson rate.
    PoissonExact,
    /// Byar's approximation to the exact interval of a Poisson rate.
    Byar,
    /// Student's t interval of a mean.
    MeanT,
    /// Welch's t interval of a difference of two means, whose variances may differ.
    WelchT,
    /// Wald's interval: the estimate plus and minus a normal quantile times its standard error.
    Wald,
    /// Percentiles of a bootstrap over providers, as CMS computes them for risk-standardised rates.
    ProviderBootstrap,
    /// Normal interval of a coefficient or contrast of a regression; its variance is named beside it.
    RegressionNormal,
    /// Student's t interval of a coefficient or contrast of a regression; its variance is named beside it.
    RegressionT,
    /// Normal interval of the between-group variance.
    BetweenGroupNormal,
    /// Quantiles of results recomputed from simulated group values.
    Simulation,
    /// Normal interval from the sampling errors of the groups (delta method).
    SamplingError,
    /// Student's t interval from the scatter of the groups about a weighted regression line.
    ResidualT,
    /// A curve's limits from Greenwood's variance, as they are.
    GreenwoodPlain,
    /// A curve's limits from Greenwood's variance, on the scale of the logarithm.
    GreenwoodLog,
    /// A curve's limits from Greenwood's variance, on the scale of the logarithm of minus the logarithm.
    GreenwoodLogLog,
    /// A cumulative incidence's limits from Aalen's variance, as they are.
    AalenPlain,
    /// A cumulative incidence's limits from Aalen's variance, on the scale of the logarithm.
    AalenLog,
    /// A cumulative incidence's limits from Aalen's variance, on the scale of the logarithm of minus the logarithm.
    AalenLogLog,
    /// The normal interval of a restricted mean time.
    RestrictedMeanNormal,
    /// Wald's interval of a hazard ratio, on the scale of the logarithm.
    HazardRatioWald,
    /// Wilson's score interval of a proportion with continuity correction.
    WilsonContinuity,
    /// Agresti and Coull's interval of a proportion.
    AgrestiCoull,
    /// The equal-tailed Bayesian interval of a proportion under Jeffreys' prior.
    Jeffreys,
    /// The simple normal interval of a proportion; for comparison only.
    WaldProportion,
    /// The interval of a quantile between two order statistics.
    OrderStatistic,
    /// Newcombe's hybrid score interval of a difference of proportions.
    Newcombe,
    /// Agresti and Caffo's interval of a difference of proportions.
    AgrestiCaffo,
    /// Miettinen and Nurminen's score interval of a difference or ratio of proportions.
    MiettinenNurminen,
    /// Mee's score interval of a difference of proportions.
    Mee,
    /// Koopman's score interval of a ratio of proportions.
    Koopman,
    /// The simple normal interval of a difference of proportions or rates.
    WaldDifference,
    /// The normal interval of the logarithm of a ratio of risks or rates.
    LogWald,
    /// The same with one half added to each count.
    LogWaldAdjusted,
    /// Woolf's interval of an odds ratio.
    Woolf,
    /// The exact interval of a ratio of rates, given the total of events.
    ConditionalExact,
    /// Dobson's interval of a directly standardised rate, with Byar's limits of the count.
    Dobson,
    /// The same where one person can have several events.
    DobsonNonIndependent,
    /// Fay and Feuer's gamma interval of a directly standardised rate.
    FayFeuer,
}

impl Method {
    /// Returns the stable name used in result tables: lower case, words joined by `_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wilson => "wilson",
            Self::ClopperPearson => "clopper_pearson",
            Self::PoissonExact => "poisson_exact",
            Self::Byar => "byar",
            Self::MeanT => "t_mean",
            Self::WelchT => "welch_t",
            Self::Wald => "wald",
            Self::ProviderBootstrap => "provider_bootstrap_percentile",
            Self::RegressionNormal => "regression_normal",
            Self::RegressionT => "regression_t",
            Self::BetweenGroupNormal => "between_group_normal",
            Self::Simulation => "simulation",
            Self::SamplingError => "sampling_error",
            Self::ResidualT => "residual_t",
            Self::GreenwoodPlain => "greenwood_plain",
            Self::GreenwoodLog => "greenwood_log",
            Self::GreenwoodLogLog => "greenwood_log_log",
            Self::AalenPlain => "aalen_plain",
            Self::AalenLog => "aalen_log",
            Self::AalenLogLog => "aalen_log_log",
            Self::RestrictedMeanNormal => "restricted_mean_normal",
            Self::HazardRatioWald => "hazard_ratio_wald",
            Self::WilsonContinuity => "wilson_continuity",
            Self::AgrestiCoull => "agresti_coull",
            Self::Jeffreys => "jeffreys",
            Self::WaldProportion => "wald_proportion",
            Self::OrderStatistic => "order_statistic",
            Self::Newcombe => "newcombe",
            Self::AgrestiCaffo => "agresti_caffo",
            Self::MiettinenNurminen => "miettinen_nurminen",
            Self::Mee => "mee",
            Self::Koopman => "koopman",
            Self::WaldDifference => "wald_difference",
            Self::LogWald => "log_wald",
            Self::LogWaldAdjusted => "log_wald_adjusted",
            Self::Woolf => "woolf",
            Self::ConditionalExact => "conditional_exact",
            Self::Dobson => "dobson_byar",
            Self::DobsonNonIndependent => "dobson_byar_non_independent",
            Self::FayFeuer => "fay_feuer",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the two-sided error `1 - confidence`, or refuses a level that is not strictly between 0 and 1.
pub(crate) fn two_sided_error(confidence: f64) -> Result<f64> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(1.0 - confidence)
    } else {
        Err(StatisticsError::ConfidenceOutOfRange { confidence })
    }
}

/// Refuses a count that an exact method could not finish.
fn within_exact_limit(what: &'static str, count: u64) -> Result<()> {
    if count > EXACT_COUNT_LIMIT {
        return Err(StatisticsError::CountTooLarge { what, count, limit: EXACT_COUNT_LIMIT });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_level_is_a_fraction() {
        for confidence in [0.0, 1.0, 95.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(
                matches!(wilson(1, 2, confidence), Err(StatisticsError::ConfidenceOutOfRange { .. })),
                "{confidence}"
            );
        }
    }

    #[test]
    fn scaling_changes_the_unit_and_nothing_else() -> Result<()> {
        let per_day = poisson_exact_rate(5, 1000.0, 0.95)?;
        let per_thousand = per_day.scaled(1000.0)?;
        assert!((per_thousand.value - 5.0).abs() < 1e-12);
        assert_eq!((per_thousand.method, per_thousand.confidence), (Method::PoissonExact, 0.95));
        for multiplier in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(per_day.scaled(multiplier), Err(StatisticsError::MultiplierNotPositive { .. })));
        }
        assert!(matches!(per_thousand.scaled(f64::MAX), Err(StatisticsError::NotFinite { .. })));
        Ok(())
    }

    #[test]
    fn the_names_of_methods_are_stable() {
        let methods = [Method::Wilson, Method::ClopperPearson, Method::PoissonExact, Method::Byar, Method::MeanT];
        let names: Vec<_> = methods.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["wilson", "clopper_pearson", "poisson_exact", "byar", "t_mean"]);
        let of_two_groups = [Method::Newcombe, Method::MiettinenNurminen, Method::LogWald, Method::ConditionalExact];
        assert_eq!(
            of_two_groups.map(Method::name),
            ["newcombe", "miettinen_nurminen", "log_wald", "conditional_exact"]
        );
        let standardised = [Method::Dobson, Method::DobsonNonIndependent, Method::FayFeuer];
        assert_eq!(standardised.map(Method::name), ["dobson_byar", "dobson_byar_non_independent", "fay_feuer"]);
    }
}
