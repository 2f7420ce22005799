//! Control charts against the test data of other packages, read where they lie.

use carecoord_statistics::spc::chart::{Chart, Kind, Options, Point, chart};
use carecoord_statistics::spc::rules::{Rule, RuleSet, signals};
use carecoord_statistics::spc::sustained::sustained;
use carecoord_statistics::spc::{Direction, Side};

use crate::case::{Row, Score, close, rows_of};
use crate::peers::shared;

/// A numerator and a denominator, where there are any.
type Pair = (Option<f64>, Option<f64>);

fn values(rows: &[Row], column: &str) -> Vec<Point> {
    rows.iter().map(|row| row.number(column).map_or(Point::MISSING, Point::value)).collect()
}

fn compare(score: &mut Score, name: &str, found: &Chart, wanted: &[Row]) {
    assert_eq!(found.points.len(), wanted.len(), "{name}");
    for (point, row) in found.points.iter().zip(wanted) {
        let limits = point.limits.unwrap();
        // The file writes the value in the second column of that name.
        let agrees = close(point.centre, row.real("cl"))
            && close(limits.lower, row.real("lcl"))
            && close(limits.upper, row.real("ucl"))
            && point.beyond_limits() == (row.text("sigma.signal") == "true")
            && found.phases[point.phase].runs.unwrap().signal() == (row.text("runs.signal") == "true");
        score.case(&format!("{name} {}", row.text("xx")), (!agrees).then(|| format!("{point:?}")));
    }
}

#[test]
fn charts_of_a_textbook_agree() {
    let Some(folder) = shared("golden/fixtures/qicharts2") else { return };
    let read = |name: &str| rows_of(&folder.join(format!("{name}.csv")));
    let mut score = Score::of("fixtures/qicharts2");

    let rings = read("input_tbl_06.03");
    let subgroups: Vec<Point> = rings
        .chunk_by(|one, other| one.text("sample") == other.text("sample"))
        .map(|rows| Point::subgroup(&rows.iter().map(|row| row.number("obs")).collect::<Vec<_>>()))
        .collect();
    let plain = Options::plain();
    compare(&mut score, "6.3 xbar", &chart(Kind::XBar, &subgroups, &plain).unwrap(), &read("expected_ex_6.3_1"));
    compare(&mut score, "6.3 s", &chart(Kind::S, &subgroups, &plain).unwrap(), &read("expected_ex_6.3_2"));

    let costs = values(&read("input_tbl_06.07"), "cost");
    let frozen = Options { baseline: Some(20), ..Options::plain() };
    compare(&mut score, "6.5 i", &chart(Kind::I, &costs, &frozen).unwrap(), &read("expected_ex_6.5_3"));
    compare(&mut score, "6.5 mr", &chart(Kind::Mr, &costs, &frozen).unwrap(), &read("expected_ex_6.5_4"));

    let ratios = |rows: &[Row], size: &str| -> Vec<Point> {
        rows.iter().map(|row| Point::ratio(row.real("count"), row.real(size))).collect()
    };
    let sizes = ratios(&read("input_tbl_07.04"), "size");
    compare(&mut score, "7.4 p", &chart(Kind::P, &sizes, &plain).unwrap(), &read("expected_tbl_7.4_1"));

    let counts = values(&read("input_tbl_07.08"), "count");
    let options = Options { excluded: vec![5, 19], baseline: Some(26), ..Options::plain() };
    compare(&mut score, "7.3 c", &chart(Kind::C, &counts, &options).unwrap(), &read("expected_ex_7.3_3"));

    let metres = ratios(&read("input_tbl_07.11"), "meters");
    let options = Options { multiplier: 50.0, ..Options::plain() };
    compare(&mut score, "7.5 u", &chart(Kind::U, &metres, &options).unwrap(), &read("expected_ex_7.5_1"));

    // Infections per day, summed over hospitals and by kind; the file has averages of the limits.
    let infections = read("data_hospital_infections");
    for file in ["expected_hai_1", "expected_hai_2"] {
        for wanted in read(file) {
            let kind = wanted.text("facet1");
            let mut months: Vec<(&str, Vec<Pair>)> = Vec::new();
            for row in infections.iter().filter(|row| kind == "1" || row.text("infection") == kind) {
                let pair = (row.number("n"), row.number("days"));
                match months.iter_mut().find(|month| month.0 == row.text("month")) {
                    Some(month) => month.1.push(pair),
                    None => months.push((row.text("month"), vec![pair])),
                }
            }
            months.sort_by_key(|month| month.0);
            let points: Vec<Point> = months.iter().map(|month| Point::sum(&month.1)).collect();
            let found = chart(Kind::U, &points, &plain).unwrap();
            let mean = |pick: fn(&carecoord_statistics::spc::chart::Limits) -> f64| {
                found.points.iter().map(|point| pick(point.limits.as_ref().unwrap())).sum::<f64>() / points.len() as f64
            };
            let runs = found.phases[0].runs.unwrap();
            let agrees = close(found.phases[0].centre, wanted.real("CL"))
                && close(mean(|limits| limits.lower), wanted.real("aLCL"))
                && close(mean(|limits| limits.upper), wanted.real("aUCL"))
                && runs.longest_run == wanted.size("longest.run")
                && runs.crossings == wanted.size("n.crossings");
            score.case(&format!("hai {kind}"), (!agrees).then(|| format!("{:?}", found.phases)));
        }
    }
    score.all_passed(215);
}

/// The other package marks where a pattern of seven is complete.
#[test]
fn patterns_of_seven_are_complete_where_they_should_be() {
    let Some(folder) = shared("golden/fixtures/NHSRplotthedots") else { return };
    let mut score = Score::of("fixtures/NHSRplotthedots");
    for (file, column, ends) in
        [("seven_one_side", "relative_to_mean", "ends_run"), ("seven_point_trend", "y", "ends_trend")]
    {
        let rows = rows_of(&folder.join(format!("{file}.csv")));
        for case in rows.chunk_by(|one, other| one.text("case") == other.text("case")) {
            for (place, row) in case.iter().enumerate() {
                // The pattern is complete at a point when it is marked in the series that ends there.
                let so_far: Vec<Option<f64>> = case[..=place].iter().map(|row| row.number(column)).collect();
                let rule = if column == "y" { Rule::Trend(7) } else { Rule::Shift(7) };
                let marked = marks_last(&so_far, rule);
                let wanted = row.text(ends) != "0";
                let name = format!("{file} {} {}", row.text("case"), row.text("idx"));
                score.case(&name, (marked != wanted).then(|| format!("{marked} instead of {wanted}")));
            }
        }
    }
    score.all_passed(76);
}

fn marks_last(values: &[Option<f64>], rule: Rule) -> bool {
    let points: Vec<Point> = values.iter().map(|value| value.map_or(Point::MISSING, Point::value)).collect();
    let options = Options { centre: (rule == Rule::Shift(7)).then_some(0.0), ..Options::plain() };
    let found = chart(Kind::I, &points, &options).unwrap();
    let signals = signals(&found, RuleSet::MakingDataCount, Direction::Neutral);
    signals.last().unwrap().rules.iter().any(|fired| fired.rule == rule)
}

#[test]
fn sustained_runs_agree() {
    let Some(folder) = shared("golden/fixtures/runcharter") else { return };
    let mut score = Score::of("fixtures/runcharter");
    let signals = rows_of(&folder.join("signals.csv"));
    let expected = rows_of(&folder.join("sustained_expected.csv"));
    for row in &expected {
        let mut series: Vec<(&str, Option<f64>)> = signals
            .iter()
            .filter(|signal| signal.text("grp") == row.text("grp"))
            .map(|signal| (signal.text("date"), signal.number("y")))
            .collect();
        series.sort_by_key(|point| point.0);
        let values: Vec<Option<f64>> = series.iter().map(|point| point.1).collect();
        let wanted = match row.text("direction") {
            "above" => Some(Side::High),
            "below" => Some(Side::Low),
            _ => None,
        };
        let found = sustained(&values, row.size("med_rows"), row.size("runlength"), wanted).unwrap();
        let place = |date: &str| series.iter().position(|point| point.0 == date).unwrap();
        let agrees = found.iter().any(|stretch| {
            (stretch.first, stretch.last, stretch.until)
                == (place(row.text("start_date")), place(row.text("end_date")), place(row.text("extend_to")))
                && close(stretch.median, row.real("median"))
        });
        let same = |other: &&Row| {
            ["direction", "med_rows", "runlength", "grp"].iter().all(|name| other.text(name) == row.text(name))
        };
        let count = expected.iter().filter(same).count();
        let name = format!("{} {} {}", row.text("grp"), row.text("direction"), row.text("start_date"));
        score.case(&name, (!agrees || found.len() != count).then(|| format!("{found:?}")));
    }
    score.all_passed(39);
}
