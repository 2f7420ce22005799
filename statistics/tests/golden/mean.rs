//! Means against R (`phe_mean`), from the values and from their moments.

use carecoord_statistics::intervals::{Moments, mean_difference_welch, mean_t, mean_t_from_moments};

use crate::case::{Row, Score, cases, rows, rows_of};
use crate::peers::shared;

/// Four cases a row: two levels, each from the values and from their moments.
fn compare(score: &mut Score, group: &str, values: &[f64], row: &Row) {
    let (n, mean, deviation) = (row.count("value_count"), row.real("value"), row.real("stdev"));
    assert_eq!(values.len() as u64, n, "{group}");
    for (confidence, suffix) in [(0.95, "95_0cl"), (0.998, "99_8cl")] {
        let limits = (row.number(&format!("lower{suffix}")), row.number(&format!("upper{suffix}")));
        score.interval(&format!("{group} values at {confidence}"), &mean_t(values, confidence), mean, limits);
        let from_moments = mean_t_from_moments(n, mean, deviation * deviation, confidence);
        score.interval(&format!("{group} moments at {confidence}"), &from_moments, mean, limits);
    }
}

#[test]
fn means_agree_with_r() {
    let file = "rates/mean_expected.csv";
    let mut score = Score::of(file);
    let input = rows("rates/mean_input.csv");
    let expected = rows(file);
    for row in &expected {
        let group = row.text("group");
        let values: Vec<f64> = input.iter().filter(|row| row.text("group") == group).map(|row| row.real("x")).collect();
        compare(&mut score, group, &values, row);
    }
    score.all_passed(cases(20, 4 * expected.len()));
}

#[test]
fn means_agree_with_the_english_indicators() {
    let folder = "golden/fixtures/PHEindicatormethods";
    let Some(input) = shared(&format!("{folder}/test_Mean.csv")) else { return };
    let Some(results) = shared(&format!("{folder}/test_Mean_results.csv")) else { return };
    let mut score = Score::of("fixtures test_Mean_results.csv");
    let (input, results) = (rows_of(&input), rows_of(&results));
    for row in &results {
        let area = row.text("area");
        let belongs = |other: &&Row| area == "No grouping" || other.text("area") == area;
        let values: Vec<f64> = input.iter().filter(belongs).map(|row| row.real("values")).collect();
        compare(&mut score, area, &values, row);
    }
    score.all_passed(4 * results.len());
}

/// Welch's interval against `SciPy` 1.17 (`ttest_ind_from_stats` and `t.ppf`).
#[test]
fn differences_of_means_agree() {
    let file = "rates/welch.csv";
    let mut score = Score::of(file);
    // Not among the files that can be swapped.
    let cases = rows_of(&std::path::Path::new("tests/golden").join(file));
    for (place, row) in cases.iter().enumerate() {
        let moments = |letter: &str| Moments {
            n: row.count(&format!("n_{letter}")),
            mean: row.real(&format!("mean_{letter}")),
            sample_variance: row.real(&format!("variance_{letter}")),
        };
        let found = mean_difference_welch(moments("a"), moments("b"), row.real("confidence"));
        let limits = (row.number("lower"), row.number("upper"));
        score.interval(&format!("case {place}"), &found, row.real("mean_a") - row.real("mean_b"), limits);
    }
    score.all_passed(cases.len());
}
