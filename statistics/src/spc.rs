//! Statistical process control: telling change from noise in a series over time.
//!
//! | module | what it holds |
//! |---|---|
//! | [`run`] | the run chart: a centre line and two rules about runs, with no assumption about the distribution |
//! | [`boxes`] | sharper limits for the same two rules: the best box and the cut box |
//! | [`chart`] | Shewhart's control charts: I, MR, X-bar, S, T, G, C, U, U′, P, P′, I′, with phases and baselines |
//! | [`rules`] | which points of a control chart are signals, by named sets of rules |
//! | [`sustained`] | since when: runs that last long enough to move the centre line |
//! | [`mdc`] | the NHS's XmR charts "Making Data Count": improvement, concern, pass, fail, hit or miss |
//! | [`cusum`] | the Bernoulli CUSUM: cases one by one |
//! | [`exact`] | how likely a count is by its own distribution, for months of few units |
//! | [`ewma`] | the exponentially weighted moving average: small and slow shifts |
//! | [`choose`] | which chart fits a measure, and why |

pub mod boxes;
pub mod chart;
pub mod choose;
mod constants;
pub mod cusum;
pub mod ewma;
pub mod exact;
pub mod mdc;
mod ranges;
pub mod rules;
pub mod run;
pub mod sustained;

pub use constants::{a3, b3, b4, c4};

/// Which way a measure is meant to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// High values are good.
    Increase,
    /// Low values are good.
    Decrease,
    /// Neither: a signal is a change, not an improvement or a concern.
    Neutral,
}

/// A side of the centre line, or a way of moving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Above, or upwards.
    High,
    /// Below, or downwards.
    Low,
}

/// What a signal means, given the direction of the measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// Special cause towards the good side.
    Improvement,
    /// Special cause towards the bad side.
    Concern,
    /// Special cause of a measure without a good side.
    Change(Side),
}

impl Meaning {
    /// What a signal on `side` means.
    pub const fn of(side: Side, direction: Direction) -> Self {
        match (direction, side) {
            (Direction::Neutral, side) => Self::Change(side),
            (Direction::Increase, Side::High) | (Direction::Decrease, Side::Low) => Self::Improvement,
            (Direction::Increase, Side::Low) | (Direction::Decrease, Side::High) => Self::Concern,
        }
    }
}
