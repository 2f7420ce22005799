//! What stands in the workbook's sheets, and of what type.

use std::collections::{BTreeMap, BTreeSet};

use calamine::{Data, Reader};

use crate::made::SHARED;
use crate::synthetic::{self, HOSTILE_TITLE, MEASURES};

/// Year, month and day of a cell that holds a date.
fn day(cell: &Data) -> (u16, u8, u8) {
    let Data::DateTime(day) = cell else { panic!("{cell:?} is no date") };
    let (year, month, day, ..) = day.to_ymd_hms_milli();
    (year, month, day)
}

/// Computed measures of a family, by identifier.
fn of_family(family: &str) -> Vec<&'static str> {
    let ids = |made: &'static synthetic::Measure| (made.family == family).then_some(made.id);
    MEASURES.iter().filter_map(ids).collect()
}

#[test]
fn the_workbook_has_a_summary_a_sheet_for_each_family_and_says_how_it_was_made() {
    assert_eq!(
        SHARED.workbook().sheet_names(),
        [
            "Summary",
            "Readmissions",
            "Referrals",
            "Care plans",
            "Patient-reported coordination",
            "Continuity",
            "Utilization",
            "Cost",
            "Left out",
            "Definitions",
            "Data quality",
            "How this was made"
        ]
    );
    for (name, part) in SHARED.parts().iter().filter(|(name, _)| name.starts_with("xl/worksheets/sheet")) {
        assert!(
            part.contains("state=\"frozen\"") && part.contains("ySplit=\"1\""),
            "{name}: the header stays in sight"
        );
        assert!(part.contains("<autoFilter ") || name.ends_with("sheet12.xml"), "{name}");
    }
    let how = SHARED.sheet("How this was made");
    let value = |what: &str| how.row("What", what)[1].clone();
    assert_eq!(value("Run id"), *"b3e1f0a94c27d58e");
    assert_eq!(value("Lake snapshot"), *"2026-11-05T06-12-44Z-1f9c");
    assert_eq!(value("Counts suppressed below"), 11.0);
    assert_eq!(day(&value("Data taken on")), (2026, 11, 5));
    assert!(value("suppressed").to_string().contains("from 1 to 10"));
    let definitions = SHARED.sheet("Definitions");
    assert_eq!(definitions.rows().count(), MEASURES.len());
    let row = definitions.row("Measure id", "care_plan.reviewed");
    assert_eq!(row[definitions.column("Title")], *HOSTILE_TITLE);
    assert_eq!(row[definitions.column("Definition hash")], *"c0ffee5f1d0a9b77e3d1a4f6");
}

#[test]
fn the_summary_has_numbers_for_what_is_shown_and_words_for_what_is_not() {
    let summary = SHARED.sheet("Summary");
    assert_eq!(summary.rows().count(), MEASURES.len());
    let cell = |measure: &str, heading: &str| summary.row("Measure id", measure)[summary.column(heading)].clone();
    let readmission = "readmission.unplanned_30";
    assert!(matches!(cell(readmission, "Value"), Data::Float(value) if (5.0..20.0).contains(&value)));
    assert_eq!(day(&cell(readmission, "Period begins")), (2026, 8, 1));
    assert_eq!(cell(readmission, "Interval method"), *"Wilson");
    assert!(cell(readmission, "Signal").to_string().starts_with("Improvement"));
    assert!(cell(readmission, "What the run chart says").to_string().contains("Lower is better."));
    assert_eq!((cell(readmission, "State"), cell(readmission, "Unit")), (Data::from("final"), Data::from("%")));
    for heading in ["Value", "95% low", "95% high", "n", "Numerator", "Denominator"] {
        assert!(matches!(cell(readmission, heading), Data::Float(_)), "{heading}");
        assert_eq!(cell("continuity.usual_provider", heading), *"suppressed", "{heading}");
        assert_eq!(cell("transition.medication_reconciled", heading), *"refused", "{heading}");
    }
    assert!(cell("continuity.usual_provider", "State").to_string().starts_with("suppressed ("));
    assert!(
        cell("transition.medication_reconciled", "Note").to_string().contains("no medication_reconciliation table")
    );
    assert!(cell(readmission, "Note").to_string().contains("Planned stays"));
    let styles = &SHARED.parts()["xl/styles.xml"];
    for pattern in ["#,##0.0&quot;%&quot;", "&quot;$&quot;#,##0.00", "yyyy-mm-dd"] {
        assert!(styles.contains(&format!("formatCode=\"{pattern}\"")), "{pattern}");
    }
}

#[test]
fn a_family_sheet_has_a_row_for_each_value_and_never_an_empty_value() {
    let values = SHARED.csv("values.csv");
    let mut absent = BTreeMap::<String, usize>::new();
    let mut rows = 0;
    for name in &SHARED.workbook().sheet_names()[1..8] {
        let sheet = SHARED.sheet(name);
        let at = |heading: &str| sheet.column(heading);
        for row in sheet.rows() {
            rows += 1;
            assert!(matches!(row[at("Period begins")], Data::DateTime(_)), "{name}");
            let numbers = ["Value", "Numerator", "Denominator", "n"].map(|heading| &row[at(heading)]);
            if row[at("State")] == *"shown" {
                assert!(numbers.iter().all(|cell| matches!(cell, Data::Float(_))), "{name}: {numbers:?}");
            } else {
                let word = row[at("Value")].to_string();
                assert!(numbers.iter().all(|cell| **cell == *word.as_str()), "{name}: {numbers:?}");
                assert!(row[at("State")].to_string().starts_with(&word));
                *absent.entry(word).or_default() += 1;
            }
        }
    }
    assert_eq!(rows, values.len(), "the same rows as the CSV");
    assert_eq!(absent.keys().collect::<Vec<_>>(), ["no denominator", "suppressed"]);
    assert_eq!(absent["no denominator"], 3);
    let sheet = SHARED.sheet("Readmissions");
    let (level, stratum, kind) = (sheet.column("Level"), sheet.column("Stratum"), sheet.column("Stratum kind"));
    let titles: BTreeSet<String> = sheet.rows().map(|row| row[0].to_string()).collect();
    assert_eq!(titles.len(), of_family("readmission").len());
    let first = sheet.rows().next().expect("a row");
    assert_eq!((&first[level], &first[stratum]), (&Data::from("all"), &Data::from("All")));
    assert!(sheet.rows().any(|row| row[kind] == *"Age band" && row[stratum] == *"18-44"));
    assert!(sheet.rows().any(|row| row[kind] == *"Sex" && row[stratum] == *"Not recorded"));
}

#[test]
fn data_quality_accounts_for_every_row() {
    let quality = SHARED.sheet("Data quality");
    let row = quality.row("File", "survey <b>wave 2</b>.csv");
    assert_eq!(row[quality.column("Read")], 4_120.0);
    assert_eq!(row[quality.column("File hash (BLAKE3)")], *synthetic::file_hash(synthetic::FILES[2]).as_str(), "whole");
    assert_eq!((&row[quality.column("Adds up")], &row[quality.column("Unaccounted for")]), (&"no".into(), &4.0.into()));
    let texts: Vec<String> = quality.rows().flatten().map(ToString::to_string).collect();
    for wanted in
        ["Invalid date", "rows put aside", "whole row", "Stay rows", "left out: copy of <another> row", "51727"]
    {
        assert!(texts.iter().any(|text| text == wanted), "{wanted}");
    }
}
