//! Run charts against R: `qicharts2`, its limits and its whole charts under the Anhøj rules.

use carecoord_statistics::StatisticsError;
use carecoord_statistics::spc::boxes::{best_box, cut_box};
use carecoord_statistics::spc::run::{crossings_limit, longest_run_limit, median, run_chart};

use crate::case::{Row, Score, close, rows};

#[test]
fn limits_agree_with_r() {
    let file = "spc/run_chart_limits.csv";
    let mut score = Score::of(file);
    for row in rows(file) {
        let useful = row.size("n_useful");
        let found = (longest_run_limit(useful), crossings_limit(useful));
        let wanted = (row.size("longest_run_max"), row.size("n_crossings_min"));
        score.case(
            &format!("{useful} useful"),
            (found != wanted).then(|| format!("wanted {wanted:?}, found {found:?}")),
        );
    }
    score.all_passed(104);
}

/// One case for each phase of each run chart.
#[test]
fn charts_agree_with_r() {
    let file = "spc/qic_expected.csv";
    let mut score = Score::of(file);
    let expected = rows(file);
    for case in rows("spc/qic_cases.csv") {
        if case.text("chart") != "run" {
            continue;
        }
        let name = case.text("case_id");
        let points: Vec<&Row> = expected.iter().filter(|row| row.text("case_id") == name).collect();
        assert!(!points.is_empty(), "{name} has no points");
        for phase in points.chunk_by(|a, b| a.text("part") == b.text("part")) {
            score.case(&format!("{name} phase {}", phase[0].text("part")), compare(&case, phase));
        }
    }
    score.all_passed(18);
}

/// The first difference between a phase as R saw it and as it is found here.
fn compare(case: &Row, phase: &[&Row]) -> Option<String> {
    // Excluded points are drawn but take no part.
    let values: Vec<Option<f64>> =
        phase.iter().map(|row| row.number("y").filter(|_| row.text("included") == "true")).collect();
    let freeze = case.number("freeze").map(|_| case.size("freeze"));
    let centre = case.number("given_cl").or_else(|| freeze.map(|first| median(&values[..first]).unwrap()));
    let wanted = phase[0];
    let chart = match run_chart(&values, centre) {
        Ok(chart) => chart,
        Err(StatisticsError::NoUsefulObservations { .. }) if wanted.size("n_useful") == 0 => return None,
        Err(error) => return Some(error.to_string()),
    };
    if !close(chart.centre, wanted.real("cl")) {
        return Some(format!("centre {} instead of {}", chart.centre, wanted.real("cl")));
    }
    let limits = match case.text("runs_method") {
        "bestbox" => best_box(chart.useful).ok(),
        "cutbox" => cut_box(chart.useful).ok(),
        _ => None,
    };
    let signal = limits.map_or(chart.signal(), |limits| limits.signal(&chart));
    if signal != (wanted.text("runs_signal") == "true") {
        return Some(format!("signal instead of {}: {chart:?}", wanted.text("runs_signal")));
    }
    // Not n_obs: there it counts missing points too. The limits are those of the plain rules, whatever rule signals.
    [
        ("n_useful", chart.useful),
        ("longest_run", chart.longest_run),
        ("longest_run_max", chart.longest_run_limit),
        ("n_crossings", chart.crossings),
        ("n_crossings_min", chart.crossings_limit),
    ]
    .into_iter()
    .find(|&(column, found)| found != wanted.size(column))
    .map(|(column, found)| format!("{column} {found} instead of {}", wanted.text(column)))
}
