//! Counts: whole numbers from zero up, which tables often hold in signed columns.

use crate::{Result, StatisticsError};

/// Turns a signed number of a table into a count; `what` names it in the error ("the numerator").
///
/// # Errors
///
/// [`StatisticsError::NegativeCount`] below 0.
///
/// ```
/// use carecoord_statistics::intervals::checked_count;
/// assert_eq!(checked_count("the numerator", 12), Ok(12));
/// assert!(checked_count("the numerator", -1).is_err());
/// ```
pub fn checked_count(what: &'static str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| StatisticsError::NegativeCount { what, value })
}
