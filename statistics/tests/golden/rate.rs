//! Rates against R: `poisson.test`, `byars_lower` and `byars_upper`, and `phe_rate`.
//!
//! The columns of `pois.byar` are left out: it is another formula, whose lower limit can be negative.

use carecoord_statistics::Result;
use carecoord_statistics::intervals::{Interval, Method, byar_or_exact_rate, byar_rate, poisson_exact_rate};

use crate::case::{Score, cases, rows, rows_of};
use crate::peers::shared;

/// Four cases a row: exact per multiplier, Byar of the count, Byar or exact per multiplier, and which of the two it was.
#[test]
fn rates_agree_with_r() {
    let file = "rates/poisson_rate_ci.csv";
    let mut score = Score::of(file);
    let rows = rows(file);
    for row in &rows {
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

        let found = per_multiplier(byar_or_exact_rate);
        let limits = (row.number("phe_lower"), row.number("phe_upper"));
        score.interval(&name("phe_rate"), &found, rate, limits);

        let method = if row.text("phe_method") == "Exact" { Method::PoissonExact } else { Method::Byar };
        let as_wanted = found.is_ok_and(|found| found.method == method);
        score.case(&name("method of phe_rate"), (!as_wanted).then(|| format!("wanted {method}, found {found:?}")));
    }
    score.all_passed(cases(156, 4 * rows.len()));
}

/// Byar's limits of whole counts, from the spreadsheets of the authors of the English indicators.
#[test]
fn byar_agrees_with_the_english_indicators() {
    let Some(path) = shared("golden/fixtures/PHEindicatormethods/test_BW.csv") else { return };
    let mut score = Score::of("fixtures test_BW.csv");
    let mut expected = 0;
    for row in rows_of(&path).iter().filter(|row| row.text("method") == "Byars") {
        let x = row.count("x");
        let confidence = row.text("confidence").trim_end_matches('%').parse::<f64>().unwrap() / 100.0;
        let limits = (row.number("lowercl"), row.number("uppercl"));
        score.interval(&format!("{x} at {confidence}"), &byar_rate(x, 1.0, confidence), x as f64, limits);
        expected += 1;
    }
    assert!(expected > 0);
    score.all_passed(expected);
}
