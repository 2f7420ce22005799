//! A cell has one state, and it is the same in page, CSV, Parquet, workbook and FHIR.

use std::collections::{BTreeMap, BTreeSet};

use calamine::Reader;
use carecoord_reports::Release;

use crate::made::{Made, Row};
use crate::world::World;

const PROFILES: [Release; 4] = [Release::Internal, Release::Limited, Release::SafeHarbor, Release::Public];

fn made(release: Release) -> [Made; 2] {
    [Made::of_world(&World::new(5), release), Made::synthetic(release)]
}

/// A report's id, a kind of split, a group's code and its name; the last three are empty for everyone.
type Place = (String, String, String, String);
/// State, value, and whether any count is told.
type Said = (String, Option<f64>, bool);

/// What the workbook writes in place of a number.
fn word(row: &Row) -> &'static str {
    match row["cell"].as_str() {
        "suppressed" => "suppressed",
        _ if row["maturity"] == "provisional" => "not counted yet",
        _ => "no denominator",
    }
}

#[test]
fn the_workbook_says_what_the_csv_says() {
    let mut seen = BTreeSet::new();
    for made in PROFILES.into_iter().flat_map(made) {
        let fixed = ["Summary", "Left out", "Definitions", "Data quality", "How this was made", "Context"];
        let sheets = made.workbook().sheet_names();
        let rows: Vec<Row> =
            sheets.iter().filter(|name| !fixed.contains(&name.as_str())).flat_map(|name| made.sheet(name)).collect();
        let values = made.csv("values.csv");
        assert_eq!(rows.len(), values.len());
        for (cell, row) in rows.iter().zip(&values) {
            assert_eq!(cell["Cell"], row["cell"], "{row:?}");
            for (heading, column) in
                [("Value", "value"), ("Numerator", "numerator"), ("Denominator", "denominator"), ("n", "n_units")]
            {
                let wanted = if row["state"] == "shown" { row[column].as_str() } else { word(row) };
                assert_eq!(cell[heading], wanted, "{row:?}");
            }
            assert_eq!(row["cell"] == "zero", row["value"] == "0", "{row:?}");
        }
        seen.extend(values.into_iter().map(|row| row["cell"].clone()));
    }
    assert_eq!(seen.len(), 4, "value, zero, suppressed, not computed: {seen:?}");
}

#[test]
fn fhir_says_what_the_csv_says() {
    for made in PROFILES.into_iter().flat_map(made) {
        let mut told: BTreeMap<Place, Said> = BTreeMap::new();
        for entry in made.fhir("measure-reports.json")["entry"].as_array().expect("entries") {
            let report = &entry["resource"];
            let id = report["id"].as_str().expect("an id").to_owned();
            let group = &report["group"][0];
            told.insert((id.clone(), String::new(), String::new(), String::new()), said(group));
            for split in group["stratifier"].as_array().into_iter().flatten() {
                for stratum in split["stratum"].as_array().expect("strata") {
                    let kind = split["code"][0]["coding"][0]["code"].as_str().expect("a kind").to_owned();
                    let code = stratum["value"]["coding"][0]["code"].as_str().expect("a code").to_owned();
                    let name = stratum["value"]["text"].as_str().expect("a name").to_owned();
                    told.insert((id.clone(), kind, code, name), said(stratum));
                }
            }
        }
        let mut compared = 0;
        for row in made.csv("values.csv") {
            let report = |key: &Place| {
                key.0 == format!("{}.{}-{}", row["measure_id"].replace('_', "-"), row["period_kind"], row["period"])
            };
            let group = |key: &Place| match (row["level"].as_str(), row["stratum_kind"].as_str()) {
                ("organization", _) => key.1 == "organization" && key.2 == row["level_id"],
                (_, "all") => key.1.is_empty(),
                (_, kind) => key.1 == kind && (key.2 == row["stratum"] || key.3 == row["stratum"]),
            };
            let found: Vec<_> =
                told.iter().filter(|(key, _)| report(key) && group(key)).map(|(_, said)| said).collect();
            // Splits are reported by year.
            if row["period_kind"] != "year" && found.is_empty() {
                continue;
            }
            let [(cell, value, counted)] = found.as_slice() else { panic!("{row:?}: {found:?}") };
            assert_eq!(*cell, row["cell"], "{row:?}");
            assert_eq!(value.map(|value| value.to_string()).unwrap_or_default(), row["value"], "{row:?}");
            assert!(*counted != (row["cell"] == "suppressed"), "{row:?}");
            compared += 1;
        }
        assert!(compared > 50);
    }
}

fn said(group: &serde_json::Value) -> Said {
    let score = &group["measureScore"];
    let extensions = score["extension"].as_array().expect("extensions");
    let state = extensions.iter().find(|one| one["url"] == "urn:carecoord:extension:cell").expect("a state");
    let counts = group["population"].as_array().expect("populations");
    let counted = counts.iter().any(|one| one.get("count").is_some() || one.get("extension").is_some());
    (state["valueCode"].as_str().expect("a code").to_owned(), score["value"].as_f64(), counted)
}

/// The rows of the tables of a measure's section that show its latest year: name, value, state.
fn page_rows(html: &str, measure: &str) -> Vec<[String; 3]> {
    let start = format!("id=\"measure-{measure}\">");
    let section = html.split_once(&start).expect("a section").1.split_once("</article>").expect("its end").0;
    let mut rows = Vec::new();
    for table in section
        .split("<table class=\"v")
        .skip(1)
        .filter(|table| table.contains("<caption>By organization") || table.contains("<caption>By group"))
    {
        let table = table.split("</table>").next().expect("a table");
        for row in table.split("<tr").skip(2).filter(|row| row.contains("<th>")) {
            let text = |part: &str| {
                part.split('<')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .replace("&amp;", "&")
                    .replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&quot;", "\"")
                    .replace("&#x2f;", "/")
            };
            let name = text(row.split("<th>").nth(1).expect("a name"));
            let cells: Vec<&str> =
                row.split("<td").skip(1).map(|cell| cell.split_once('>').map_or("", |(_, rest)| rest)).collect();
            let state = if row.contains("<td>suppressed")
                || row.contains("<td>zero")
                || row.contains("<td>no denominator")
                || row.contains("<td>not counted yet")
            {
                text(cells.last().expect("a state"))
            } else {
                String::new()
            };
            rows.push([name, text(cells[0]), state]);
        }
    }
    rows
}

#[test]
fn the_page_says_what_the_csv_says() {
    for release in [Release::SafeHarbor, Release::Public] {
        for made in made(release) {
            let (html, values) = (made.html(), made.csv("values.csv"));
            let latest = |measure: &str| {
                let years =
                    values.iter().filter(|row| row["measure_id"] == measure && row["period"].as_str() <= "2026-12-31");
                years.map(|row| row["period"].clone()).max().unwrap_or_default()
            };
            let mut compared = 0;
            for row in values.iter().filter(|row| row["period"] == latest(&row["measure_id"])) {
                let parts = row["level"] == "organization" || row["stratum_kind"] != "all";
                if !parts {
                    continue;
                }
                let name = match (row["level"].as_str(), row["stratum"].as_str()) {
                    ("organization", _) => row["level_name"].clone(),
                    (_, "unknown") => "Not recorded".to_owned(),
                    (_, stratum) => stratum.to_owned(),
                };
                let found = page_rows(&html, &row["measure_id"]);
                let of_name = found.iter().filter(|one| one[0] == name);
                let agrees = |one: &&[String; 3]| match row["cell"].as_str() {
                    "suppressed" => one[1] == "—" && one[2].starts_with("suppressed"),
                    "not_computed" => {
                        one[1] == "—" && one[2].starts_with("no denominator") || one[2].starts_with("not counted yet")
                    }
                    "zero" => {
                        !one[1].contains(|digit: char| ('1'..='9').contains(&digit)) && one[2].starts_with("zero")
                    }
                    _ => one[1].contains(|digit: char| digit.is_ascii_digit()) && one[2].is_empty(),
                };
                assert!(of_name.clone().any(|one| agrees(&one)), "{row:?}: {:?}", of_name.collect::<Vec<_>>());
                compared += 1;
            }
            assert!(compared > 10);
        }
    }
}
