//! Time to an event, with censoring, late entry and competing events.
//!
//! A referral that is still open has not failed to close: it has been watched for so many days and is *censored*. A
//! referral that was cancelled can no longer close: cancellation *competes* with closure. A patient who enrolled on day
//! 30 could not have been counted before: the follow-up is *left truncated*. These functions give each its due.
//!
//! | function | question it answers |
//! |---|---|
//! | [`kaplan_meier()`] | What share is still waiting after so many days? After how many days has half of them closed? |
//! | [`KaplanMeier::restricted_mean`] | How many days do they wait on average within the first 90? |
//! | [`aalen_johansen()`] | What share has closed, and what share was cancelled, after so many days? |
//! | [`log_rank()`] | Do groups differ in how soon it happens? |
//! | [`gray()`] | Do groups differ in the share that ever closes, with cancellation as a competitor? |
//! | [`cox()`] | By what factor does each characteristic speed it up or slow it down? |
//!
//! All of them take a [`FollowUp`]: three slices, one place per subject. Times are compared exactly, so they should be
//! whole numbers of days; subjects with the same time are tied. Events at a time come before censorings at that time.
//! Every function sorts once and then passes over the distinct times.

mod aalen_johansen;
mod cox;
mod follow_up;
mod gray;
mod groups;
mod kaplan_meier;
mod limits;
mod log_rank;
mod quantile;
mod restricted_mean;
mod risk_set;
mod test;

pub use aalen_johansen::{
    AalenJohansen, CumulativeIncidence, IncidenceQuantile, IncidenceStep, IncidenceVariance, aalen_johansen,
};
pub use cox::{CoxModel, CoxTerm, Ties, cox};
pub use follow_up::{Event, FollowUp, Gap};
pub use gray::{GrayGroup, GrayTest, gray};
pub use kaplan_meier::{KaplanMeier, KaplanMeierStep, kaplan_meier};
pub use limits::CurveLimits;
pub use log_rank::{LogRankGroup, LogRankTest, log_rank};
pub use quantile::SurvivalQuantile;
pub use restricted_mean::RestrictedMean;
pub use test::ChiSquareTest;
