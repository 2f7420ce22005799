//! The rows of a design gathered by group.

use rayon::prelude::*;

use super::GroupIntercept;
use crate::risk::design::{Design, dot};
use crate::risk::groups::Groups;

/// A copy of the data in which the rows of a group lie side by side.
pub(in crate::risk) struct Panel {
    columns: usize,
    values: Vec<f64>,
    /// 1 with the event, 0 without.
    outcome: Vec<f64>,
    outcome_by_row: Vec<f64>,
    /// Where each group begins among the rows, and the end.
    starts: Vec<usize>,
}

impl Panel {
    /// Gathers the rows; all slices have one value a row.
    pub fn new(design: &Design, outcome: &[bool], groups: &Groups) -> Self {
        let columns = design.columns();
        let mut starts = vec![0; groups.count() + 1];
        for &code in groups.codes() {
            starts[code + 1] += 1;
        }
        for group in 0..groups.count() {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut order = vec![0; groups.codes().len()];
        for (row, &code) in groups.codes().iter().enumerate() {
            order[next[code]] = row;
            next[code] += 1;
        }
        let by_row: Vec<f64> = outcome.iter().map(|&event| f64::from(u8::from(event))).collect();
        let rows = design.values();
        Self {
            columns,
            values: order.iter().flat_map(|&row| &rows[row * columns..(row + 1) * columns]).copied().collect(),
            outcome: order.iter().map(|&row| by_row[row]).collect(),
            outcome_by_row: by_row,
            starts,
        }
    }

    pub const fn columns(&self) -> usize {
        self.columns
    }

    pub const fn groups(&self) -> usize {
        self.starts.len() - 1
    }

    /// Outcomes in the order in which the rows were given.
    pub fn outcome_by_row(&self) -> &[f64] {
        &self.outcome_by_row
    }

    /// The values, row by row, and the outcomes of one group.
    pub fn group(&self, group: usize) -> (&[f64], &[f64]) {
        let (from, to) = (self.starts[group], self.starts[group + 1]);
        (&self.values[from * self.columns..to * self.columns], &self.outcome[from..to])
    }

    /// The log-likelihood of the outcomes given the groups' intercepts.
    pub fn conditional_log_likelihood(&self, coefficients: &[f64], intercepts: &[GroupIntercept]) -> f64 {
        let groups: Vec<f64> = (0..self.groups())
            .into_par_iter()
            .zip(intercepts)
            .map(|(group, intercept)| {
                let (values, outcome) = self.group(group);
                let rows = values.chunks_exact(self.columns).zip(outcome);
                rows.map(|(row, &y)| log_likelihood(dot(row, coefficients) + intercept.mode, y)).sum()
            })
            .collect();
        groups.iter().sum()
    }
}

/// The log-likelihood of one outcome, 0 or 1, at these log odds.
pub(super) fn log_likelihood(log_odds: f64, outcome: f64) -> f64 {
    outcome * log_odds - log_odds.max(0.0) - (-log_odds.abs()).exp().ln_1p()
}
