//! Rates against R: `poisson.test`, `byars_lower` and `byars_upper`, and `phe_rate`.
//!
//! The columns of `pois.byar` are left out: it is another formula, whose lower limit can be negative.

use carecoord_statistics::Result;
use carecoord_statistics::intervals::{Interval, byar_rate, poisson_exact_rate};

use crate::case::{Score, rows};

/// Three intervals a row: exact per multiplier, Byar of the count, and Byar or exact per multiplier as `phe_rate` chose.
#[test]
fn rates_agree_with_r() {
    let file = "rates/poisson_rate_ci.csv";
    let mut score = Score::of(file);
    for row in rows(file) {
        let (x, exposure, confidence) = (row.count("x"), row.real("n"), row.real("confidence"));
        let (multiplier, rate) = (row.real("multiplier"), row.real("rate"));
        let name = |method: &str| format!("{method} {x}/{exposure} at {confidence}");
        let per_multiplier = |compute: fn(u64, f64, f64) -> Result<Interval>| {
            compute(x, exposure, confidence).and_then(|interval| interval.scaled(multiplier))
        };

        let limits = (row.number("exact_lower"), row.number("exact_upper"));
        score.interval(&name("exact"), &per_multiplier(poisson_exact_rate), rate, limits);

        let limits = (row.number("byar_count_lower"), row.number("byar_count_upper"));
        score.interval(&name("byar of the count"), &byar_rate(x, 1.0, confidence), x as f64, limits);

        let method = if row.text("phe_method") == "Exact" { poisson_exact_rate } else { byar_rate };
        let limits = (row.number("phe_lower"), row.number("phe_upper"));
        score.interval(&name("phe_rate"), &per_multiplier(method), rate, limits);
    }
    score.all_passed(117);
}
