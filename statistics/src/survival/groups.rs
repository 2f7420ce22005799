//! Groups to compare, given as codes from 0.

use super::follow_up::same_length;
use crate::{Result, StatisticsError};

/// Returns how many groups there are, once each code from 0 to the highest has a subject and there are at least two.
pub(super) fn checked_groups(what: &'static str, codes: &[u32], subjects: usize) -> Result<usize> {
    same_length("the slice of groups", codes.len(), subjects)?;
    let missing = StatisticsError::NotComputable { what, because: "a group has no subjects: its code is not used" };
    let highest = codes.iter().max().map_or(0, |code| *code as usize);
    // Checked before the table is made: a stray code of four thousand million must not take that much memory.
    if highest >= subjects {
        return Err(missing);
    }
    let mut used = vec![false; highest + 1];
    for code in codes {
        used[*code as usize] = true;
    }
    if used.contains(&false) {
        return Err(missing);
    }
    if used.len() < 2 {
        return Err(StatisticsError::NotComputable { what, because: "there is only one group" });
    }
    Ok(used.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_run_from_zero_without_holes() {
        assert_eq!(checked_groups("a test", &[1, 0, 1, 2], 4), Ok(3));
        for codes in [[0, 0, 0], [0, 2, 0], [1, 1, 2], [0, 1, u32::MAX]] {
            assert!(matches!(checked_groups("a test", &codes, 3), Err(StatisticsError::NotComputable { .. })));
        }
        assert!(matches!(checked_groups("a test", &[0], 2), Err(StatisticsError::LengthMismatch { .. })));
    }
}
