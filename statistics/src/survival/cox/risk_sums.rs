//! Sums over those at risk, from which subjects are also taken away.

/// A sum that keeps what rounding drops (Neumaier's form of Kahan summation).
///
/// With late entry subjects leave the risk set on the way back through time. When one with a large hazard does, what is
/// left would otherwise be the rounding of the large number. This keeps about twice the digits of one number.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    total: f64,
    dropped: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.total + value;
        self.dropped +=
            if self.total.abs() >= value.abs() { (self.total - sum) + value } else { (value - sum) + self.total };
        self.total = sum;
    }

    fn value(self) -> f64 {
        self.total + self.dropped
    }
}

/// Twice the digits of a number are 32; below this share of the largest sum fewer than 14 of them are left.
const WORN: f64 = 1e-18;

/// The hazards `w` of a set of subjects: the sums of `w`, `w x` and `w x x'`.
pub(super) struct RiskSums {
    weight: Sum,
    /// The largest that `weight` has been.
    peak: f64,
    first: Vec<Sum>,
    /// The lower half, row by row.
    second: Vec<Sum>,
}

/// The values of [`RiskSums`] at one time.
#[derive(Debug, Clone)]
pub(super) struct Moments {
    pub weight: f64,
    pub first: Vec<f64>,
    /// The lower half, row by row.
    pub second: Vec<f64>,
}

impl RiskSums {
    pub fn new(columns: usize) -> Self {
        let second = vec![Sum::default(); columns * (columns + 1) / 2];
        Self { weight: Sum::default(), peak: 0.0, first: vec![Sum::default(); columns], second }
    }

    /// Adds a subject; with a negative weight, takes it away.
    pub fn add(&mut self, row: &[f64], weight: f64) {
        self.weight.add(weight);
        self.peak = self.peak.max(self.weight.value());
        let mut second = self.second.iter_mut();
        for (i, x) in row.iter().enumerate() {
            self.first[i].add(weight * x);
            for (y, sum) in row[..=i].iter().zip(&mut second) {
                sum.add(weight * x * y);
            }
        }
    }

    /// Whether so much was taken away that too few digits are left, even of twice as many: the sums are to be made anew.
    pub fn is_worn(&self) -> bool {
        self.weight.value() < WORN * self.peak
    }

    /// Writes the current values into `moments`.
    pub fn read(&self, moments: &mut Moments) {
        moments.weight = self.weight.value();
        moments.first.iter_mut().zip(&self.first).for_each(|(value, sum)| *value = sum.value());
        moments.second.iter_mut().zip(&self.second).for_each(|(value, sum)| *value = sum.value());
    }
}

impl Moments {
    pub fn new(columns: usize) -> Self {
        Self { weight: 0.0, first: vec![0.0; columns], second: vec![0.0; columns * (columns + 1) / 2] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_leaves_no_trace() {
        let mut sums = RiskSums::new(1);
        let mut left = Moments::new(1);
        sums.add(&[0.5], 1e-9);
        sums.add(&[2.0], 1e12);
        sums.add(&[2.0], -1e12);
        sums.read(&mut left);
        assert!((left.weight / 1e-9 - 1.0).abs() < 1e-12, "{left:?}");
        assert!((left.second[0] / 2.5e-10 - 1.0).abs() < 1e-12, "{left:?}");
        assert!(sums.is_worn(), "by the time that nothing else is left, the sums are made anew");
        sums.add(&[2.0], 1.0);
        assert!(!sums.is_worn());
    }
}
