//! Groups of rows: the provider of each stay, or the cluster of each patient.

use std::collections::BTreeMap;

use crate::{Result, StatisticsError};

/// The group of each row, as codes from 0 without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    codes: Vec<usize>,
    sizes: Vec<u64>,
}

impl Groups {
    /// Takes the code of each row; codes run from 0, and every code up to the largest occurs.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::Empty`] without rows; [`StatisticsError::NotComputable`] when a code is skipped.
    pub fn from_codes(codes: Vec<usize>) -> Result<Self> {
        let Some(&largest) = codes.iter().max() else {
            return Err(StatisticsError::Empty { what: "a grouping of rows" });
        };
        let skipped = StatisticsError::NotComputable {
            what: "a grouping of rows",
            because: "a code below the largest has no rows; number the groups from 0 without gaps",
        };
        if largest >= codes.len() {
            return Err(skipped);
        }
        let mut sizes = vec![0_u64; largest + 1];
        for &code in &codes {
            sizes[code] += 1;
        }
        if sizes.contains(&0) {
            return Err(skipped);
        }
        Ok(Self { codes, sizes })
    }

    /// Numbers the labels of the rows in their order and returns the label of each code beside the groups.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::Empty`] without rows.
    ///
    /// ```
    /// use carecoord_statistics::risk::Groups;
    /// let numbered = Groups::from_labels(&["West", "East", "West"]);
    /// assert!(numbered.is_ok_and(|(groups, labels)| groups.codes() == [1, 0, 1] && labels == ["East", "West"]));
    /// ```
    pub fn from_labels<L: Ord + Clone>(labels: &[L]) -> Result<(Self, Vec<L>)> {
        let mut code_of: BTreeMap<&L, usize> = labels.iter().map(|label| (label, 0)).collect();
        for (code, entry) in code_of.values_mut().enumerate() {
            *entry = code;
        }
        let codes = labels.iter().filter_map(|label| code_of.get(label).copied()).collect();
        Ok((Self::from_codes(codes)?, code_of.into_keys().cloned().collect()))
    }

    /// The number of groups, at least 1.
    pub const fn count(&self) -> usize {
        self.sizes.len()
    }

    /// The code of each row.
    pub fn codes(&self) -> &[usize] {
        &self.codes
    }

    /// Rows of each group, by code; all at least 1.
    pub fn sizes(&self) -> &[u64] {
        &self.sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_no_gaps() {
        assert!(matches!(Groups::from_codes(vec![]), Err(StatisticsError::Empty { .. })));
        assert!(matches!(Groups::from_codes(vec![0, 2, 2]), Err(StatisticsError::NotComputable { .. })));
        assert!(matches!(Groups::from_codes(vec![usize::MAX]), Err(StatisticsError::NotComputable { .. })));
        assert!(Groups::from_codes(vec![1, 0, 1]).is_ok_and(|groups| groups.sizes() == [1, 2]));
    }
}
