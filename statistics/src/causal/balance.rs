//! Balance: standardised differences between a treated and a comparison group.
//!
//! Differences are first group minus second group, in standard deviations; by custom an absolute value below 0.1 counts as
//! balanced. They do not grow with the number of people, as p-values do.

use nalgebra::{DMatrix, DVector};

use super::input::{finite, finite_result, same_length, weights};
use crate::linear::inverse;
use crate::{Result, StatisticsError};

/// The values of one group.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// One value per person.
    pub values: &'a [f64],
    /// One weight above 0 per person, such as inverse probability weights; `None` for one each.
    pub weights: Option<&'a [f64]>,
}

/// How two groups differ in one variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance {
    /// Mean, or proportion, of the first group.
    pub first_mean: f64,
    /// Mean, or proportion, of the second group.
    pub second_mean: f64,
    /// Variance of the first group.
    pub first_variance: f64,
    /// Variance of the second group.
    pub second_variance: f64,
    /// First minus second mean, over `√((s₁² + s₂²) / 2)`.
    pub standardised_difference: f64,
    /// First over second variance, 1 when alike; `None` when the second group does not vary.
    pub variance_ratio: Option<f64>,
}

/// How two groups differ in a variable of several categories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CategoricalBalance {
    /// The Mahalanobis distance between the proportions, at least 0.
    pub standardised_difference: f64,
    /// Categories that occur in either group.
    pub categories: usize,
    /// Categories that occur in neither, left out.
    pub empty_categories: usize,
}

/// Computes the standardised difference of a continuous variable with the pooled standard deviation of both groups.
///
/// Variances are on `n - 1`; weighted ones are `Σw / ((Σw)² - Σw²) · Σ w (x - mean)²`, which is the same for weights of 1.
///
/// Source: Austin PC. Statist Med 2009;28:3083–3107, section 2; weighted: Austin PC, Stuart EA. Statist Med
/// 2015;34:3661–3679, section 3.2.
///
/// # Errors
///
/// [`StatisticsError::TooFew`] for fewer than 2 values in a group; [`StatisticsError::ValueNotFinite`];
/// [`StatisticsError::LengthMismatch`] and [`StatisticsError::OutOfRange`] for weights; [`StatisticsError::ZeroVariance`]
/// when neither group varies.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{Sample, continuous_balance};
/// let enrolled = Sample { values: &[1.0, 1.2, 1.4, 1.6, 1.8], weights: None };
/// let others = Sample { values: &[0.9, 1.1, 1.3, 1.5, 1.7], weights: None };
/// let risk_score = continuous_balance(&enrolled, &others)?;
/// assert!((risk_score.standardised_difference - 0.316_227_766).abs() < 1e-9);
/// # Ok(())
/// # }
/// ```
pub fn continuous_balance(first: &Sample<'_>, second: &Sample<'_>) -> Result<Balance> {
    let (first_mean, first_variance) = first.moments()?;
    let (second_mean, second_variance) = second.moments()?;
    let n = (first.values.len() + second.values.len()) as u64;
    let scale = [first, second].iter().flat_map(|sample| sample.values).fold(0.0_f64, |s, v| s.max(v.abs()));
    // Equal values can leave a rounding error beside their mean.
    let rounding = (1e-14 * scale).powi(2);
    Balance::of((first_mean, first_variance), (second_mean, second_variance), n, rounding)
}

/// Computes the standardised difference of a variable that is yes or no, from those with it out of all in each group: the
/// variance is `p (1 - p)`.
///
/// Source: Austin PC. Statist Med 2009;28:3083–3107, section 2.
///
/// # Errors
///
/// [`StatisticsError::ZeroDenominator`]; [`StatisticsError::NumeratorExceedsDenominator`];
/// [`StatisticsError::ZeroVariance`] when nobody or everybody has it in both groups.
///
/// ```
/// let diabetes = carecoord_statistics::causal::binary_balance((30, 100), (20, 100));
/// assert!(diabetes.is_ok_and(|found| (found.standardised_difference - 0.232_495).abs() < 1e-6));
/// ```
pub fn binary_balance(first: (u64, u64), second: (u64, u64)) -> Result<Balance> {
    let proportion = |(numerator, denominator): (u64, u64)| {
        if denominator == 0 {
            return Err(StatisticsError::ZeroDenominator);
        }
        if numerator > denominator {
            return Err(StatisticsError::NumeratorExceedsDenominator { numerator, denominator });
        }
        let n = denominator as f64;
        Ok((numerator as f64 / n, numerator as f64 / n * ((denominator - numerator) as f64 / n)))
    };
    Balance::of(proportion(first)?, proportion(second)?, first.1.saturating_add(second.1), 0.0)
}

/// As [`binary_balance`], with a weight per person: `values` are 1 for those with it and 0 for those without.
///
/// # Errors
///
/// [`StatisticsError::Empty`]; [`StatisticsError::OutOfRange`] for a value that is neither 0 nor 1, or a weight that is not
/// above 0; otherwise as [`binary_balance`].
pub fn weighted_binary_balance(first: &Sample<'_>, second: &Sample<'_>) -> Result<Balance> {
    let proportion = |sample: &Sample<'_>| {
        if sample.values.is_empty() {
            return Err(StatisticsError::Empty { what: "a standardised difference" });
        }
        sample.check()?;
        // Only a value between, beside or that is no number has another product than 0 here.
        let between = |value: &&f64| **value * (**value - 1.0) != 0.0;
        if let Some(&value) = sample.values.iter().find(between) {
            return Err(StatisticsError::OutOfRange { what: "a yes-or-no value", value, range: "0 or 1" });
        }
        let sum = |wanted: f64| -> f64 {
            let chosen = (0..sample.values.len()).filter(|&person| (sample.values[person] - wanted).abs() < 0.5);
            chosen.map(|person| sample.weight(person)).sum()
        };
        let (with, without) = (sum(1.0), sum(0.0));
        let all = finite_result("the sum of the weights", with + without)?;
        Ok((with / all, with / all * (without / all)))
    };
    let n = (first.values.len() + second.values.len()) as u64;
    Balance::of(proportion(first)?, proportion(second)?, n, 0.0)
}

/// Computes the standardised difference of a variable of several categories, from the (weighted) people in each category of
/// each group: `√((p₁ - p₂)' S⁻¹ (p₁ - p₂))`, without one category, where `S` is the mean of both groups' multinomial
/// covariances. Which category is left out makes no difference.
///
/// With two categories it is the absolute value of [`binary_balance`].
///
/// Source: Yang D, Dalton JE. A unified approach to measuring the effect size between two groups using SAS. SAS Global
/// Forum 2012, paper 335-2012.
///
/// # Errors
///
/// [`StatisticsError::LengthMismatch`]; [`StatisticsError::ValueNotFinite`]; [`StatisticsError::OutOfRange`] for a count
/// below 0; [`StatisticsError::ZeroDenominator`] for a group of nobody; [`StatisticsError::TooFew`] unless two categories
/// occur; [`StatisticsError::NotComputable`] when the groups share so few categories that the distance is infinite.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// let payer = carecoord_statistics::causal::categorical_balance(&[40.0, 35.0, 25.0, 0.0], &[30.0, 40.0, 30.0, 0.0])?;
/// assert!(payer.standardised_difference > 0.1 && payer.empty_categories == 1);
/// # Ok(())
/// # }
/// ```
pub fn categorical_balance(first: &[f64], second: &[f64]) -> Result<CategoricalBalance> {
    let what = "a standardised difference of categories";
    same_length("the second group", second.len(), first.len())?;
    let proportions = |counts: &[f64]| -> Result<Vec<f64>> {
        finite(counts)?;
        if let Some(&value) = counts.iter().find(|count| **count < 0.0) {
            return Err(StatisticsError::OutOfRange { what: "the people in a category", value, range: "at least 0" });
        }
        let all = finite_result("the sum of the people", counts.iter().sum())?;
        if all <= 0.0 {
            return Err(StatisticsError::ZeroDenominator);
        }
        Ok(counts.iter().map(|count| count / all).collect())
    };
    let (first, second) = (proportions(first)?, proportions(second)?);
    let mut present: Vec<(f64, f64)> =
        first.iter().copied().zip(second.iter().copied()).filter(|(a, b)| *a > 0.0 || *b > 0.0).collect();
    let (categories, empty_categories) = (present.len(), first.len() - present.len());
    if categories < 2 {
        return Err(StatisticsError::TooFew { what, found: categories as u64, needed: 2 });
    }
    // Without the largest category: the others keep their digits.
    let largest =
        (0..categories).max_by(|&a, &b| (present[a].0 + present[a].1).total_cmp(&(present[b].0 + present[b].1)));
    present.remove(largest.unwrap_or_default());
    let size = present.len();
    let covariance = DMatrix::from_fn(size, size, |row, column| {
        let of = |p: fn(&(f64, f64)) -> f64| {
            let (a, b) = (p(&present[row]), p(&present[column]));
            if row == column { a * (1.0 - a) } else { -a * b }
        };
        f64::midpoint(of(|p| p.0), of(|p| p.1))
    });
    let because = "the groups share too few categories: the distance is infinite";
    let inverse = inverse(&covariance).map_err(|_| StatisticsError::NotComputable { what, because })?;
    let apart = DVector::from_iterator(size, present.iter().map(|(a, b)| a - b));
    let square = finite_result(what, (apart.transpose() * inverse * &apart)[(0, 0)])?;
    Ok(CategoricalBalance { standardised_difference: square.max(0.0).sqrt(), categories, empty_categories })
}

impl Sample<'_> {
    fn check(&self) -> Result<()> {
        finite(self.values)?;
        if let Some(given) = self.weights {
            same_length("the weights", given.len(), self.values.len())?;
            weights(given)?;
        }
        Ok(())
    }

    fn weight(&self, person: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[person])
    }

    /// Mean and variance.
    fn moments(&self) -> Result<(f64, f64)> {
        let what = "a standardised difference";
        let people = self.values.len();
        if people < 2 {
            return Err(StatisticsError::TooFew { what, found: people as u64, needed: 2 });
        }
        self.check()?;
        let (mut all, mut all_squared, mut sum) = (0.0, 0.0, 0.0);
        for (person, value) in self.values.iter().enumerate() {
            let weight = self.weight(person);
            all += weight;
            all_squared += weight * weight;
            sum += weight * value;
        }
        let mean = sum / all;
        let spread: f64 =
            self.values.iter().enumerate().map(|(person, value)| self.weight(person) * (value - mean).powi(2)).sum();
        let variance = all / (all * all - all_squared) * spread;
        Ok((finite_result("a mean", mean)?, finite_result("a variance", variance)?))
    }
}

impl Balance {
    fn of(first: (f64, f64), second: (f64, f64), n: u64, rounding: f64) -> Result<Self> {
        let pooled = f64::midpoint(first.1, second.1);
        if pooled <= rounding {
            return Err(StatisticsError::ZeroVariance { n });
        }
        let ratio = first.1 / second.1;
        Ok(Self {
            first_mean: first.0,
            second_mean: second.0,
            first_variance: first.1,
            second_variance: second.1,
            standardised_difference: finite_result("a standardised difference", (first.0 - second.0) / pooled.sqrt())?,
            variance_ratio: (second.1 > rounding && ratio.is_finite()).then_some(ratio),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_do_not_vary_have_no_standard_to_measure_by() {
        let constant = Sample { values: &[0.1 + 0.2, 0.3, 0.3], weights: None };
        assert_eq!(continuous_balance(&constant, &constant), Err(StatisticsError::ZeroVariance { n: 6 }));
        assert_eq!(binary_balance((0, 10), (5, 5)), Err(StatisticsError::ZeroVariance { n: 15 }));
        assert_eq!(binary_balance((1, 0), (5, 5)), Err(StatisticsError::ZeroDenominator));
        let varies = Sample { values: &[1.0, 2.0, 3.0], weights: None };
        assert!(continuous_balance(&varies, &constant).is_ok_and(|found| found.variance_ratio.is_none()));
    }

    #[test]
    fn two_categories_are_a_yes_or_no() -> Result<()> {
        let binary = binary_balance((30, 100), (12, 80))?;
        let two = categorical_balance(&[30.0, 70.0], &[12.0, 68.0])?;
        assert!((two.standardised_difference - binary.standardised_difference.abs()).abs() < 1e-12);
        assert!(matches!(categorical_balance(&[5.0, 0.0], &[0.0, 7.0]), Err(StatisticsError::NotComputable { .. })));
        assert!(matches!(categorical_balance(&[5.0, 0.0], &[3.0, 0.0]), Err(StatisticsError::TooFew { found: 1, .. })));
        let ones = [1.0, 1.0, 0.0];
        let people = Sample { values: &ones, weights: Some(&[2.0, 1.0, 7.0]) };
        let others = Sample { values: &ones, weights: Some(&[1.0, 1.0, 8.0]) };
        let weighted = weighted_binary_balance(&people, &others)?;
        assert!(
            (weighted.standardised_difference - binary_balance((3, 10), (2, 10))?.standardised_difference).abs()
                < 1e-12
        );
        Ok(())
    }
}
