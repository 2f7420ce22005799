//! What a run says beside its rates: gaps between groups, coverage, organizations after adjustment, waits.

use std::path::Path;

use super::rates::TWO_ORGANIZATIONS;
use super::tables::Value::{self, Date, Integer, None, Number, Text};
use super::{MEASURES, MONTHS, Table, day, month};

/// Gaps that are told: more than the page shows unfolded.
const GAPS: usize = 14;

/// Writes these tables beside those of [`super::write`].
pub fn write(folder: &Path) {
    Table::write(folder, "disparity", &disparities());
    Table::write(folder, "coverage", &coverage());
    Table::write(folder, "wait", &[wait()]);
    Table::write(folder, "wait_curve", &wait_curve());
    Table::write(folder, "target", &targets());
    Table::write(folder, "feed_month", &feed_months());
    Table::write(folder, "survey_model", &[survey_model()]);
    Table::write(folder, "survey_score", &survey_scores());
}

fn measure(family: &str) -> &'static str {
    MEASURES.iter().find(|made| made.family == family).expect("such a family").id
}

fn disparities() -> Vec<Vec<Value>> {
    let computed = MEASURES.iter().filter(|made| made.family != "transition");
    let kinds = [("sex", "female", "male"), ("ethnicity", "not_hispanic", "hispanic"), ("deprivation", "1", "5")];
    let pairs = computed.flat_map(|made| kinds.map(|kind| (made.id, kind)));
    pairs
        .take(GAPS)
        .map(|(id, (kind, reference, widest))| {
            let slope = if kind == "deprivation" { [-9.7, -17.0, -2.3].map(Number) } else { [None, None, None] };
            let [slope, lower, upper] = slope;
            let head = [
                Text(id),
                Date(day(2026, 1, 1)),
                Text("provisional"),
                Text(kind),
                Integer(2),
                Integer(1),
                Text(reference),
                Text(widest),
            ];
            let gap = [6.7, 2.2, 11.2, 8.1, 4.2, 0.6].map(Number);
            head.into_iter().chain(gap).chain([slope, lower, upper, Number(1.4), Text("")]).collect()
        })
        .collect()
}

fn coverage() -> Vec<Vec<Value>> {
    let rows = [
        ("A1", 1, "", "Establish accountability or negotiate responsibility", "filled"),
        ("A2", 2, "", "Communicate", "none"),
        ("A2a", 3, "A2", "Interpersonal communication", "open"),
    ];
    let cell = |(id, position, parent, label, mark): (&'static str, i64, &'static str, &'static str, &'static str),
                who| {
        let (state, codes, reasons) = match (mark, who) {
            ("none", _) => ("not_measured", "", ""),
            (_, "professional") => ("no_data", "", ""),
            _ => ("measured", "Referral loop", "Someone answers for the <referral>."),
        };
        let mark = if state == "measured" { mark } else { "none" };
        let counts = [Integer(i64::from(state == "measured")), Integer(0)];
        let head = [Text(id), Integer(position), Text("activity"), Text(parent), Text(label), Text(who)];
        let rest = [Text(mark), Text(state), Text(codes), Text("ours"), Text(reasons)];
        head.into_iter().chain(counts).chain(rest).collect()
    };
    rows.into_iter().flat_map(|row| ["patient_family", "professional", "system"].map(|who| cell(row, who))).collect()
}

fn wait() -> Vec<Value> {
    let everyone = [Text("all"), Text("all"), Text("all"), Text("all")];
    let head = [Text("referral.report_days"), Text("month"), Date(month(MONTHS - 5))];
    let counts = [1_779, 1_500, 40, 239].map(Integer);
    let days = [11.0, 10.0, 12.0, 31.0, 9.0, 24.0, 84.3].map(Number);
    head.into_iter().chain(everyone).chain(counts).chain(days).chain([Text("shown")]).collect()
}

fn wait_curve() -> Vec<Vec<Value>> {
    let year = |year: i16, maturity: &'static str, slower: i64| {
        (1..=9).map(move |tenth: i64| {
            let reached = tenth < 9 || slower == 0;
            vec![
                Text("referral.report_days"),
                Date(day(year, 1, 1)),
                Text(maturity),
                Integer(10 * tenth),
                if reached { Number((tenth * tenth / 2 + 2 + slower) as f64) } else { None },
                Text(if reached { "shown" } else { "not_reached" }),
            ]
        })
    };
    year(2025, "final", 3).chain(year(2026, "provisional", 0)).collect()
}

fn targets() -> Vec<Vec<Value>> {
    let row = |level, id, target, own, verdict| {
        vec![
            Text(MEASURES[0].id),
            Text(level),
            Text(id),
            Date(day(2026, 1, 1)),
            Number(target),
            Value::Boolean(own),
            verdict,
        ]
    };
    let [first, second] = TWO_ORGANIZATIONS.map(|id| id.expect("an organization"));
    vec![
        row("all", "all", 12.0, false, Text("missed")),
        row("organization", first, 12.0, false, None),
        row("organization", second, 10.0, true, Text("unclear")),
    ]
}

fn feed_months() -> Vec<Vec<Value>> {
    let table = |name: &'static str, rows: [i64; 4]| {
        (MONTHS - 4..).zip(rows).map(move |(index, rows)| {
            let note = match rows {
                0 => Text("missing"),
                1..400 => Text("low"),
                _ => None,
            };
            vec![Text(name), None, Date(month(index)), Integer(rows), note, Text("shown")]
        })
    };
    table("encounter", [1_204, 1_190, 301, 0]).chain(table("referral", [812, 790, 801, 820])).collect()
}

fn survey_model() -> Vec<Value> {
    let head = [Text(measure("patient_reported")), Text("cahps-4.1c"), Date(month(12)), Date(month(MONTHS - 1))];
    let size = [Integer(2), Integer(412), Text("age_band,education")];
    let tests = [70.1, 70.4, 2.6, 1.0, 410.0, 0.012, 0.62].map(Number);
    head.into_iter().chain(size).chain(tests).chain([Text("shown"), Text("")]).collect()
}

fn survey_scores() -> Vec<Vec<Value>> {
    let score = |place: usize, people: i64, standing, note| {
        let organization = TWO_ORGANIZATIONS[place].expect("an organization");
        let head =
            [Text(measure("patient_reported")), Text(organization), Text("Éastside <i>Clinic"), Integer(people + 9)];
        let numbers = [70.2, 70.9, 0.8, 0.4, 0.1, 1.6, 0.03].map(Number);
        let rest = [Text(standing), Number(0.66), Text("shown"), Text(note)];
        head.into_iter().chain([Integer(people)]).chain(numbers).chain(rest).collect()
    };
    vec![score(0, 320, "above", "low_reliability"), score(1, 92, "not_different", "few_answers")]
}
