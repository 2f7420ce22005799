//! Sums over the rows of a design in fixed pieces: on all threads, and the same on any number of them.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::design::{Design, dot};

/// Rows of a piece. Pieces are added up in order, so the result does not depend on who computed which.
pub(super) const PIECE: usize = 4096;

/// Rows whose `1 + odds`, each from 1 to 2, are multiplied before one logarithm is taken of all: 2^256 does not overflow.
const LOGARITHM: usize = 256;

/// The log-likelihood of a logistic model at some coefficients, with its first and second derivatives.
pub(super) struct Curvature {
    pub log_likelihood: f64,
    /// First derivatives: the score.
    pub score: Vec<f64>,
    /// Minus the second derivatives: the information `X'WX`.
    pub information: DMatrix<f64>,
}

/// Evaluates the log-likelihood of `outcome` and its derivatives; `offset` is added to each row's log odds.
pub(super) fn curvature(design: &Design, outcome: &[bool], offset: Option<&[f64]>, coefficients: &[f64]) -> Curvature {
    let columns = design.columns();
    let pieces: Vec<Piece> = design
        .values()
        .par_chunks(PIECE * columns)
        .enumerate()
        .map(|(piece, rows)| {
            let from = piece * PIECE;
            let to = from + rows.len() / columns;
            let offset = offset.and_then(|offset| offset.get(from..to));
            Piece::of(rows, columns, &outcome[from..to], offset, coefficients)
        })
        .collect();
    let mut whole = Piece::empty(columns);
    for piece in &pieces {
        whole.add(piece);
    }
    Curvature {
        log_likelihood: whole.log_likelihood,
        score: whole.score,
        information: from_upper(&whole.upper, columns),
    }
}

/// The sum over rows of weight times the row's outer product, `X' diag(weights) X`.
pub(super) fn cross_product(design: &Design, weights: &[f64]) -> DMatrix<f64> {
    let columns = design.columns();
    let pieces: Vec<Vec<f64>> = design
        .values()
        .par_chunks(PIECE * columns)
        .zip(weights.par_chunks(PIECE))
        .map(|(rows, weights)| {
            let mut upper = vec![0.0; columns * columns];
            for (rows, weights) in rows.chunks(4 * columns).zip(weights.chunks(4)) {
                add_products(&mut upper, columns, rows, weights);
            }
            upper
        })
        .collect();
    let mut whole = vec![0.0; columns * columns];
    for piece in &pieces {
        add(&mut whole, piece);
    }
    from_upper(&whole, columns)
}

/// The sums of one piece.
struct Piece {
    log_likelihood: f64,
    score: Vec<f64>,
    /// Row-major; only from the diagonal to the right.
    upper: Vec<f64>,
}

impl Piece {
    fn empty(columns: usize) -> Self {
        Self { log_likelihood: 0.0, score: vec![0.0; columns], upper: vec![0.0; columns * columns] }
    }

    fn of(rows: &[f64], columns: usize, outcome: &[bool], offset: Option<&[f64]>, coefficients: &[f64]) -> Self {
        let mut piece = Self::empty(columns);
        let mut weights = Vec::with_capacity(outcome.len());
        let mut residuals = Vec::with_capacity(outcome.len());
        let mut product = 1.0;
        for (index, (row, &event)) in rows.chunks_exact(columns).zip(outcome).enumerate() {
            let shift = offset.and_then(|offset| offset.get(index)).copied().unwrap_or(0.0);
            let log_odds = dot(row, coefficients) + shift;
            let odds = (-log_odds.abs()).exp();
            let sum = 1.0 + odds;
            let larger = 1.0 / sum;
            let smaller = odds * larger;
            weights.push(larger * smaller);
            // The chance of what did not happen, from its own formula: 1 - p would lose the digits of a small one.
            let likely = event == (log_odds >= 0.0);
            let missed = if likely { smaller } else { larger };
            residuals.push(if event { missed } else { -missed });
            if !likely {
                piece.log_likelihood -= log_odds.abs();
            }
            product *= sum;
            if index % LOGARITHM == LOGARITHM - 1 {
                piece.log_likelihood -= product.ln();
                product = 1.0;
            }
        }
        piece.log_likelihood -= product.ln();
        let blocks = rows.chunks(4 * columns).zip(weights.chunks(4)).zip(residuals.chunks(4));
        for ((rows, weights), residuals) in blocks {
            add_products(&mut piece.upper, columns, rows, weights);
            for (row, residual) in rows.chunks_exact(columns).zip(residuals) {
                for (sum, value) in piece.score.iter_mut().zip(row) {
                    *sum += residual * value;
                }
            }
        }
        piece
    }

    fn add(&mut self, other: &Self) {
        self.log_likelihood += other.log_likelihood;
        add(&mut self.score, &other.score);
        add(&mut self.upper, &other.upper);
    }
}

fn add(sums: &mut [f64], values: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Adds weight times outer product of up to four rows to the upper triangle. Four at a time: the sums are read and
/// written once for all of them, which is what takes the time.
fn add_products(upper: &mut [f64], columns: usize, rows: &[f64], weights: &[f64]) {
    if let &[wa, wb, wc, wd] = weights {
        let (first, last) = rows.split_at(2 * columns);
        let ((a, b), (c, d)) = (first.split_at(columns), last.split_at(columns));
        for column in 0..columns {
            let (fa, fb, fc, fd) = (wa * a[column], wb * b[column], wc * c[column], wd * d[column]);
            let sums = &mut upper[column * columns + column..(column + 1) * columns];
            let values = a[column..].iter().zip(&b[column..]).zip(&c[column..]).zip(&d[column..]);
            for (sum, (((va, vb), vc), vd)) in sums.iter_mut().zip(values) {
                *sum += (fa * va + fb * vb) + (fc * vc + fd * vd);
            }
        }
        return;
    }
    for (row, weight) in rows.chunks_exact(columns).zip(weights) {
        for column in 0..columns {
            let factor = weight * row[column];
            let sums = &mut upper[column * columns + column..(column + 1) * columns];
            for (sum, value) in sums.iter_mut().zip(&row[column..]) {
                *sum += factor * value;
            }
        }
    }
}

/// The symmetric matrix of an upper triangle in row-major order.
fn from_upper(upper: &[f64], size: usize) -> DMatrix<f64> {
    DMatrix::from_fn(size, size, |row, column| upper[row.min(column) * size + row.max(column)])
}
