//! "Making Data Count" charts against R: `NHSRplotthedots`.

use std::collections::HashMap;

use carecoord_statistics::spc::mdc::{Assurance, Chart, Options, Point, SpecialCause, chart};
use carecoord_statistics::spc::{Direction, Meaning, Side};

use crate::case::{Row, Score, close, rows};
use crate::spc::by_case;

/// Charts by case and facet.
fn charts() -> HashMap<(String, String), (Chart, Vec<String>)> {
    let input = by_case("ptd/ptd_input.csv");
    let mut found = HashMap::new();
    for case in rows("ptd/ptd_cases.csv") {
        let name = case.text("case_id");
        let mut facets: HashMap<&str, Vec<(&str, Option<f64>)>> = HashMap::new();
        for row in &input[name] {
            facets.entry(row.text("facet")).or_default().push((row.text("date"), row.number("value")));
        }
        for (facet, mut points) in facets {
            points.sort_by_key(|point| point.0);
            let values: Vec<Option<f64>> = points.iter().map(|point| point.1).collect();
            // Settings stand alone, or by facet: `Ward A=60;Ward B=99`.
            let own = |column: &str| -> Vec<String> {
                let parts = case.text(column).split(';').filter(|part| !part.is_empty());
                parts
                    .filter_map(|part| match part.split_once('=') {
                        Some((of, value)) => (of == facet).then(|| value.to_owned()),
                        None => Some(part.to_owned()),
                    })
                    .collect()
            };
            let phases = own("rebase")
                .iter()
                .filter_map(|date| points.iter().position(|point| point.0 >= date.as_str()).filter(|first| *first > 0))
                .collect();
            let options = Options {
                direction: match case.text("improvement_direction") {
                    "increase" => Direction::Increase,
                    "decrease" => Direction::Decrease,
                    _ => Direction::Neutral,
                },
                target: own("target").first().map(|target| target.parse().unwrap()),
                phases,
                fixed_after: case.number("fix_after_n_points").map(|_| case.size("fix_after_n_points")),
                screened: case.text("screen_outliers") == "true",
                pattern: 7,
            };
            let chart = chart(&values, &options).unwrap();
            let dates = points.iter().map(|point| point.0.to_owned()).collect();
            found.insert((name.to_owned(), facet.to_owned()), (chart, dates));
        }
    }
    found
}

#[test]
fn points_agree_with_r() {
    let mut score = Score::of("ptd/ptd_expected.csv");
    let charts = charts();
    for row in rows("ptd/ptd_expected.csv") {
        let (case, facet, date) = (row.text("case_id"), row.text("facet"), row.text("date"));
        let (chart, dates) = &charts[&(case.to_owned(), facet.to_owned())];
        let place = dates.iter().position(|found| found == date).unwrap();
        let point = &chart.points[place];
        let failure = compare(&row, point).or_else(|| {
            let warned = row.text("short_group_warning") == "true";
            (chart.phases[point.phase].is_short != warned).then(|| "warning of a short phase".to_owned())
        });
        score.case(&format!("{case} {facet} {date}"), failure);
    }
    score.all_passed(687);
}

#[test]
fn summaries_agree_with_r() {
    let mut score = Score::of("ptd/ptd_summary.csv");
    let charts = charts();
    for row in rows("ptd/ptd_summary.csv") {
        let (case, facet, group) = (row.text("case_id"), row.text("facet"), row.size("rebase_group"));
        let (chart, _) = &charts[&(case.to_owned(), facet.to_owned())];
        let phase = &chart.phases[group];
        let changes = phase.improvements + phase.concerns + phase.changes;
        let count = |column: &str| row.number(column).map_or(0, |_| row.size(column));
        let last = group + 1 == chart.phases.len();
        let lower = phase.lower.filter(|_| phase.lower != phase.upper || row.number("lpl").is_some());
        let points = chart.points.iter().filter(|point| point.phase == group).count();
        let failure = if !close(phase.mean, row.real("mean")) || !same(lower, row.number("lpl")) {
            Some(format!("{phase:?}"))
        } else if (phase.improvements, phase.concerns)
            != (count("special_cause_improvement"), count("special_cause_concern"))
            // It counts missing points as common cause.
            || points - changes != count("common_cause")
        {
            Some(format!("counts of {phase:?}"))
        } else if last && variation(chart) != row.text("variation_type") {
            Some(format!("variation {}", variation(chart)))
        } else if last && assurance(chart) != row.text("assurance_type") {
            Some(format!("assurance {}", assurance(chart)))
        } else {
            None
        };
        score.case(&format!("{case} {facet} {group}"), failure);
    }
    score.all_passed(34);
}

fn same(found: Option<f64>, wanted: Option<f64>) -> bool {
    match (found, wanted) {
        (Some(found), Some(wanted)) => close(found, wanted),
        (None, None) => true,
        _ => false,
    }
}

fn compare(row: &Row, point: &Point) -> Option<String> {
    // Screening leaves the other program without limits where nothing varies; here they have no width.
    let width =
        |limit: Option<f64>, column: &str| limit.filter(|_| point.lower != point.upper || row.number(column).is_some());
    let numbers = [
        ("y", point.value),
        ("mean", Some(point.mean)),
        ("lpl", width(point.lower, "lpl")),
        ("upl", width(point.upper, "upl")),
    ];
    for (column, found) in numbers {
        if !same(found, row.number(column)) {
            return Some(format!("{column}: {found:?} instead of {}", row.text(column)));
        }
    }
    if point.phase != row.size("rebase_group") || point.sets_limits != (row.text("used_for_limits") == "true") {
        return Some(format!("{point:?}"));
    }
    point.value?;
    let side = match point.side {
        Some(Side::High) => "1",
        Some(Side::Low) => "-1",
        None => "0",
    };
    let cause = match point.cause {
        None => "Common Cause",
        Some((SpecialCause::Outside, Side::High)) => "Above UCL",
        Some((SpecialCause::Outside, Side::Low)) => "Below LCL",
        Some((SpecialCause::Trend, Side::High)) => "7 Point Trend (Increasing)",
        Some((SpecialCause::Trend, Side::Low)) => "7 Point Trend (Decreasing)",
        Some((SpecialCause::TwoOfThree, Side::High)) => "2 in 3 Above CL",
        Some((SpecialCause::TwoOfThree, Side::Low)) => "2 in 3 Below CL",
        Some((SpecialCause::Shift, Side::High)) => "7 Points Above CL",
        Some((SpecialCause::Shift, Side::Low)) => "7 Points Below CL",
    };
    let texts = [
        ("relative_to_mean", side),
        ("outside_limits", if point.outside { "true" } else { "false" }),
        ("close_to_limits", if point.close { "true" } else { "false" }),
        ("special_cause_type", cause),
        ("point_type", meaning(point.meaning)),
    ];
    texts
        .into_iter()
        // Without limits the other program does not say on which side of them a point lies.
        .find(|(column, found)| {
            row.text(column) != *found && !(row.text(column).is_empty() && row.text("upl").is_empty())
        })
        .map(|(column, found)| format!("{column}: {found} instead of {}", row.text(column)))
}

fn meaning(meaning: Option<Meaning>) -> &'static str {
    match meaning {
        None => "common_cause",
        Some(Meaning::Improvement) => "special_cause_improvement",
        Some(Meaning::Concern) => "special_cause_concern",
        Some(Meaning::Change(Side::High)) => "special_cause_neutral_high",
        Some(Meaning::Change(Side::Low)) => "special_cause_neutral_low",
    }
}

fn variation(chart: &Chart) -> &'static str {
    meaning(chart.variation)
}

fn assurance(chart: &Chart) -> &'static str {
    match chart.assurance {
        None => "",
        Some(Assurance::Pass) => "consistent_pass",
        Some(Assurance::Fail) => "consistent_fail",
        Some(Assurance::HitOrMiss) => "inconsistent",
    }
}
