//! Means against R (`phe_mean`), from the values and from their moments.

use carecoord_statistics::intervals::{mean_t, mean_t_from_moments};

use crate::case::{Score, rows};

#[test]
fn means_agree_with_r() {
    let file = "rates/mean_expected.csv";
    let mut score = Score::of(file);
    let input = rows("rates/mean_input.csv");
    for row in rows(file) {
        let group = row.text("group");
        let values: Vec<f64> = input.iter().filter(|row| row.text("group") == group).map(|row| row.real("x")).collect();
        let (n, mean, deviation) = (row.count("value_count"), row.real("value"), row.real("stdev"));
        assert_eq!(values.len() as u64, n, "{group}");
        for (confidence, suffix) in [(0.95, "95_0cl"), (0.998, "99_8cl")] {
            let limits = (row.number(&format!("lower{suffix}")), row.number(&format!("upper{suffix}")));
            score.interval(&format!("{group} values at {confidence}"), &mean_t(&values, confidence), mean, limits);
            let from_moments = mean_t_from_moments(n, mean, deviation * deviation, confidence);
            score.interval(&format!("{group} moments at {confidence}"), &from_moments, mean, limits);
        }
    }
    score.all_passed(20);
}
