//! The partial likelihood with its first and second derivatives, in one pass back through time.

use nalgebra::{DMatrix, DVector};

use super::super::follow_up::{Event, FollowUp};
use super::Ties;
use super::risk_sums::{Moments, RiskSums};

/// The subjects from the last time to the first.
pub(super) struct Subjects {
    columns: usize,
    /// Covariates, subject by subject.
    rows: Vec<f64>,
    time: Vec<f64>,
    event: Vec<bool>,
    /// When each came under observation; empty when all were watched from the origin.
    entry: Vec<f64>,
    /// Entry and position of those who enter late, from the last entry to the first.
    entries: Vec<(f64, usize)>,
}

/// The log partial likelihood at some coefficients.
pub(super) struct Likelihood {
    pub value: f64,
    pub gradient: DVector<f64>,
    /// Minus the matrix of second derivatives.
    pub information: DMatrix<f64>,
}

impl Subjects {
    /// Sorts subjects that have been checked.
    pub fn new(follow_up: &FollowUp<'_>, event: Event, covariates: &[&[f64]]) -> Self {
        let mut order: Vec<usize> = (0..follow_up.time.len()).collect();
        order.sort_by(|a, b| follow_up.time[*b].total_cmp(&follow_up.time[*a]));
        let entry: Vec<f64> =
            follow_up.entry.map_or_else(Vec::new, |entry| order.iter().map(|&index| entry[index]).collect());
        let mut entries: Vec<(f64, usize)> = entry.iter().copied().zip(0..).collect();
        entries.sort_by(|a, b| b.0.total_cmp(&a.0));
        Self {
            columns: covariates.len(),
            rows: order.iter().flat_map(|&index| covariates.iter().map(move |column| column[index])).collect(),
            // Adding zero turns -0.0 into 0.0, so that both tie.
            time: order.iter().map(|&index| follow_up.time[index] + 0.0).collect(),
            event: order.iter().map(|&index| event.is(follow_up.cause[index])).collect(),
            entry,
            entries,
        }
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn events(&self) -> u64 {
        self.event.iter().filter(|event| **event).count() as u64
    }

    /// Works out the likelihood at coefficients `at`; `None` where it is too small for a number.
    pub fn likelihood(&self, at: &DVector<f64>, ties: Ties) -> Option<Likelihood> {
        let row = |subject| self.row(subject);
        let mut log_hazard: Vec<f64> =
            (0..self.time.len()).map(|position| row(position).iter().zip(at).map(|(x, b)| x * b).sum()).collect();
        // Only ratios of hazards count: with the largest at 1 none overflows.
        let largest = log_hazard.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for log_hazard in &mut log_hazard {
            *log_hazard -= largest;
        }

        let mut found = Terms::new(self.columns);
        let mut at_risk = RiskSums::new(self.columns);
        let mut entries = self.entries.iter().peekable();
        let mut position = 0;
        while let Some(&time) = self.time.get(position) {
            let together = self.time[position..].iter().take_while(|next| next.total_cmp(&time).is_eq()).count();
            let ending = position..position + together;
            position = ending.end;
            let mut events = RiskSums::new(self.columns);
            let mut count = 0_u32;
            for subject in ending {
                let hazard = log_hazard[subject].exp();
                at_risk.add(row(subject), hazard);
                if self.event[subject] {
                    events.add(row(subject), hazard);
                    found.observe(row(subject), log_hazard[subject]);
                    count += 1;
                }
            }
            // Who entered at this time or later was not yet at risk.
            while let Some(&(_, subject)) = entries.next_if(|entry| entry.0 >= time) {
                at_risk.add(row(subject), -log_hazard[subject].exp());
            }
            if count > 0 {
                if at_risk.is_worn() {
                    at_risk = self.sums_at(time, &log_hazard[..position]);
                }
                found.expect(&at_risk, &events, count, ties)?;
            }
        }
        found.value.is_finite().then(|| found.into_likelihood())
    }

    /// The sums over those at risk at `time`, made anew; `log_hazard` is of those who end then or later.
    fn sums_at(&self, time: f64, log_hazard: &[f64]) -> RiskSums {
        let mut sums = RiskSums::new(self.columns);
        for (subject, log_hazard) in log_hazard.iter().enumerate() {
            if self.entry.get(subject).is_none_or(|entry| *entry < time) {
                sums.add(self.row(subject), log_hazard.exp());
            }
        }
        sums
    }

    fn row(&self, subject: usize) -> &[f64] {
        &self.rows[subject * self.columns..(subject + 1) * self.columns]
    }
}

/// The likelihood on its way back through time.
struct Terms {
    columns: usize,
    value: f64,
    gradient: Vec<f64>,
    /// The lower half, row by row.
    information: Vec<f64>,
    at_risk: Moments,
    events: Moments,
    mean: Vec<f64>,
}

impl Terms {
    fn new(columns: usize) -> Self {
        Self {
            columns,
            value: 0.0,
            gradient: vec![0.0; columns],
            information: vec![0.0; columns * (columns + 1) / 2],
            at_risk: Moments::new(columns),
            events: Moments::new(columns),
            mean: vec![0.0; columns],
        }
    }

    /// Adds a subject who has the event.
    fn observe(&mut self, row: &[f64], log_hazard: f64) {
        self.value += log_hazard;
        self.gradient.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }

    /// Takes away what was to be expected of those at risk, for `count` tied events.
    fn expect(&mut self, at_risk: &RiskSums, events: &RiskSums, count: u32, ties: Ties) -> Option<()> {
        at_risk.read(&mut self.at_risk);
        match ties {
            Ties::Breslow => self.draw(0.0, f64::from(count)),
            Ties::Efron => {
                events.read(&mut self.events);
                (0..count).try_for_each(|drawn| self.draw(f64::from(drawn) / f64::from(count), 1.0))
            }
        }
    }

    /// One draw from those at risk, without the share `gone` of those with tied events, counted `times` times.
    fn draw(&mut self, gone: f64, times: f64) -> Option<()> {
        let left = |all: f64, events: f64| all - gone * events;
        let weight = left(self.at_risk.weight, self.events.weight);
        if weight.is_nan() || weight <= 0.0 {
            return None;
        }
        self.value -= times * weight.ln();
        for i in 0..self.columns {
            self.mean[i] = left(self.at_risk.first[i], self.events.first[i]) / weight;
            self.gradient[i] -= times * self.mean[i];
        }
        let mut place = 0;
        for i in 0..self.columns {
            for j in 0..=i {
                let second = left(self.at_risk.second[place], self.events.second[place]) / weight;
                self.information[place] += times * (second - self.mean[i] * self.mean[j]);
                place += 1;
            }
        }
        Some(())
    }

    fn into_likelihood(self) -> Likelihood {
        let place = |row: usize, column: usize| row.max(column) * (row.max(column) + 1) / 2 + row.min(column);
        Likelihood {
            value: self.value,
            information: DMatrix::from_fn(self.columns, self.columns, |row, column| {
                self.information[place(row, column)]
            }),
            gradient: DVector::from_vec(self.gradient),
        }
    }
}
