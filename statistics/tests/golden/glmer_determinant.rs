//! What R's `glmer(nAGQ = 1)` leaves out, so that its numbers can be compared to the last digits.
//!
//! lme4 iterates to the modes of the random effects and stops when the penalised deviance changes by less than 1e-7 of
//! itself. The determinant in Laplace's formula is kept from the weights *before* the last step, and its numerical Hessian
//! is taken of that function (lme4 issues 289 and 998). The log-likelihood is then off by some 1e-5 and standard errors by
//! some 1e-3. Here the same search is run on a model with random intercepts with the old and with the renewed determinant:
//! the difference of the two is the peer's error, and carecoord's results must be the peer's without it.

use carecoord_statistics::risk::{Design, Groups};
use nalgebra::{DMatrix, DVector};

/// The peer's function at the peer's estimates, with the determinant as it leaves it and as it should be.
pub struct Determinant {
    /// By how much the log-likelihood is too low.
    pub log_likelihood: f64,
    /// For each coefficient, the right standard error over the peer's.
    pub standard_errors: Vec<f64>,
}

struct Model<'a> {
    design: Design<'a>,
    outcome: Vec<f64>,
    groups: &'a Groups,
}

/// The relative change of the penalised deviance at which the peer stops (`tolPwrss`).
const PEER_STOPS: f64 = 1e-7;

impl Determinant {
    pub fn at(design: Design, outcome: &[bool], groups: &Groups, coefficients: &[f64], sd: f64) -> Self {
        let outcome = outcome.iter().map(|&event| f64::from(u8::from(event))).collect();
        let model = Model { design, outcome, groups };
        let start = model.first_stage();
        let at: Vec<f64> = coefficients.iter().copied().chain([sd]).collect();
        let log_likelihoods = |at: &[f64]| model.laplace(at, &start);
        let (old, new) = log_likelihoods(&at);
        let errors = |which: fn((f64, f64)) -> f64| {
            let hessian = hessian(&at, |at| which(log_likelihoods(at)));
            let inverse = (-hessian).try_inverse().unwrap();
            (0..coefficients.len()).map(|i| inverse[(i, i)].sqrt()).collect::<Vec<_>>()
        };
        let standard_errors = errors(|both| both.1).into_iter().zip(errors(|both| both.0)).map(|(new, old)| new / old);
        Self { log_likelihood: new - old, standard_errors: standard_errors.collect() }
    }
}

impl Model<'_> {
    /// Sums over the rows of each group.
    fn by_group(&self, values: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.groups.count()];
        for (value, &group) in values.zip(self.groups.codes()) {
            sums[group] += value;
        }
        sums
    }

    fn deviance(&self, log_odds: &[f64]) -> f64 {
        let rows = log_odds.iter().zip(&self.outcome);
        2.0 * rows.map(|(eta, y)| eta.max(0.0) + (-eta.abs()).exp().ln_1p() - y * eta).sum::<f64>()
    }

    /// Working weights and the working response less `offset`.
    fn working(&self, log_odds: &[f64], offset: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let rows = log_odds.iter().zip(offset).zip(&self.outcome);
        rows.map(|((eta, offset), y)| {
            let p = 1.0 / (1.0 + (-eta).exp());
            (p * (1.0 - p), eta - offset + (y - p) / (p * (1.0 - p)))
        })
        .unzip()
    }

    /// Twice the log-likelihood's negative at `(coefficients, sd)`, as log-likelihoods with the old and the new determinant.
    fn laplace(&self, at: &[f64], start: &[f64]) -> (f64, f64) {
        let (coefficients, sd) = at.split_at(at.len() - 1);
        let sd = sd[0];
        let offset = self.design.linear_predictor(coefficients).unwrap();
        let mut log_odds = start.to_vec();
        let mut before = f64::INFINITY;
        loop {
            let (weights, response) = self.working(&log_odds, &offset);
            let curvature = self.curvature(&weights, sd);
            let sums = self.by_group(weights.iter().zip(&response).map(|(w, z)| w * z));
            let modes: Vec<f64> = sums.iter().zip(&curvature).map(|(sum, d)| sd * sum / d).collect();
            log_odds = offset.iter().zip(self.groups.codes()).map(|(eta, &group)| eta + sd * modes[group]).collect();
            let penalised = self.deviance(&log_odds) + modes.iter().map(|u| u * u).sum::<f64>();
            if ((before - penalised) / penalised).abs() < PEER_STOPS {
                let renewed = self.curvature(&self.working(&log_odds, &offset).0, sd);
                let value = |curvature: &[f64]| -(penalised + curvature.iter().map(|d| d.ln()).sum::<f64>()) / 2.0;
                return (value(&curvature), value(&renewed));
            }
            before = penalised;
        }
    }

    fn curvature(&self, weights: &[f64], sd: f64) -> Vec<f64> {
        self.by_group(weights.iter().copied()).iter().map(|weight| 1.0 + sd * sd * weight).collect()
    }

    /// The log odds from which the peer starts each evaluation: the best fit with coefficients and modes found together
    /// (`nAGQ = 0`). A golden-section search over `sd` is close enough.
    fn first_stage(&self) -> Vec<f64> {
        let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = (0.01, 3.0);
        while high - low > 1e-3 {
            let (left, right) = (high - golden * (high - low), low + golden * (high - low));
            if self.joint(left).0 < self.joint(right).0 { high = right } else { low = left }
        }
        self.joint(f64::midpoint(low, high)).1
    }

    /// The criterion and the log odds of the joint fit at `sd`.
    fn joint(&self, sd: f64) -> (f64, Vec<f64>) {
        let (columns, groups) = (self.design.columns(), self.groups.count());
        let mut log_odds: Vec<f64> =
            self.outcome.iter().map(|y| if *y > 0.5 { 3.0_f64.ln() } else { -3.0_f64.ln() }).collect();
        let none = vec![0.0; log_odds.len()];
        let mut before = f64::INFINITY;
        loop {
            let (weights, response) = self.working(&log_odds, &none);
            let curvature = self.curvature(&weights, sd);
            let mut products = DMatrix::<f64>::zeros(columns, columns);
            let mut right = DVector::<f64>::zeros(columns);
            let mut crossed = DMatrix::<f64>::zeros(groups, columns);
            let rows = self.design.iter_rows().zip(&weights).zip(&response).zip(self.groups.codes());
            for (((row, w), z), &group) in rows {
                for (i, x) in row.iter().enumerate() {
                    right[i] += w * x * z;
                    crossed[(group, i)] += sd * w * x;
                    for (j, beside) in row.iter().enumerate().skip(i) {
                        products[(i, j)] += w * x * beside;
                    }
                }
            }
            products.fill_lower_triangle_with_upper_triangle();
            let sums = self.by_group(weights.iter().zip(&response).map(|(w, z)| sd * w * z));
            let shrunk = DMatrix::from_fn(groups, columns, |group, i| crossed[(group, i)] / curvature[group]);
            let left = &products - crossed.transpose() * &shrunk;
            let right = &right - shrunk.transpose() * DVector::from_column_slice(&sums);
            let coefficients = left.cholesky().unwrap().solve(&right);
            let fixed = &crossed * &coefficients;
            let modes: Vec<f64> = (0..groups).map(|group| (sums[group] - fixed[group]) / curvature[group]).collect();
            let offset = self.design.linear_predictor(coefficients.as_slice()).unwrap();
            log_odds = offset.iter().zip(self.groups.codes()).map(|(eta, &group)| eta + sd * modes[group]).collect();
            let penalised = self.deviance(&log_odds) + modes.iter().map(|u| u * u).sum::<f64>();
            if ((before - penalised) / penalised).abs() < PEER_STOPS {
                return (penalised + curvature.iter().map(|d| d.ln()).sum::<f64>(), log_odds);
            }
            before = penalised;
        }
    }
}

/// Second derivatives by central differences.
fn hessian(at: &[f64], value: impl Fn(&[f64]) -> f64) -> DMatrix<f64> {
    let step = 1e-3;
    let mut hessian = DMatrix::zeros(at.len(), at.len());
    for i in 0..at.len() {
        for j in i..at.len() {
            let beside = |a: f64, b: f64| {
                let mut beside = at.to_vec();
                beside[i] += a * step;
                beside[j] += b * step;
                value(&beside)
            };
            let second = beside(1.0, 1.0) - beside(1.0, -1.0) - beside(-1.0, 1.0) + beside(-1.0, -1.0);
            hessian[(i, j)] = second / (4.0 * step * step);
            hessian[(j, i)] = hessian[(i, j)];
        }
    }
    hessian
}
