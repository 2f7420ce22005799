//! The demo, and what it promises to those who come next: work lists, measures, reproducible results.

use std::collections::BTreeMap;
use std::path::Path;

use crate::carecoord::{Project, Ran, program};

/// The files of a folder that do not differ from run to run.
fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("timing.parquet") {
            found.insert(path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn results(project: &Project) -> std::path::PathBuf {
    let id = std::fs::read_to_string(project.path().join("results/CURRENT")).unwrap();
    project.path().join("results/snapshots").join(id.trim())
}

/// Rows by month, curves of waits, doubts, and patients on request.
fn what_the_report_tells_beside_rates(project: &Project) {
    let none = |query: &str| assert_eq!(project.value(query), "0", "{query}");
    // Rows by month are those of the lake; a curve of waits rises; what was not found at all asks to look at the data.
    none(
        "select abs((select sum(rows) from results.feed_month where table_name = 'encounter' and part is null) - (select count(*) from lake.encounter \
         where start_date between (select first_month from results.run) and date '2026-10-31'))",
    );
    none(
        "select count(*) from results.wait_curve a join results.wait_curve b on a.measure_id = b.measure_id and a.period = b.period \
         and a.share < b.share where a.days > b.days",
    );
    assert_ne!(project.value("select count(*) from results.wait_curve where state = 'shown'"), "0");
    assert_eq!(
        project
            .sql("select measure_id from results.measure where nothing_found and measure_id like '%blood_pressure%'"),
        ["chronic_care.blood_pressure_control"]
    );

    // Patients are named on request alone, and never in a release.
    let lists = project.path().join("reports/2026-10/fhir/subject-lists.json");
    assert!(!lists.exists());
    let refused = project.run(&["report", "--subject-lists", "--release", "public"]).expect(2);
    assert!(refused.err.contains("subject lists name patients"), "{}", refused.err);
    project.run(&["report", "--subject-lists"]).expect(0);
    assert!(std::fs::read_to_string(&lists).unwrap().contains("urn:carecoord:patient"));
}

#[test]
fn the_demo_runs_and_its_results_hold_together() {
    let project = Project::new();
    let ran: Ran = program(&["demo", "--project"]).arg(project.path()).output().unwrap().into();
    let ran = ran.expect(0);
    let page = std::fs::read_to_string(ran.out.lines().last().unwrap()).unwrap();
    assert!(page.contains("Content-Security-Policy") && page.contains("script-src 'sha256-"));
    assert_eq!(page.matches("<script").count(), 1, "the page's own");

    // Every measure is computed, and has a chart as SVG and as PNG.
    let measures: Vec<String> = project.sql("select measure_id from results.measure where status = 'computed'");
    assert!(measures.len() >= 17, "{measures:?}");
    let charts = project.path().join("reports/2026-10/charts");
    assert!(std::fs::read(charts.join("readmission.unplanned_30.png")).unwrap().starts_with(b"\x89PNG"));
    assert!(charts.join("readmission.unplanned_30.svg").exists());

    // Numerators and denominators are sums over mature units.
    let from_units = project.sql(
        "select sum(case when in_numerator then 1 else 0 end), count(*) from results.unit \
         where measure_id = 'readmission.unplanned_30' and in_denominator and mature and date_part('year', period) = 2025",
    );
    let from_rates = project.sql(
        "select cast(numerator as bigint), cast(denominator as bigint) from results.rate where measure_id = 'readmission.unplanned_30' \
         and period_kind = 'year' and period = date '2025-01-01' and level = 'all' and stratum_kind = 'all'",
    );
    assert_eq!(from_units, from_rates);

    // Suppressed rows hold no number; nothing shown holds a small count; shown values lie within their intervals.
    let none = |query: &str| assert_eq!(project.value(query), "0", "{query}");
    none(
        "select count(*) from results.rate where state = 'suppressed' and (value is not null or numerator is not null or denominator is not null or n_units is not null or lower is not null)",
    );
    none(
        "select count(*) from results.rate r join results.measure m using (measure_id) where m.kind = 'proportion' and state = 'shown' and (numerator between 1 and 10 or denominator between 1 and 10 or denominator - numerator between 1 and 10)",
    );
    none(
        "select count(*) from results.rate where state = 'shown' and (value is null or not coalesce(value between lower and upper, true))",
    );
    none("select count(*) from results.rate where state = 'undefined' and value is not null");
    none("select count(*) from results.rate where state = 'shown' and maturity = 'final' and immature > 0");
    none(
        "select count(*) from results.rate where state = 'shown' and interval_method is null and measure_id not like 'patient_reported%' and numerator <> 0",
    );
    assert_ne!(project.value("select count(*) from results.rate where state = 'suppressed'"), "0");
    none(
        "select count(*) from results.rate where excluded between 1 and 10 or exceptions between 1 and 10 or immature between 1 and 10",
    );
    // No sum has exactly one hidden term: quarters and their months, everyone and the parts of a split.
    none(
        "with cells as (select *, date_trunc('quarter', period) as quarter from results.rate where period_kind in ('month', 'quarter')) \
         select count(*) from (select measure_id, level, level_id, stratum_kind, stratum, quarter, \
             sum(case when state = 'suppressed' then 1 else 0 end) as hidden, \
             sum(case when state = 'shown' then 1 else 0 end) as shown, \
             sum(case when period_kind = 'quarter' then 1 else 0 end) as totals \
             from cells where measure_id <> 'referral.cms50' group by 1, 2, 3, 4, 5, 6) where hidden = 1 and shown > 0 and totals > 0",
    );
    // Nor has one exactly one count beside its values that is hidden.
    for side in ["excluded", "exceptions", "immature"] {
        none(&format!(
            "with cells as (select *, date_trunc('quarter', period) as quarter from results.rate where period_kind in ('month', 'quarter') \
             and coalesce(state_reason, '') <> 'data_missing') \
             select count(*) from (select measure_id, level, level_id, stratum_kind, stratum, quarter, \
                 sum(case when {side} is null then 1 else 0 end) as hidden, \
                 sum(case when {side} is not null then 1 else 0 end) as shown, \
                 sum(case when period_kind = 'quarter' then 1 else 0 end) as totals \
                 from cells where measure_id <> 'referral.cms50' group by 1, 2, 3, 4, 5, 6) where hidden = 1 and shown > 0 and totals > 0",
        ));
    }
    // No quarter or year stands for more months than were measured.
    none(
        "select count(*) from results.rate where period_kind <> 'month' and period < (select first_month from results.run)",
    );
    // Months whose follow-up is not over are provisional: October's discharges are not followed up for 30 days on 20 November.
    assert_eq!(
        project.sql("select period from results.rate where measure_id = 'readmission.unplanned_30' and period_kind = 'month' and level = 'all' and stratum_kind = 'all' and maturity = 'provisional'"),
        ["2026-10-01"]
    );
    // Row accounting adds up, and accepted rows are those in the lake.
    none(
        "select count(*) from results.quality where rows_read <> rows_filtered + rows_accepted + rows_quarantined + rows_duplicate + rows_superseded + rows_combined + rows_withdrawn",
    );
    none(
        "select (select sum(rows_accepted) from results.quality where table_name = 'encounter') - (select count(*) from lake.encounter)",
    );

    // The prepared views are there to query, member-months without events too.
    assert_eq!(
        project.value("select count(*) from prepared.person_month"),
        project.value("select cast(sum(denominator) as bigint) from results.rate where measure_id = 'utilization.admissions' and period_kind = 'month' and level = 'all' and stratum_kind = 'all'")
    );

    let list = project.run(&["worklist", "referral.open", "--format", "csv"]).expect(0).out;
    assert!(list.lines().count() > 10 && list.starts_with("priority,patient_id"), "{list}");
    for name in ["referral.report_missing", "referral.report_unread", "care_plan.due"] {
        let list = project.run(&["worklist", name, "--format", "csv"]).expect(0).out;
        assert!(list.lines().count() > 2, "{name}: {list}");
    }
    project.run(&["worklist", "referral.lost"]).expect(2);

    what_the_report_tells_beside_rates(&project);

    // No patient of the lake stands in the report.
    for patient in project.sql("select patient_id from lake.patient limit 50") {
        assert!(!page.contains(&patient), "{patient} stands in the report");
    }
    equal_runs_give_equal_bytes(&project);
}

fn equal_runs_give_equal_bytes(project: &Project) {
    // The same lake and options give the same bytes.
    let first = results(project);
    let before = files_of(&first);
    let folders = ["cohort_unit", "measure_unit"];
    let units = folders.map(|folder| files_of(&first.join(folder)));
    let ran = project.run(&["-vv", "compute", "--timings"]).expect(0);
    for line in [
        " INFO preparing stays",
        " INFO measuring cost.paid_pmpm",
        " INFO writing results",
        "DEBUG prepare stays: done seconds=",
    ] {
        assert!(ran.err.contains(line), "{line}: {}", ran.err);
    }
    for step in ["prepare stays", "count referral.sent_90, referral.reviewed_90", "rates cost.paid_pmpm", "lists all"] {
        assert!(ran.err.lines().any(|line| line.contains(" CPU s ") && line.contains(step)), "{step}: {}", ran.err);
    }
    let second = results(project);
    assert_ne!(first, second);
    // The rows of prepared views have no order, and their list holds hashes.
    for (name, bytes) in files_of(&second).into_iter().filter(|(name, _)| name != "prepared.json") {
        assert!(before[&name] == bytes, "{name} differs between two equal runs");
    }
    for (folder, units) in folders.iter().zip(units) {
        let again = files_of(&second.join(folder));
        assert_eq!(again.len(), units.len(), "{folder}");
        for (name, bytes) in again {
            assert!(units[&name] == bytes, "{folder}/{name} differs between two equal runs");
        }
    }

    // Measured a few buckets at a time, as a large lake is, the results are the same to the last digit.
    let units = "select count(*), count(distinct concat(measure_id, unit_id)), min(evidence), max(evidence), sum(cast(numerator as decimal(19, 6))), \
         count(distinct concat(patient_id, practitioner_id, age_band)) from results.unit";
    let whole = project.sql(units);
    project.run(&["compute", "--only", "nothing"]).expect(2);
    project.run(&["compute", "--buckets-at-once", "3"]).expect(0);
    let parts = results(project);
    // Units lie in more files then.
    let lists = ["prepared.json", "manifest.json"];
    for (name, bytes) in files_of(&parts).into_iter().filter(|(name, _)| !lists.contains(&name.as_str())) {
        assert!(before[&name] == bytes, "{name} differs when a few buckets are measured at a time");
    }
    assert_eq!(project.sql(units), whole);
    for folder in folders {
        assert!(files_of(&parts.join(folder)).len() > files_of(&first.join(folder)).len(), "{folder}");
    }
}

#[test]
fn the_catalogue_lists_shows_and_tests() {
    let listed: Ran = program(&["measures", "list", "--format", "json"]).output().unwrap().into();
    let measures: serde_json::Value = serde_json::from_str(&listed.expect(0).out).unwrap();
    let ids: Vec<&str> = measures.as_array().unwrap().iter().filter_map(|measure| measure["id"].as_str()).collect();
    for id in [
        "readmission.unplanned_30",
        "referral.cms50",
        "care_plan.activities_on_schedule",
        "patient_reported.coordination_top_box",
        "utilization.ed_visits",
        "cost.paid_pmpm",
    ] {
        assert!(ids.contains(&id), "{id}");
    }
    let shown: Ran = program(&["measures", "show", "referral.cms50"]).output().unwrap().into();
    assert!(shown.expect(0).out.contains("[V]"));
    let tested: Ran = program(&["measures", "test", "referral.loop_closed_60"]).output().unwrap().into();
    assert!(tested.expect(0).out.contains(" passed, 0 failed"));
    // Tables with a deck's names and columns are a deck too, and a wrong expectation shows its explanation.
    let other = tempfile::tempdir().unwrap();
    let deck = "measures/catalog/referral/cms50/cases/cms50";
    for entry in std::fs::read_dir(deck).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "deck.toml") {
        std::fs::copy(entry.path(), other.path().join(entry.file_name())).unwrap();
    }
    let folder = other.path().to_str().unwrap();
    let elsewhere: Ran = program(&["measures", "test", "referral.cms50", "--deck", folder]).output().unwrap().into();
    assert!(elsewhere.expect(0).out.contains(" passed, 0 failed"));
    let expected = std::fs::read_to_string(other.path().join("expected.csv")).unwrap();
    let (head, first) = expected.split_once('\n').unwrap();
    let flipped = first.replacen(",1,1,1,", ",1,0,1,", 1);
    assert_ne!(first, flipped);
    std::fs::write(other.path().join("expected.csv"), format!("{head}\n{flipped}")).unwrap();
    let wrong: Ran = program(&["measures", "test", "referral.cms50", "--deck", folder]).output().unwrap().into();
    let wrong = wrong.expect(1);
    assert!(wrong.out.contains("expected 0, found 1") && wrong.out.contains(" - "), "{}", wrong.out);
    let unknown: Ran = program(&["measures", "show", "nothing"]).output().unwrap().into();
    unknown.expect(2);
}

#[test]
fn init_makes_a_project_that_runs_by_its_settings() {
    let project = Project::new();
    project.run(&["init"]).expect(0);
    project.run(&["init"]).expect(2);
    let extracts = project.path().join("extracts");
    let ran: Ran =
        program(&["generate", "--patients", "60", "--months", "3", "--out"]).arg(&extracts).output().unwrap().into();
    ran.expect(0);
    let ran = project.run(&["run"]).expect(0);
    assert!(Path::new(ran.out.lines().last().unwrap()).exists());
    let wrong = project.run(&["report", "--month", "2020-01"]).expect(2);
    assert!(wrong.err.contains("carecoord compute --month 2020-01"), "{}", wrong.err);
}
