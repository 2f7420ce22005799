//! Everything that can stop a statistic from being computed, with the facts in the fields.

use thiserror::Error;

/// The result of a statistic: a value that means what it says, or the reason that there is none.
pub type Result<T> = std::result::Result<T, StatisticsError>;

/// Why a statistic was not computed.
///
/// Messages name the quantity, the value found and what to do; they hold no names of rows, files or people, which the
/// caller knows and adds.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// There was no value at all to work on.
    #[error("no values: {what} needs at least one that is not missing")]
    Empty {
        /// The statistic asked for.
        what: &'static str,
    },

    /// There were some values, but fewer than the method needs.
    #[error("{what} needs at least {needed} values and got {found}")]
    TooFew {
        /// The statistic asked for.
        what: &'static str,
        /// How many values there were.
        found: u64,
        /// How many the method needs.
        needed: u64,
    },

    /// A value of the series is `NaN` or infinite. Missing values are `None`, never `NaN`.
    #[error(
        "value {value} at position {index} (counted from 0) is not a finite number; a missing value must be absent"
    )]
    ValueNotFinite {
        /// Position in the slice, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },

    /// A single argument, or a result computed from very large values, is `NaN` or infinite.
    #[error("{what} is {value}, which is not a finite number")]
    NotFinite {
        /// The argument or result.
        what: &'static str,
        /// The value found.
        value: f64,
    },

    /// A count read from signed data is below zero.
    #[error("{what} is {value}: a count cannot be negative")]
    NegativeCount {
        /// Which count.
        what: &'static str,
        /// The value found.
        value: i64,
    },

    /// A count is above what an exact method can work out to full precision in reasonable time.
    #[error("{what} is {count}: exact methods stop at {limit}; use an approximate method such as Wilson or Byar")]
    CountTooLarge {
        /// Which count.
        what: &'static str,
        /// The value found.
        count: u64,
        /// The largest count that is accepted.
        limit: u64,
    },

    /// A proportion of nobody.
    #[error("the denominator is 0: there is no proportion to report")]
    ZeroDenominator,

    /// A proportion above 1: the numerator is not a part of the denominator.
    #[error("the numerator {numerator} is above the denominator {denominator}: it must be a part of it")]
    NumeratorExceedsDenominator {
        /// Units with the event.
        numerator: u64,
        /// Units in all.
        denominator: u64,
    },

    /// Person-time, or another exposure, must be a finite number above zero.
    #[error("the exposure is {exposure}: it must be a finite number above 0")]
    ExposureNotPositive {
        /// The value found.
        exposure: f64,
    },

    /// A multiplier, such as 1,000 for "per 1,000", must be a finite number above zero.
    #[error("the multiplier is {multiplier}: it must be a finite number above 0")]
    MultiplierNotPositive {
        /// The value found.
        multiplier: f64,
    },

    /// The confidence level is not a fraction strictly between 0 and 1.
    #[error("the confidence level is {confidence}: it must lie between 0 and 1, both excluded (0.95 for 95 %)")]
    ConfidenceOutOfRange {
        /// The value found.
        confidence: f64,
    },

    /// A variance below zero is a mistake in the caller's sums.
    #[error("the variance is {variance}: a variance cannot be negative")]
    NegativeVariance {
        /// The value found.
        variance: f64,
    },

    /// All values are the same; an interval of no width would claim a certainty that the data do not give.
    #[error("all {n} values are equal: the spread, and so an interval, cannot be estimated")]
    ZeroVariance {
        /// How many values there were.
        n: u64,
    },

    /// Byar's approximation has no lower limit here: it would fall below zero.
    #[error("Byar's lower limit is below 0 for {count} events at confidence {confidence}; use the exact interval")]
    ByarBelowZero {
        /// Events counted.
        count: u64,
        /// Confidence level asked for.
        confidence: f64,
    },

    /// A run chart whose every point is missing or lies on the centre line: there are no runs to count.
    #[error("a run chart cannot be computed: none of its {observations} points lies off the centre line {centre}")]
    NoUsefulObservations {
        /// Points that are not missing.
        observations: usize,
        /// The centre line.
        centre: f64,
    },

    /// A numerical search did not settle. Not expected; it stands in place of a wrong number.
    #[error("the computation of {what} did not settle on a value")]
    NotConverged {
        /// The quantity searched for.
        what: &'static str,
    },

    /// Two slices that belong together differ in length.
    #[error("{what} has {found} values where {expected} belong")]
    LengthMismatch {
        /// Which slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that it should have.
        expected: usize,
    },

    /// An argument outside the range in which the method means something.
    #[error("{what} is {value}: it must be {range}")]
    OutOfRange {
        /// The argument.
        what: &'static str,
        /// The value found.
        value: f64,
        /// The range in words, such as "above 0".
        range: &'static str,
    },

    /// A column of a design matrix is a combination of those before it.
    #[error("column {column} (counted from 0) is a linear combination of the columns before it: leave one of them out")]
    Collinear {
        /// Position of the column.
        column: usize,
    },

    /// A logistic model whose data are predicted perfectly: its coefficients have no finite estimate.
    #[error(
        "the outcome is separated by column {column} (counted from 0): its coefficient grows without bound; merge rare groups or leave it out"
    )]
    Separated {
        /// The column whose coefficient runs away furthest.
        column: usize,
    },

    /// The data are in order and the statistic still does not exist for them.
    #[error("{what} cannot be computed, because {because}")]
    NotComputable {
        /// The statistic asked for.
        what: &'static str,
        /// The reason in words.
        because: &'static str,
    },
}
