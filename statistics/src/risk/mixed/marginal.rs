//! The marginal log-likelihood of a random-intercept model, and its exact derivatives.

use rayon::prelude::*;

use super::panel::{Panel, log_likelihood};
use super::quadrature::Rule;
use super::{GroupIntercept, LARGEST_SD};
use crate::risk::design::dot;
use crate::risk::probability;
use crate::{Result, StatisticsError};

/// Groups of a piece of work; pieces are added up in order.
const PIECE: usize = 8;

/// A likelihood to climb: some groups of a panel, each counted a number of times, and a rule to integrate with.
pub(in crate::risk) struct Marginal<'a> {
    panel: &'a Panel,
    rule: &'a Rule,
    /// Codes of groups and how often each counts.
    groups: Vec<(usize, f64)>,
}

/// A point in the space of parameters (the coefficients, then `σ`) and what the likelihood is there.
#[derive(Clone)]
pub(in crate::risk) struct Place {
    pub parameters: Vec<f64>,
    pub log_likelihood: f64,
    pub gradient: Vec<f64>,
    /// For each group of the likelihood, where its integrand is highest, in units of `σ`.
    modes: Vec<f64>,
    /// Minus the second derivative of the logarithm of its integrand there, at least 1.
    curvatures: Vec<f64>,
}

impl Place {
    pub fn coefficients(&self) -> &[f64] {
        &self.parameters[..self.parameters.len() - 1]
    }

    /// `σ`, whatever its sign during the search.
    pub fn sd(&self) -> f64 {
        self.parameters.last().map_or(0.0, |sd| sd.abs())
    }

    /// The intercepts of the groups of the likelihood, in their order.
    pub fn intercepts(&self) -> Vec<GroupIntercept> {
        let sd = self.parameters.last().copied().unwrap_or(0.0);
        let of = |(mode, curvature): (&f64, &f64)| GroupIntercept { mode: sd * mode, sd: sd.abs() / curvature.sqrt() };
        self.modes.iter().zip(&self.curvatures).map(of).collect()
    }
}

impl<'a> Marginal<'a> {
    /// Every group once.
    pub fn of_all(panel: &'a Panel, rule: &'a Rule) -> Self {
        Self { panel, rule, groups: (0..panel.groups()).map(|group| (group, 1.0)).collect() }
    }

    /// Some groups, each with the number of times that it counts.
    pub const fn of_some(panel: &'a Panel, rule: &'a Rule, groups: Vec<(usize, f64)>) -> Self {
        Self { panel, rule, groups }
    }

    /// The coefficients and `σ`.
    pub const fn parameters(&self) -> usize {
        self.panel.columns() + 1
    }

    /// Evaluates the likelihood; the modes of a place nearby save steps.
    pub fn evaluate(&self, parameters: &[f64], near: Option<&Place>) -> Result<Place> {
        let columns = self.panel.columns();
        let (coefficients, sd) = (&parameters[..columns], parameters[columns]);
        let far = parameters.iter().any(|value| !value.is_finite()) || sd.abs() > 2.0 * LARGEST_SD;
        if far {
            return Err(OUT_OF_REACH);
        }
        let none = Vec::new();
        let modes = near.map_or(&none, |near| &near.modes);
        let pieces: Vec<Piece> = self
            .groups
            .par_chunks(PIECE)
            .enumerate()
            .map(|(index, groups)| {
                let mut piece = Piece::new(coefficients, sd, self.rule);
                for (place, &(group, times)) in groups.iter().enumerate() {
                    let start = modes.get(index * PIECE + place).copied().unwrap_or(0.0);
                    piece.add(self.panel.group(group), times, start);
                }
                piece
            })
            .collect();
        let mut whole = Place {
            parameters: parameters.to_vec(),
            log_likelihood: 0.0,
            gradient: vec![0.0; columns + 1],
            modes: Vec::with_capacity(self.groups.len()),
            curvatures: Vec::with_capacity(self.groups.len()),
        };
        for piece in pieces {
            whole.log_likelihood += piece.log_likelihood;
            for (sum, value) in whole.gradient.iter_mut().zip(&piece.gradient) {
                *sum += value;
            }
            whole.modes.extend(piece.modes);
            whole.curvatures.extend(piece.curvatures);
        }
        if whole.log_likelihood.is_finite() && whole.gradient.iter().all(|value| value.is_finite()) {
            Ok(whole)
        } else {
            Err(OUT_OF_REACH)
        }
    }

    /// The same place with `σ` at its positive value.
    pub fn mirrored(&self, place: Place) -> Result<Place> {
        let mut parameters = place.parameters.clone();
        match parameters.last_mut() {
            Some(sd) if *sd < 0.0 => *sd = -*sd,
            _ => return Ok(place),
        }
        self.evaluate(&parameters, None)
    }

    /// The codes of the groups.
    pub fn codes(&self) -> impl Iterator<Item = usize> {
        self.groups.iter().map(|&(group, _)| group)
    }
}

/// Where the likelihood cannot be worked out; the search steps back from there.
const OUT_OF_REACH: StatisticsError = StatisticsError::NotConverged { what: "a model with random intercepts" };

/// The sums of some groups, and room to work in.
struct Piece<'a> {
    coefficients: &'a [f64],
    sd: f64,
    rule: &'a Rule,
    log_likelihood: f64,
    gradient: Vec<f64>,
    modes: Vec<f64>,
    curvatures: Vec<f64>,
    /// The log odds of the average group, a row.
    average: Vec<f64>,
    /// The probability at the mode, a row.
    at_mode: Vec<f64>,
    /// The residual averaged over the points of the rule, a row.
    residuals: Vec<f64>,
    /// The residuals at each point, one point after the other.
    at_points: Vec<f64>,
}

impl<'a> Piece<'a> {
    fn new(coefficients: &'a [f64], sd: f64, rule: &'a Rule) -> Self {
        Self {
            coefficients,
            sd,
            rule,
            log_likelihood: 0.0,
            gradient: vec![0.0; coefficients.len() + 1],
            modes: Vec::with_capacity(PIECE),
            curvatures: Vec::with_capacity(PIECE),
            average: Vec::new(),
            at_mode: Vec::new(),
            residuals: Vec::new(),
            at_points: Vec::new(),
        }
    }

    /// Adds one group, counted `times`.
    ///
    /// With `u` standard normal and `h(u)` the log-likelihood of the group at `b = σu` less `u²/2`, the integral is
    /// `τ Σ exp(h(û + τz) + z²/2) w(z)`, where `û` is the mode of `h`, `d = −h''(û)`, `τ = 1/√d`, and `z`, `w` are the points
    /// and weights of the rule. Derivatives follow `û` and `τ` as the parameters move: `dû = h_u,ψ / d` and
    /// `dτ = −½ d^(−3/2) dd`.
    fn add(&mut self, (values, outcome): (&[f64], &[f64]), times: f64, start: f64) {
        let columns = self.coefficients.len();
        let sd = self.sd;
        self.average.clear();
        self.average.extend(values.chunks_exact(columns).map(|row| dot(row, self.coefficients)));
        let mode = self.mode(outcome, start);

        // At the mode: the sums of residuals, of weights p(1 − p) and of their derivatives p(1 − p)(1 − 2p).
        let (mut residual, mut weight, mut slope) = (0.0, 0.0, 0.0);
        self.at_mode.clear();
        for (log_odds, y) in self.average.iter().zip(outcome) {
            let p = probability(log_odds + sd * mode);
            self.at_mode.push(p);
            let w = p * (1.0 - p);
            residual += y - p;
            weight += w;
            slope += w * (1.0 - 2.0 * p);
        }
        let curvature = 1.0 + sd * sd * weight;
        let width = curvature.sqrt().recip();

        let points = self.integrate(outcome, mode, width);
        let along_mode = points.slope;
        let along_width = -0.5 / curvature * (1.0 + width * points.slope_times_point);

        // The derivative in σ.
        let mode_by_sd = (residual - sd * weight * mode) / curvature;
        let curvature_by_sd = 2.0 * sd * weight + sd * sd * slope * (mode + sd * mode_by_sd);
        let by_sd = points.by_sd + along_mode * mode_by_sd + along_width * curvature_by_sd;

        // The derivatives in the coefficients: a factor a row.
        let sd2 = sd * sd;
        let per_weight = along_mode * sd / curvature + along_width * sd2 * sd2 * slope / curvature;
        let (by_coefficients, last) = self.gradient.split_at_mut(columns);
        for ((row, p), residual) in values.chunks_exact(columns).zip(&self.at_mode).zip(&self.residuals) {
            let w = p * (1.0 - p);
            let factor = times * (residual + w * (along_width * sd2 * (1.0 - 2.0 * p) - per_weight));
            for (sum, value) in by_coefficients.iter_mut().zip(row) {
                *sum += factor * value;
            }
        }
        if let Some(last) = last.first_mut() {
            *last += times * by_sd;
        }
        self.log_likelihood += times * (points.log_sum + width.ln());
        self.modes.push(mode);
        self.curvatures.push(curvature);
    }

    /// Where `h` is highest: the only root of a falling function, by Newton's method kept within a bracket.
    fn mode(&self, outcome: &[f64], start: f64) -> f64 {
        let sd = self.sd;
        let bound = sd.abs() * outcome.len() as f64 + 1.0;
        let (mut low, mut high) = (-bound, bound);
        let mut mode = start.clamp(low, high);
        for _ in 0..200 {
            let (mut residual, mut weight) = (0.0, 0.0);
            for (log_odds, y) in self.average.iter().zip(outcome) {
                let p = probability(log_odds + sd * mode);
                residual += y - p;
                weight += p * (1.0 - p);
            }
            let slope = sd * residual - mode;
            if slope > 0.0 {
                low = mode;
            } else {
                high = mode;
            }
            let step = slope / (1.0 + sd * sd * weight);
            let next = mode + step;
            // Newton's error is squared at each step: after one of 1e-8 there is none left.
            if step.abs() < 1e-8 * (1.0 + mode.abs()) {
                return next;
            }
            mode = if low < next && next < high { next } else { low.midpoint(high) };
        }
        mode
    }

    /// Sums over the points of the rule; leaves the averaged residual of each row in `residuals`.
    fn integrate(&mut self, outcome: &[f64], mode: f64, width: f64) -> Points {
        let sd = self.sd;
        if self.rule.points.len() == 1 {
            let mut log_sum = -mode * mode / 2.0;
            let mut sum = 0.0;
            self.residuals.clear();
            for ((log_odds, p), y) in self.average.iter().zip(&self.at_mode).zip(outcome) {
                log_sum += log_likelihood(log_odds + sd * mode, *y);
                sum += y - p;
                self.residuals.push(y - p);
            }
            return Points { log_sum, slope: sd * sum - mode, slope_times_point: 0.0, by_sd: mode * sum };
        }
        self.at_points.clear();
        let mut sums = Vec::with_capacity(self.rule.points.len());
        for (z, log_weight) in self.rule.points.iter().zip(&self.rule.log_weights) {
            let u = mode + width * z;
            let (mut log_term, mut residual) = (log_weight - u * u / 2.0, 0.0);
            for (log_odds, y) in self.average.iter().zip(outcome) {
                let log_odds = log_odds + sd * u;
                log_term += log_likelihood(log_odds, *y);
                let difference = y - probability(log_odds);
                residual += difference;
                self.at_points.push(difference);
            }
            sums.push((log_term, residual, u, z));
        }
        let highest = sums.iter().map(|sum| sum.0).fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = sums.iter().map(|sum| (sum.0 - highest).exp()).sum();
        let mut points = Points { log_sum: highest + total.ln(), slope: 0.0, slope_times_point: 0.0, by_sd: 0.0 };
        self.residuals.clear();
        self.residuals.resize(outcome.len(), 0.0);
        for ((log_term, residual, u, z), rows) in sums.into_iter().zip(self.at_points.chunks(outcome.len().max(1))) {
            let share = (log_term - highest).exp() / total;
            let slope = sd * residual - u;
            points.slope += share * slope;
            points.slope_times_point += share * slope * z;
            points.by_sd += share * u * residual;
            for (sum, difference) in self.residuals.iter_mut().zip(rows) {
                *sum += share * difference;
            }
        }
        points
    }
}

/// Averages over the points of the rule, each weighing as its part of the integral.
struct Points {
    /// The logarithm of the sum of the terms.
    log_sum: f64,
    /// `h'` at the points.
    slope: f64,
    /// `h'` times `z`.
    slope_times_point: f64,
    /// The derivative of `h` in `σ`.
    by_sd: f64,
}
