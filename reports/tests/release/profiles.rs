//! What each profile changes, and what it says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use calamine::Reader;
use carecoord_reports::{Release, ReportOptions, render};

use crate::made::Made;
use crate::world::{ORGANIZATIONS, World};

#[test]
fn an_internal_report_is_the_report_without_a_release() {
    let made = Made::synthetic(Release::default());
    assert_eq!(Release::default(), Release::Internal);
    assert!(made.html().contains("Lakeshore General") && made.html().contains("October 2026"));
    assert!(!made.html().contains("<dt>Release</dt>"));
    let names: Vec<_> = made.files.data.iter().filter_map(|file| file.file_name()).collect();
    assert_eq!(names, ["values.csv", "values.parquet", "measures.csv", "left_out.csv", "waits.csv", "feeds.csv"]);
    assert!(!made.workbook().sheet_names().contains(&"Context".to_owned()));
    let bundle = made.fhir("measure-reports.json");
    assert!(bundle.get("meta").is_none() && bundle["timestamp"] == "2026-11-05T00:00:00Z");
}

#[test]
fn a_limited_data_set_keeps_names_days_and_files_and_says_what_it_is() {
    let (internal, limited) = (Made::synthetic(Release::Internal), Made::synthetic(Release::Limited));
    assert_eq!(internal.csv("values.csv"), limited.csv("values.csv"));
    let page = limited.html();
    for kept in
        ["Lakeshore General", "encounters_2026-10.csv", "5 November 2026", "b3e1f0a94c27d58e", "Calls &lt;b&gt;begin"]
    {
        assert!(page.contains(kept), "{kept}");
    }
    promise(&limited, "limited", "45 CFR 164.514(e)");
}

#[test]
fn safe_harbor_has_whole_years_and_labels() {
    let made = Made::synthetic(Release::SafeHarbor);
    let internal = Made::synthetic(Release::Internal).csv("values.csv");
    let values = made.csv("values.csv");
    assert!(values.iter().all(|row| row["period_kind"] == "year" && row["period"].ends_with("-01-01")));
    let states = |rows: &[crate::made::Row]| {
        let mut states: Vec<_> = rows
            .iter()
            .filter(|row| row["period_kind"] == "year")
            .map(|row| {
                (row["measure_id"].clone(), row["stratum"].clone(), row["value"].clone(), row["state_reason"].clone())
            })
            .collect();
        states.sort();
        states
    };
    assert_eq!(states(&values), states(&internal), "cells are as computed");
    let page = made.html();
    assert!(
        page.contains("<p class=\"month\">2026</p>")
            && page.contains("Organization 1")
            && page.contains("2024 to 2026")
    );
    assert!(page.contains("Whole years alone, so no signal was looked for"));
    for month_alone in ["Not in this release", ">Months<", ">Reading<", "Signals only", "so there is no chart"] {
        assert!(!page.contains(month_alone), "{month_alone}");
    }
    assert!(page.contains("Every row read") && page.contains("all files"));
    promise(&made, "safe-harbor", "45 CFR 164.514(b)(2)");
    let bundle = made.fhir("measure-reports.json");
    assert!(bundle.get("timestamp").is_none(), "an instant has a day");
    assert!(bundle["entry"].as_array().expect("entries").iter().all(|entry| entry["resource"]["date"] == "2026"));
}

#[test]
fn a_public_release_brings_its_context() {
    let made = Made::of_world(&World::new(2), Release::Public);
    promise(&made, "public", "rounded to the nearest 5");
    let values = made.csv("values.csv");
    let years: BTreeSet<&str> = values.iter().map(|row| &row["period"][..4]).collect();
    assert_eq!(years, BTreeSet::from(["2023", "2024", "2025"]), "the running year is not final");
    let reasons: BTreeSet<&str> =
        values.iter().filter(|row| row["state"] == "suppressed").map(|row| row["state_reason"].as_str()).collect();
    assert_eq!(reasons, BTreeSet::from(["protected"]), "which rule hid a cell is not told");
    let context = made.csv("context.csv");
    let of = |part: &str| context.iter().filter(|row| row["part"] == part).collect::<Vec<_>>();
    assert!(of("rule").iter().any(|row| row["what"].contains("from 1 to 12 is suppressed")));
    assert!(of("left_out").iter().any(|row| row["what"] == "95 % intervals" && row["why"].contains("give them back")));
    let figures = of("figure");
    assert_eq!(
        figures.len(),
        values.iter().filter(|row| row["state"] == "shown").count(),
        "every figure, and no other"
    );
    for figure in figures {
        assert!(!figure["value"].is_empty() && !figure["denominator"].is_empty() && !figure["what"].is_empty());
    }
    for (state, of_state) in ["value", "zero", "suppressed", "not_computed"]
        .map(|state| (state, values.iter().filter(|row| row["cell"] == state).count()))
    {
        let told: usize = of("states")
            .iter()
            .filter(|row| row["what"] == state)
            .map(|row| row["cells"].parse::<usize>().expect("a count"))
            .sum();
        assert_eq!(told, of_state, "{state}");
        assert!(of_state > 0, "{state} occurs");
    }
    assert!(made.html().contains("Left out in 2025: hospice suppressed, planned 125."), "who is not in values");
    let board = fs::read_to_string(made.out().join("board.html")).expect("a sheet for the board");
    assert!(board.contains("2026 · summary for the board") && board.contains("no signal was looked for"));
    assert_eq!(made.sheet("Context").len(), context.len());
    let quality = made.sheet("Data quality");
    let row = quality.iter().find(|row| row["Table"] == "encounter").expect("a table");
    assert_eq!(
        [&row["Read"], &row["Accepted"], &row["Duplicate"], &row["Superseded"], &row["Adds up"]],
        ["1204325", "1203870", "240", "5", "yes"]
    );
}

#[test]
fn a_public_release_suppresses_below_13_whatever_was_computed_and_all_of_what_it_cannot_know() {
    // The world's results were computed with nothing suppressed.
    let made = Made::of_world(&World::new(2), Release::Public);
    for row in made.csv("values.csv").iter().filter(|row| row["state"] == "shown") {
        let number = |column: &str| row[column].parse::<f64>().expect("a number");
        assert!(
            number("denominator") >= 15.0
                && (number("numerator") == 0.0 || number("numerator") >= 15.0 || row["unit"] == "days")
        );
    }
    assert!(made.html().contains("counts of 1 to 12 suppressed"));
}

fn promise(made: &Made, code: &str, words: &str) {
    assert!(made.html().contains(words) && made.html().contains("<dt>Release</dt>"), "header and how this was made");
    let note = fs::read_to_string(made.out().join("data/release.txt")).expect("a note");
    assert!(note.starts_with(&format!("Release: {code}\n")) && note.contains(words), "{note}");
    let how = made.sheet("How this was made");
    assert!(how.iter().any(|row| row["What"] == "Release" && row["Value"].contains(words)));
    let bundle = made.fhir("measure-reports.json");
    assert_eq!(bundle["meta"]["tag"][0]["code"], code);
    assert!(bundle["meta"]["tag"][0]["display"].as_str().expect("words").contains(words));
    assert_eq!(bundle["entry"][0]["resource"]["meta"]["tag"][0]["code"], code);
}

#[test]
fn every_file_of_a_release_is_named_without_organizations() {
    let made = Made::of_world(&World::new(2), Release::Public);
    let names: Vec<String> = made.contents().into_keys().collect();
    for (id, name) in ORGANIZATIONS {
        assert!(names.iter().all(|file| !file.contains(id) && !file.contains(name)));
    }
}

/// Writes a release to look at: `CARECOORD_RELEASE_TO=folder cargo test -p carecoord-reports --test release`.
#[test]
fn a_public_release_to_look_at() {
    let Some(folder) = std::env::var_os("CARECOORD_RELEASE_TO") else { return };
    let results = tempfile::tempdir().expect("a folder");
    World::new(2).write(results.path());
    let options = ReportOptions { release: Release::Public, ..ReportOptions::default() };
    render(results.path(), Path::new(&folder), &options).expect("a report");
}
