//! Constants of control charts for subgroups of size n.

use statrs::function::gamma::ln_gamma;

/// Mean range of two normal observations in units of their standard deviation, d2(2), rounded as tables print it.
pub(crate) const D2: f64 = 1.128;
/// Upper limit of a moving range in units of the mean moving range, D4(2), rounded as tables print it.
pub(crate) const D4: f64 = 3.267;

/// Returns c4, the expected standard deviation of a sample of `n` in units of the true one; `None` below two.
///
/// `c4 = √(2 / (n - 1)) Γ(n / 2) / Γ((n - 1) / 2)`. Source: Montgomery DC. Introduction to Statistical Quality Control, 7th
/// ed., 2013, section 3.2.4 and appendix VI.
pub fn c4(n: u64) -> Option<f64> {
    (n >= 2).then(|| {
        let n = n as f64;
        // By logarithms: the gamma function itself overflows from n = 343.
        (2.0 / (n - 1.0)).sqrt() * (ln_gamma(n / 2.0) - ln_gamma((n - 1.0) / 2.0)).exp()
    })
}

/// Returns A3: three standard errors of a subgroup's mean, in units of the mean standard deviation; `None` below two.
pub fn a3(n: u64) -> Option<f64> {
    c4(n).map(|c4| 3.0 / (c4 * (n as f64).sqrt()))
}

/// Returns B3: the lower limit of a subgroup's standard deviation in units of the mean one, at least 0; `None` below two.
pub fn b3(n: u64) -> Option<f64> {
    c4(n).map(|c4| (1.0 - spread(c4)).max(0.0))
}

/// Returns B4: the upper limit of a subgroup's standard deviation in units of the mean one; `None` below two.
pub fn b4(n: u64) -> Option<f64> {
    c4(n).map(|c4| 1.0 + spread(c4))
}

/// Three standard errors of a standard deviation in units of its mean.
fn spread(c4: f64) -> f64 {
    3.0 / c4 * (1.0 - c4 * c4).max(0.0).sqrt()
}
