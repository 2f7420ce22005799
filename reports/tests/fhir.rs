//! The FHIR bundles of a report from a made-up results folder: their shape, and what must not be in them.

mod synthetic;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use carecoord_lake::{contract, parquet_file};
use carecoord_reports::{ReportOptions, render};
use serde_json::Value;

const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// The texts of the bundles.
struct Made {
    measures: String,
    reports: String,
    subjects: String,
}

impl Made {
    /// Writes made-up results, changes them, and renders them.
    fn with(change: impl Fn(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results");
        fs::create_dir(&results).expect("a folder");
        synthetic::write(&results);
        change(&results);
        synthetic::units::write(&results);
        let out = folder.path().join("report");
        render(&results, &out, &ReportOptions { subject_lists: true, ..ReportOptions::default() }).expect("a report");
        let read = |name: &str| fs::read_to_string(out.join("fhir").join(name)).expect("a bundle");
        let [measures, reports, subjects] = ["measures.json", "measure-reports.json", "subject-lists.json"].map(read);
        Self { measures, reports, subjects }
    }

    fn measures(&self) -> Value {
        serde_json::from_str(&self.measures).expect("JSON")
    }

    fn reports(&self) -> Value {
        serde_json::from_str(&self.reports).expect("JSON")
    }
}

/// One report for all tests that only read it.
static SHARED: LazyLock<Made> = LazyLock::new(|| Made::with(|_| ()));

fn resources(bundle: &Value) -> impl Iterator<Item = &Value> {
    bundle["entry"].as_array().expect("entries").iter().map(|entry| &entry["resource"])
}

fn resource(bundle: &Value, id: &str) -> Value {
    resources(bundle).find(|resource| resource["id"] == id).unwrap_or_else(|| panic!("{id} is missing")).clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The count of a population of a group or stratum.
fn count(cell: &Value, code: &str) -> Value {
    let populations = cell["population"].as_array().expect("populations").iter();
    let mut found = populations.filter(|population| population["code"]["coding"][0]["code"] == code);
    found.next().unwrap_or_else(|| panic!("no {code}"))["count"].clone()
}

/// An extension of an element.
fn extension<'a>(element: &'a Value, url: &str) -> &'a Value {
    let all = element["extension"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|extension| extension["url"] == url).unwrap_or(&Value::Null)
}

/// The strata of one split of a year.
fn strata<'a>(report: &'a Value, kind: &str) -> &'a Vec<Value> {
    let all = report["group"][0]["stratifier"].as_array().expect("stratifiers");
    let of_kind = |one: &&Value| one["code"][0]["coding"][0]["code"] == kind;
    all.iter().find(of_kind).expect("such a split")["stratum"].as_array().expect("strata")
}

/// The rows of a results table as texts by column; empty where there is nothing.
fn rows(folder: &Path, table: &str) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for batch in parquet_file::read(&folder.join(format!("{table}.parquet"))).expect("a table") {
        let columns: Vec<ArrayRef> =
            batch.columns().iter().map(|column| cast(column, &DataType::Utf8).expect("a text")).collect();
        for index in 0..batch.num_rows() {
            let cell = |column: &ArrayRef| {
                let column = column.as_string::<i32>();
                if column.is_null(index) { String::new() } else { column.value(index).to_owned() }
            };
            let names = batch.schema_ref().fields().iter().map(|field| field.name().clone());
            rows.push(names.zip(columns.iter().map(cell)).collect());
        }
    }
    rows
}

/// Changes the texts of a column of a results table.
fn edit(folder: &Path, table: &str, column: &str, change: impl Fn(&str) -> String) {
    let path = folder.join(format!("{table}.parquet"));
    let batches: Vec<RecordBatch> = parquet_file::read(&path)
        .expect("a table")
        .into_iter()
        .map(|batch| {
            let place = batch.schema_ref().index_of(column).expect("a column");
            let texts = cast(batch.column(place), &DataType::Utf8).expect("texts");
            let changed: StringViewArray = texts.as_string::<i32>().iter().map(|text| text.map(&change)).collect();
            let mut columns = batch.columns().to_vec();
            columns[place] = Arc::new(changed);
            RecordBatch::try_new(batch.schema(), columns).expect("a table")
        })
        .collect();
    fs::remove_file(&path).expect("removed");
    parquet_file::write(&path, contract::result(table).expect("a table"), &batches).expect("written");
}

#[test]
fn bundles_are_collections_of_entries_in_order_with_urls_and_identifiers_of_their_own() {
    for (bundle, name) in [(SHARED.measures(), "measures"), (SHARED.reports(), "measure-reports")] {
        assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"collection".into()));
        assert_eq!(bundle["id"], format!("{name}.b3e1f0a94c27d58e"));
        assert_eq!(bundle["timestamp"], "2026-11-05T00:00:00Z");
        assert_eq!(bundle["identifier"]["value"], "b3e1f0a94c27d58e");
        let ids: Vec<&str> = resources(&bundle).map(|resource| text(&resource["id"])).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let urls: BTreeSet<&str> =
            bundle["entry"].as_array().expect("entries").iter().map(|entry| text(&entry["fullUrl"])).collect();
        assert!(urls.len() == ids.len() && urls.iter().all(|url| url.starts_with("urn:uuid:") && url.len() == 45));
    }
    let measures = SHARED.measures();
    let urls: Vec<&str> = resources(&measures).map(|measure| text(&measure["url"])).collect();
    assert!(urls.len() == synthetic::MEASURES.len() && urls.is_sorted());
}

#[test]
fn a_measure_says_what_it_is_and_how_it_is_scored() {
    let measures = SHARED.measures();
    let readmission = resource(&measures, "readmission.unplanned-30");
    assert_eq!(readmission["url"], "urn:carecoord:measure:readmission.unplanned_30");
    assert_eq!((&readmission["version"], &readmission["status"]), (&"1.0".into(), &"active".into()));
    assert_eq!(readmission["name"], "ReadmissionUnplanned30");
    assert_eq!(readmission["title"], "Unplanned readmission within 30 days");
    assert!(text(&readmission["description"]).starts_with("A stay that follows soon"));
    assert!(text(&readmission["definition"][0]).contains("Day 0 is the day of discharge."));
    assert_eq!(readmission["relatedArtifact"].as_array().map(Vec::len), Some(3));
    assert_eq!(readmission["relatedArtifact"][1]["citation"], "Run-out of the feed [P]");
    assert_eq!(readmission["improvementNotation"]["coding"][0]["code"], "decrease");
    assert!(text(&readmission["guidance"]).starts_with("Planned stays"));
    let splits = readmission["group"][0]["stratifier"].as_array().expect("splits");
    let kinds: Vec<&str> = splits.iter().map(|split| text(&split["code"]["coding"][0]["code"])).collect();
    assert_eq!(kinds, ["organization", "age_band", "sex", "race", "ethnicity", "language"]);

    let scored = |id: &str| {
        let measure = resource(&measures, id);
        let populations = measure["group"][0]["population"].as_array().expect("populations");
        let codes: Vec<&str> = populations.iter().map(|one| text(&one["code"]["coding"][0]["code"])).collect();
        format!("{}: {}", text(&measure["scoring"]["coding"][0]["code"]), codes.join(", "))
    };
    assert_eq!(scored("referral.loop-closed"), "proportion: denominator, numerator");
    assert_eq!(scored("utilization.ed-visits"), "ratio: denominator, numerator");
    assert_eq!(scored("referral.report-days"), "continuous-variable: measure-population");
    assert_eq!(scored("patient-reported.coordination"), "continuous-variable: measure-population");
    assert!(resource(&measures, "continuity.usual-provider")["improvementNotation"].is_null());
}

#[test]
fn a_refused_measure_is_told_with_its_reason_and_has_no_report() {
    let refused = resource(&SHARED.measures(), "transition.medication-reconciled");
    let reason = &extension(&refused, "urn:carecoord:extension:refused")["valueString"];
    assert!(text(reason).contains("has no medication_reconciliation table"));
    let reports = SHARED.reports();
    assert!(resources(&reports).all(|report| !text(&report["measure"]).contains("transition")));
}

#[test]
fn every_row_about_everyone_has_one_report_that_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    synthetic::write(folder.path());
    let kinds: BTreeMap<String, String> = rows(folder.path(), "measure")
        .into_iter()
        .map(|row| (row["measure_id"].clone(), row["kind"].clone()))
        .collect();
    let reports = SHARED.reports();
    let mut left: BTreeMap<&str, &Value> = resources(&reports).map(|one| (text(&one["id"]), one)).collect();
    let everyone = |row: &BTreeMap<String, String>| row["level"] == "all" && row["stratum_kind"] == "all";
    for row in rows(folder.path(), "rate").into_iter().filter(everyone) {
        let id = format!("{}.{}-{}", row["measure_id"].replace('_', "-"), row["period_kind"], row["period"]);
        let report = left.remove(id.as_str()).unwrap_or_else(|| panic!("no report {id}"));
        assert_eq!(report["type"], "summary");
        assert_eq!(report["measure"], format!("urn:carecoord:measure:{}|1.0", row["measure_id"]));
        assert_eq!(report["period"]["start"], row["period"]);
        assert_eq!(
            (&report["date"], &report["reporter"]["display"]),
            (&"2026-11-05".into(), &"carecoord 0.1.0, source synthea".into())
        );
        assert_eq!(extension(&report["_date"], "urn:carecoord:extension:date-assumed")["valueBoolean"], true);
        let status = if row["maturity"] == "final" { "complete" } else { "pending" };
        assert_eq!(report["status"], status, "{id}");
        assert_eq!(extension(report, "urn:carecoord:extension:maturity")["valueCode"], row["maturity"]);
        let group = &report["group"][0];
        let score = &group["measureScore"];
        assert_eq!(score["value"].as_f64(), row["value"].parse().ok(), "{id}");
        if row["state"] == "suppressed" {
            assert!(group["population"].as_array().expect("populations").iter().all(|one| one["count"].is_null()));
            continue;
        }
        let denominator = if matches!(kinds[&row["measure_id"]].as_str(), "proportion" | "rate") {
            "denominator"
        } else {
            "measure-population"
        };
        assert_eq!(count(group, denominator).as_f64(), row["denominator"].parse().ok(), "{id}");
        if row["state"] == "shown" {
            let interval = extension(score, "urn:carecoord:extension:interval-95");
            assert_eq!(extension(interval, "low")["valueDecimal"].as_f64(), row["lower"].parse().ok());
            assert_eq!(extension(interval, "high")["valueDecimal"].as_f64(), row["upper"].parse().ok());
            assert_eq!(extension(interval, "method")["valueCode"], row["interval_method"]);
        }
    }
    assert!(left.is_empty(), "{:?}", left.keys());
}

#[test]
fn a_report_names_its_period_unit_and_amounts() {
    let reports = SHARED.reports();
    let readmission = resource(&reports, "readmission.unplanned-30.quarter-2026-07-01");
    assert_eq!(readmission["period"]["end"], "2026-09-30");
    assert_eq!(
        (&readmission["status"], &readmission["improvementNotation"]["coding"][0]["code"]),
        (&"pending".into(), &"decrease".into())
    );
    let score = &readmission["group"][0]["measureScore"];
    assert_eq!((&score["unit"], &score["code"]), (&"%".into(), &"%".into()));
    assert_eq!(score["system"], "http://unitsofmeasure.org");
    let days = resource(&reports, "referral.report-days.month-2026-02-01");
    assert_eq!(days["period"]["end"], "2026-02-28");
    assert_eq!(days["group"][0]["measureScore"]["code"], "d");
    let cost = resource(&reports, "cost.total-pmpm.month-2026-02-01");
    let score = &cost["group"][0]["measureScore"];
    assert_eq!((&score["unit"], &score["code"]), (&"$ per member per month".into(), &Value::Null));
    let numerator = &cost["group"][0]["population"][1];
    assert!(numerator["count"].is_null() && numerator["_count"].is_null());
    assert!(extension(numerator, "urn:carecoord:extension:amount")["valueDecimal"].as_f64() > Some(1e6));
}

#[test]
fn years_are_split_by_organization_and_group_and_other_periods_are_not() {
    let reports = SHARED.reports();
    for report in resources(&reports) {
        let split = !report["group"][0]["stratifier"].is_null();
        assert_eq!(split, text(&report["id"]).contains(".year-"), "{}", report["id"]);
    }
    let year = resource(&reports, "readmission.unplanned-30.year-2026-01-01");
    let organizations = strata(&year, "organization");
    let names: Vec<&str> = organizations.iter().map(|one| text(&one["value"]["text"])).collect();
    let expected = [
        "Harbor \"Community\" & Family Health",
        "Éastside <img src=x onerror=alert(1)> Clinic",
        "Lakeshore General",
        "St. Brigid Medical Center",
        "o-5",
    ];
    assert_eq!(names, expected);
    let first = &organizations[0]["value"]["coding"][0];
    assert_eq!((&first["system"], &first["code"]), (&"urn:carecoord:group:organization".into(), &"o-1".into()));
    assert_eq!(organizations[4]["population"][0]["_count"]["extension"][0]["valueCode"], "masked");
    let sexes: Vec<&str> = strata(&year, "sex").iter().map(|one| text(&one["value"]["text"])).collect();
    assert_eq!(sexes, ["female", "male", "Not recorded"]);
}

#[test]
fn a_suppressed_cell_is_masked_and_an_undefined_one_is_not_applicable() {
    let reports = SHARED.reports();
    let reason = |element: &Value| extension(element, ABSENT)["valueCode"].clone();
    let masked = resource(&reports, "care-plan.reviewed.month-2025-01-01");
    let group = &masked["group"][0];
    for population in group["population"].as_array().expect("populations") {
        assert_eq!(reason(&population["_count"]), "masked");
        assert!(population["count"].is_null());
    }
    let score = &group["measureScore"];
    assert!(score["value"].is_null() && reason(&score["_value"]) == "masked");
    assert_eq!(extension(score, "urn:carecoord:extension:state-reason")["valueCode"], "small_cell");

    let undefined = resource(&reports, "care-plan.reviewed.month-2024-11-01");
    let group = &undefined["group"][0];
    assert_eq!((count(group, "denominator"), count(group, "numerator")), (0.into(), 0.into()));
    let score = &group["measureScore"];
    assert!(score["value"].is_null() && reason(&score["_value"]) == "not-applicable");
}

#[test]
fn a_number_that_stands_in_a_suppressed_row_is_not_written() {
    let made = Made::with(|results| synthetic::leak(results, 31_415.926_5));
    // Counts and limits of the leak; its value may stand among the digits of another number by chance.
    for leaked in ["31415.9", "31417"] {
        assert!(!made.reports.contains(leaked) && !made.measures.contains(leaked), "{leaked}");
    }
    assert!(made.reports == SHARED.reports && made.measures == SHARED.measures, "as if it did not stand there");
}

#[test]
fn the_same_results_give_the_same_bytes() {
    let again = Made::with(|_| ());
    assert!(again.measures == SHARED.measures && again.reports == SHARED.reports);
    assert!(!again.reports.contains('\n') && again.measures.starts_with("{\"resourceType\":\"Bundle\",\"id\":"));
}

/// What users might call things.
const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "\u{202e}\u{200f}gnp.tropeR\u{2066}",
    "nul\u{0}bell\u{7}escape\u{1b}[2J",
    "🩺💊\u{a0}家庭医生",
    " [click](javascript:alert(1)) ",
    "\u{1}",
];

fn hostile(results: &Path) {
    let long = "x".repeat(300);
    let name = |old: &str| {
        let place = old.bytes().map(usize::from).sum::<usize>() % (HOSTILE.len() + 1);
        HOSTILE.get(place).copied().unwrap_or(&long).to_owned()
    };
    for column in ["title", "family", "unit_name", "value_unit", "why", "rule", "sources", "steward", "version", "code"]
    {
        edit(results, "measure", column, name);
    }
    for column in ["caveat", "refusal", "subgroup", "definition_hash"] {
        edit(results, "measure", column, name);
    }
    // Keys must stay apart.
    let key = |old: &str| format!("{old}{}", name(old));
    for table in ["measure", "rate", "signal"] {
        edit(results, table, "measure_id", key);
    }
    edit(results, "rate", "level_id", |old| if old == "all" { old.to_owned() } else { key(old) });
    edit(results, "rate", "level_name", name);
    edit(results, "rate", "stratum", |old| if old == "all" { old.to_owned() } else { key(old) });
    edit(results, "rate", "state_reason", name);
    for column in ["run_id", "source", "carecoord_version"] {
        edit(results, "run", column, name);
    }
}

#[test]
fn names_from_the_data_stay_text() {
    let made = Made::with(hostile);
    for bundle in [&made.measures, &made.reports] {
        assert!(!bundle.contains('<') && !bundle.contains('>'), "no tag in the file, whoever opens it");
        assert!(bundle.chars().all(|letter| !letter.is_control()));
        assert!(!bundle.contains(['\u{202e}', '\u{200f}', '\u{2066}']) && !bundle.contains("\\u0000"));
    }
    let (measures, reports) = (made.measures(), made.reports());
    assert_eq!(resources(&measures).count(), synthetic::MEASURES.len());
    assert_eq!(resources(&reports).count(), resources(&SHARED.reports()).count());
    for resource in resources(&measures).chain(resources(&reports)) {
        let id = text(&resource["id"]);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        assert!((1..=64).contains(&id.len()) && id.bytes().all(plain), "{id}");
    }
    // A report still names its measure.
    let canonical = |measure: &Value| format!("{}|{}", text(&measure["url"]), text(&measure["version"]));
    let known: BTreeSet<String> = resources(&measures).map(canonical).collect();
    for report in resources(&reports) {
        assert!(known.contains(text(&report["measure"])), "{}", report["measure"]);
    }
}

#[test]
fn a_run_without_measures_has_empty_bundles() {
    let made = Made::with(|results| {
        for table in ["measure", "rate", "signal"] {
            synthetic::Table::empty(results, table);
        }
    });
    assert!(made.measures()["entry"].is_null() && made.reports()["entry"].is_null());
}

/// The FHIR R4 schema from the file that `CARECOORD_FHIR_SCHEMA` names; `.ci/fhir-schema` fetches it.
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn schema() -> Option<Value> {
    let path = std::env::var_os("CARECOORD_FHIR_SCHEMA").filter(|path| !path.is_empty());
    let Some(path) = path else {
        assert!(
            std::env::var_os("CARECOORD_REQUIRE_FHIR").is_none_or(|value| value != "1"),
            "CARECOORD_FHIR_SCHEMA must name the FHIR schema"
        );
        eprintln!("skipped: no FHIR schema");
        return None;
    };
    Some(serde_json::from_str(&fs::read_to_string(path).expect("a schema")).expect("JSON"))
}

/// The schema of one type of resource: its errors say more than those of the schema of any resource.
fn validator(schema: &Value, kind: &str) -> jsonschema::Validator {
    let mut schema = schema.clone();
    let root = schema.as_object_mut().expect("a schema");
    for of_any in ["oneOf", "discriminator", "id"] {
        root.remove(of_any);
    }
    // The package's own types, which are none of FHIR's, refer to two that it does not define: nothing may use them.
    for missing in ["Resource", "integer64"] {
        root["definitions"].as_object_mut().expect("definitions").entry(missing).or_insert(false.into());
    }
    root.insert("$ref".to_owned(), format!("#/definitions/{kind}").into());
    jsonschema::validator_for(&schema).expect("a schema that compiles")
}

#[test]
fn bundles_and_resources_are_valid_by_the_schema_of_fhir() {
    let Some(schema) = schema() else { return };
    let of = |kind| validator(&schema, kind);
    let (bundle, measure, report) = (of("Bundle"), of("Measure"), of("MeasureReport"));
    let check = |validator: &jsonschema::Validator, resource: &Value| {
        let errors: Vec<String> =
            validator.iter_errors(resource).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{} {}: {errors:#?}", resource["resourceType"], resource["id"]);
    };
    let list = of("List");
    let hostile = Made::with(hostile);
    for made in [&*SHARED, &hostile] {
        let (measures, reports) = (made.measures(), made.reports());
        resources(&measures).for_each(|one| check(&measure, one));
        resources(&reports).for_each(|one| check(&report, one));
        check(&bundle, &measures);
        check(&bundle, &reports);
        let subjects: Value = serde_json::from_str(&made.subjects).expect("JSON");
        let is_list = |one: &Value| one["resourceType"] == "List";
        resources(&subjects).for_each(|one| check(if is_list(one) { &list } else { &report }, one));
        assert!(resources(&subjects).any(|one| !is_list(one)));
        check(&bundle, &subjects);
    }
    let subjects: Value = serde_json::from_str(&SHARED.subjects).expect("JSON");
    let sound = resources(&subjects).find(|one| one["resourceType"] == "List").expect("a list").clone();
    for (what, broken) in [("mode", Value::Null), ("status", "final".into()), ("entry", "patient".into())] {
        let mut one = sound.clone();
        one[what] = broken;
        assert!(!list.is_valid(&one), "a list with a broken {what} passes");
    }

    let sound = resource(&SHARED.reports(), "readmission.unplanned-30.year-2025-01-01");
    let broken = |what: &str, break_it: fn(&mut Value)| {
        let mut one = sound.clone();
        break_it(&mut one);
        assert!(one != sound && !report.is_valid(&one), "{what} passes");
        let mut all = SHARED.reports();
        all["entry"][0]["resource"] = one;
        assert!(!bundle.is_valid(&all), "{what} passes within a bundle");
    };
    broken("a status that there is not", |one| one["status"] = "final".into());
    broken("a count as text", |one| one["group"][0]["population"][0]["count"] = "62".into());
    broken("no measure", |one| {
        one.as_object_mut().expect("an object").remove("measure");
    });
    broken("an unknown property", |one| one["numerator"] = 62.into());
}
