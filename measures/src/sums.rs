//! Sums over units: whole numbers, so that they do not depend on the order of adding.

/// A sum as a whole number of units of 10^-`DIGITS`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact<const DIGITS: i8>(pub(crate) i128);

impl<const DIGITS: i8> Exact<DIGITS> {
    /// From a number, rounded to the last digit kept.
    #[must_use]
    pub fn new(number: f64) -> Self {
        // Far within i128 for what decks and tests give; `as` saturates.
        #[allow(clippy::cast_possible_truncation)]
        let whole = (number * 10_f64.powi(DIGITS.into())).round() as i128;
        Self(whole)
    }

    /// As a number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0 as f64 / 10_f64.powi(DIGITS.into())
    }
}

impl<const DIGITS: i8> std::ops::AddAssign for Exact<DIGITS> {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

/// Digits of what units add to numerators and denominators.
pub const DIGITS: i8 = 6;

/// Sums over units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Numerator of counting units.
    pub numerator: Exact<DIGITS>,
    /// Denominator of counting units.
    pub denominator: Exact<DIGITS>,
    /// Sum of squared numerators of counting units.
    pub squares: Exact<{ 2 * DIGITS }>,
    /// Counting units.
    pub n: u64,
    /// Of them, for means, those whose numerator is not 0.
    pub not_zero: u64,
    /// Units excluded.
    pub excluded: u64,
    /// Units that left by an exception.
    pub exceptions: u64,
    /// Units not mature.
    pub immature: u64,
}

impl Sums {
    /// Adds what others count.
    pub fn add(&mut self, other: &Self) {
        self.numerator += other.numerator;
        self.denominator += other.denominator;
        self.squares += other.squares;
        self.n += other.n;
        self.not_zero += other.not_zero;
        self.excluded += other.excluded;
        self.exceptions += other.exceptions;
        self.immature += other.immature;
    }
}
