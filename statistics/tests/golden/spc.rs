//! Control charts against R: `qicharts2`.

use std::collections::HashMap;

use carecoord_statistics::spc::chart::{Chart, Kind, Options, Point, Variation, chart};
use carecoord_statistics::spc::cusum::{self, bernoulli};
use carecoord_statistics::spc::{a3, b3, b4, c4};
use carecoord_statistics::{Result, StatisticsError};

use crate::case::{Row, Score, close, rows};

#[test]
fn constants_agree_with_r() {
    let mut score = Score::of("spc/constants.csv");
    for row in rows("spc/constants.csv") {
        let n = row.count("n");
        for (name, found) in [("c4", c4(n)), ("A3", a3(n)), ("B3", b3(n)), ("B4", b4(n))] {
            let wanted = row.real(name);
            let agrees = found.is_some_and(|found| close(found, wanted));
            score.case(&format!("{name}({n})"), (!agrees).then(|| format!("{found:?} instead of {wanted}")));
        }
    }
    score.all_passed(40);
}

/// One case for each chart; run charts have a test of their own.
#[test]
fn charts_agree_with_r() {
    let mut score = Score::of("spc/qic_expected.csv");
    let expected = by_case("spc/qic_expected.csv");
    let input = by_case("spc/qic_input.csv");
    let refused: Vec<String> = rows("spc/qic_errors.csv").iter().map(|row| row.text("case_id").to_owned()).collect();
    for case in rows("spc/qic_cases.csv").iter().filter(|case| case.text("chart") != "run") {
        let name = case.text("case_id");
        let points = points(case, &input[name]);
        let found = chart(kind(case), &points, &options(case, points.len()));
        let failure = if refused.iter().any(|refused| refused == name) {
            (!matches!(found, Err(StatisticsError::OutOfRange { .. }))).then(|| "was not refused".to_owned())
        } else {
            compare(&found, &expected[name])
        };
        score.case(name, failure);
    }
    score.all_passed(82);
}

#[test]
fn cusums_agree_with_r() {
    let mut score = Score::of("spc/bernoulli_cusum.csv");
    for (name, rows) in by_case("spc/bernoulli_cusum.csv") {
        let events: Vec<bool> = rows.iter().map(|row| row.text("y") == "1").collect();
        let first = &rows[0];
        let options = cusum::Options {
            target: first.real("p0"),
            odds_ratio: first.real("odds_ratio"),
            limit: first.real("limit"),
        };
        let steps = bernoulli(&events, &options).unwrap();
        for (row, step) in rows.iter().zip(steps) {
            let agrees = close(step.up, row.real("cusum_up"))
                && close(step.down, row.real("cusum_down"))
                && step.signal_up == (row.text("signal_up") == "true")
                && step.signal_down == (row.text("signal_down") == "true");
            score.case(&format!("{name} {}", row.text("idx")), (!agrees).then(|| format!("{step:?}")));
        }
    }
    score.all_passed(2400);
}

/// Rows by case, in order within each.
pub fn by_case(file: &str) -> HashMap<String, Vec<Row>> {
    let mut found: HashMap<String, Vec<Row>> = HashMap::new();
    for row in rows(file) {
        found.entry(row.text("case_id").to_owned()).or_default().push(row);
    }
    found
}

/// The points of a chart: rows of the same x are one subgroup.
pub fn points(case: &Row, rows: &[Row]) -> Vec<Point> {
    let key = |row: &Row| format!("{}|{}|{}", row.text("x"), row.text("date"), row.text("label"));
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group.0 == key(row)) {
            Some(group) => group.1.push(row),
            None => groups.push((key(row), vec![row])),
        }
    }
    // Numbers and dates in their order, labels as they come.
    if rows.iter().all(|row| row.number("x").is_some()) {
        groups.sort_by(|one, other| one.1[0].real("x").total_cmp(&other.1[0].real("x")));
    } else if rows.iter().all(|row| !row.text("date").is_empty()) {
        groups.sort_by(|one, other| one.1[0].text("date").cmp(other.1[0].text("date")));
    }
    let has_denominators = rows.iter().any(|row| row.number("n").is_some());
    let subgroups = ["xbar", "s"].contains(&case.text("chart"));
    groups
        .iter()
        .map(|(_, rows)| {
            let values: Vec<Option<f64>> = rows.iter().map(|row| row.number("y")).collect();
            if has_denominators {
                let pairs: Vec<_> = rows.iter().map(|row| (row.number("y"), row.number("n"))).collect();
                Point::sum(&pairs)
            } else if subgroups {
                Point::subgroup(&values)
            } else {
                let given: Vec<f64> = values.into_iter().flatten().collect();
                let mean = given.iter().sum::<f64>() / given.len() as f64;
                if given.is_empty() { Point::MISSING } else { Point::value(mean) }
            }
        })
        .collect()
}

fn kind(case: &Row) -> Kind {
    match case.text("chart") {
        "i" => Kind::I,
        "mr" => Kind::Mr,
        "xbar" => Kind::XBar,
        "s" => Kind::S,
        "t" => Kind::T,
        "g" => Kind::G,
        "c" => Kind::C,
        "u" => Kind::U,
        "up" => Kind::UPrime,
        "p" => Kind::P,
        "pp" => Kind::PPrime,
        "ip" => Kind::IPrime,
        other => panic!("a chart called {other}"),
    }
}

fn options(case: &Row, points: usize) -> Options {
    let list = |column: &str| -> Vec<usize> {
        case.text(column).split(';').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect()
    };
    let phases: Vec<usize> = list("part").into_iter().filter(|last| *last < points).collect();
    let categorical = case.text("x_categorical") == "true";
    Options {
        // A freeze beside phases is ignored there.
        baseline: case.number("freeze").filter(|_| phases.is_empty()).map(|_| case.size("freeze")),
        phases,
        excluded: list("exclude").into_iter().map(|place| place - 1).collect(),
        centre: case.number("given_cl"),
        screened: case.text("screened_mr") == "true",
        alone_apart: false,
        variation: if categorical { Variation::StandardDeviation } else { Variation::MovingRange },
        negative_lower: case.text("allow_negative_lcl") == "true",
        multiplier: case.real("multiply"),
    }
}

/// The first difference between a chart as R made it and as it is found here.
fn compare(found: &Result<Chart>, wanted: &[Row]) -> Option<String> {
    let chart = match found {
        Ok(chart) => chart,
        Err(error) => return Some(error.to_string()),
    };
    if chart.points.len() != wanted.len() {
        return Some(format!("{} points instead of {}", chart.points.len(), wanted.len()));
    }
    // The other program screens away every range of a series without variation and is left without limits; here they
    // have no width.
    let constant = wanted.iter().all(|row| row.text("ucl").is_empty())
        && chart.points.iter().all(|point| point.limits.is_none_or(|limits| limits.lower == limits.upper));
    for (point, row) in chart.points.iter().zip(wanted) {
        let place = row.text("idx");
        let same = |name: &str, found: Option<f64>, column: &str| {
            let wanted = row.number(column);
            let agrees = match (found, wanted) {
                (Some(found), Some(wanted)) => close(found, wanted),
                (None, None) => true,
                _ => false,
            };
            (!agrees).then(|| format!("{name} at {place}: {found:?} instead of {wanted:?}"))
        };
        let limit = |pick: fn(&carecoord_statistics::spc::chart::Limits) -> f64| point.limits.as_ref().map(pick);
        let difference = same("y", point.value, "y").or_else(|| same("cl", Some(point.centre), "cl")).or_else(|| {
            if constant {
                return None;
            }
            same("lcl", limit(|limits| limits.lower), "lcl")
                .or_else(|| same("lcl95", limit(|limits| limits.lower_2), "lcl95"))
                .or_else(|| same("ucl95", limit(|limits| limits.upper_2), "ucl95"))
                .or_else(|| same("ucl", limit(|limits| limits.upper), "ucl"))
        });
        if difference.is_some() {
            return difference;
        }
        let phase = &chart.phases[point.phase];
        let runs = phase.runs.ok();
        let flags = [
            ("sigma_signal", point.beyond_limits()),
            ("runs_signal", runs.is_some_and(|runs| runs.signal())),
            ("in_baseline", point.in_baseline),
            ("included", point.included),
        ];
        for (column, found) in flags {
            if found != (row.text(column) == "true") {
                return Some(format!("{column} at {place} is {found}"));
            }
        }
        if point.phase + 1 != row.size("part") {
            return Some(format!("phase {} at {place}", point.phase + 1));
        }
        let counts = [
            ("n_useful", runs.map_or(Some(0), |runs| Some(runs.useful))),
            ("longest_run", runs.map(|runs| runs.longest_run)),
            ("longest_run_max", runs.map(|runs| runs.longest_run_limit)),
            ("n_crossings", runs.map(|runs| runs.crossings)),
            ("n_crossings_min", runs.map(|runs| runs.crossings_limit)),
        ];
        for (column, found) in counts {
            let wanted = row.number(column).map(|_| row.size(column));
            // Without a useful point there is nothing to count, which the other program says in several ways.
            if found != wanted && runs.is_some() {
                return Some(format!("{column} at {place}: {found:?} instead of {wanted:?}"));
            }
        }
    }
    None
}
