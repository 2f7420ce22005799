//! Proportions against R (`phe_proportion`, `prop.test`, `binom.test`) and statsmodels.

use carecoord_statistics::Result;
use carecoord_statistics::intervals::{
    Interval, agresti_coull, clopper_pearson, jeffreys, wald, wilson, wilson_continuity,
};

use crate::case::{Score, cases, rows, rows_of};
use crate::peers::shared;

type Compute = fn(u64, u64, f64) -> Result<Interval>;

/// Files of which each row has an interval in every column; `own` is the number of cases in the project's copy.
fn compare(file: &'static str, columns: &[(&str, Compute)], own: usize) {
    let mut score = Score::of(file);
    let rows = rows(file);
    for row in &rows {
        let (x, n, confidence) = (row.count("x"), row.count("n"), row.real("confidence"));
        for (column, compute) in columns {
            let name = format!("{column} {x}/{n} at {confidence}");
            let limits = (row.number(&format!("{column}_lower")), row.number(&format!("{column}_upper")));
            score.interval(&name, &compute(x, n, confidence), x as f64 / n as f64, limits);
        }
    }
    score.all_passed(cases(own, rows.len() * columns.len()));
}

/// `prop.test(correct = TRUE)` tests against one half, and leaves the correction out where it would pass it: there the
/// two differ on purpose.
fn wilson_corrected_as_by_prop_test(x: u64, n: u64, confidence: f64) -> Result<Interval> {
    if 2 * x == n { wilson(x, n, confidence) } else { wilson_continuity(x, n, confidence) }
}

#[test]
fn proportions_agree_with_r() {
    let columns: [(&str, Compute); 4] = [
        ("wilson_phe", wilson),
        ("wilson_proptest", wilson),
        ("wilson_cc", wilson_corrected_as_by_prop_test),
        ("clopper_pearson", clopper_pearson),
    ];
    compare("rates/proportion_ci.csv", &columns, 216);
}

#[test]
fn proportions_agree_with_statsmodels() {
    let columns: [(&str, Compute); 5] = [
        ("wilson", wilson),
        ("clopper_pearson", clopper_pearson),
        ("agresti_coull", agresti_coull),
        ("jeffreys", jeffreys),
        ("wald", wald),
    ];
    compare("rates/proportion_ci_statsmodels.csv", &columns, 270);
}

/// The tables that the authors of the English indicators made with spreadsheets. Rows without a count are about missing
/// values, which a count here cannot be.
#[test]
fn proportions_agree_with_the_english_indicators() {
    let folder = "golden/fixtures/PHEindicatormethods";
    let Some(path) = shared(&format!("{folder}/test_Prop.csv")) else { return };
    let mut score = Score::of("fixtures test_Prop.csv");
    let mut expected = 0;
    for row in rows_of(&path) {
        let (Some(_), Some(_)) = (row.number("Numerator"), row.number("Denominator")) else { continue };
        let (x, n, multiplier) = (row.count("Numerator"), row.count("Denominator"), row.real("multiplier"));
        for (confidence, suffix) in [(0.95, "95_0cl"), (0.998, "99_8cl")] {
            let limits = (row.number(&format!("lower{suffix}")), row.number(&format!("upper{suffix}")));
            let found = wilson(x, n, confidence).and_then(|interval| interval.scaled(multiplier));
            score.interval(&format!("{x}/{n} at {confidence}"), &found, row.real("value"), limits);
            expected += 1;
        }
    }
    assert!(expected > 0);
    score.all_passed(expected);

    let Some(path) = shared(&format!("{folder}/test_Prop_g_results.csv")) else { return };
    let mut score = Score::of("fixtures test_Prop_g_results.csv");
    let mut expected = 0;
    for row in rows_of(&path) {
        let (Some(_), Some(_)) = (row.number("Numerator"), row.number("Denominator")) else { continue };
        let (x, n) = (row.count("Numerator"), row.count("Denominator"));
        let confidence = row.text("confidence").trim_end_matches('%').parse::<f64>().unwrap() / 100.0;
        let found = wilson(x, n, confidence).and_then(|interval| interval.scaled(row.real("multiplier")));
        score.interval(&format!("{x}/{n}"), &found, row.real("value"), (row.number("lowercl"), row.number("uppercl")));
        expected += 1;
    }
    assert!(expected > 0);
    score.all_passed(expected);
}
