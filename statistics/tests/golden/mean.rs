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

/// Welch's interval against SciPy 1.17 (`ttest_ind_from_stats` and `t.ppf`).
#[test]
fn differences_of_means_agree() {
    let cases: [((u64, f64, f64), (u64, f64, f64), f64, (f64, f64)); 3] = [
        ((10, 20.6, 82.0), (20, 22.1, 6.0), 0.95, (-8.026787080418284, 5.026787080418285)),
        ((2, 1.0, 0.5), (3, 0.0, 0.25), 0.9, (-0.9225013552913548, 2.922501355291355)),
        ((500, 3.2, 1.21), (40, 3.6, 0.0), 0.95, (-0.4966519064640851, -0.30334809353591474)),
    ];
    let moments = |(n, mean, sample_variance)| Moments { n, mean, sample_variance };
    for (group, reference, confidence, (lower, upper)) in cases {
        let found = mean_difference_welch(moments(group), moments(reference), confidence).unwrap();
        assert!((found.lower - lower).abs() < 1e-9 && (found.upper - upper).abs() < 1e-9, "{found:?}");
    }
    assert!(mean_difference_welch(moments((5, 1.0, 0.0)), moments((5, 2.0, 0.0)), 0.95).is_err());
}
