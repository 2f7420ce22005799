//! Subject lists: the patients behind the latest final values, named on request and nowhere else.

mod synthetic;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use carecoord_reports::{Release, ReportError, ReportFiles, ReportOptions, render};
use serde_json::Value;
use synthetic::units::{HOSTILE, OTHERS, PATIENT};

const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// A report of made-up results with units.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results");
        fs::create_dir(&results).expect("a folder");
        synthetic::write(&results);
        synthetic::units::write(&results);
        Self { folder }
    }

    fn render(&self, release: Release, subject_lists: bool) -> Result<ReportFiles, ReportError> {
        let options = ReportOptions { release, subject_lists, ..ReportOptions::default() };
        render(&self.folder.path().join("results"), &self.out(), &options)
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    fn path(&self) -> PathBuf {
        self.out().join("fhir/subject-lists.json")
    }

    fn bundle(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.out().join("fhir").join(name)).expect("a bundle")).expect("JSON")
    }
}

/// One report for all tests that only read it.
static SHARED: LazyLock<Made> = LazyLock::new(|| {
    let made = Made::new();
    made.render(Release::Internal, true).expect("a report");
    made
});

fn entries(bundle: &Value) -> &Vec<Value> {
    bundle["entry"].as_array().expect("entries")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The patients of the list that a population refers to; the reason where it refers to none.
fn patients<'a>(lists: &BTreeMap<&str, &'a Value>, population: &Value) -> Result<Vec<&'a str>, String> {
    let subjects = &population["subjectResults"];
    let Some(url) = subjects["reference"].as_str() else {
        assert_eq!(subjects["extension"][0]["url"], ABSENT);
        return Err(text(&subjects["extension"][0]["valueCode"]).to_owned());
    };
    let list = lists.get(url).unwrap_or_else(|| panic!("{url} leads nowhere"));
    assert_eq!((&list["status"], &list["mode"]), (&"current".into(), &"snapshot".into()));
    let Some(entry) = list["entry"].as_array() else {
        assert_eq!(list["emptyReason"]["coding"][0]["code"], "nilknown");
        return Ok(Vec::new());
    };
    Ok(entry
        .iter()
        .map(|entry| {
            assert_eq!(entry["item"]["type"], "Patient");
            let identifier = &entry["item"]["identifier"];
            if identifier.is_null() {
                return text(&entry["item"]["display"]);
            }
            assert_eq!(identifier["system"], "urn:carecoord:patient");
            text(&identifier["value"])
        })
        .collect())
}

#[test]
fn lists_and_counts_agree_with_the_summaries() {
    let (subjects, summaries) = (SHARED.bundle("subject-lists.json"), SHARED.bundle("measure-reports.json"));
    assert_eq!((&subjects["resourceType"], &subjects["type"]), (&"Bundle".into(), &"collection".into()));
    assert_eq!(subjects["id"], "subject-lists.b3e1f0a94c27d58e");
    let summaries: BTreeMap<&str, &Value> =
        entries(&summaries).iter().map(|entry| (text(&entry["resource"]["id"]), &entry["resource"])).collect();
    let lists: BTreeMap<&str, &Value> = entries(&subjects)
        .iter()
        .filter(|entry| entry["resource"]["resourceType"] == "List")
        .map(|entry| (text(&entry["fullUrl"]), &entry["resource"]))
        .collect();
    let ids: BTreeSet<&str> = entries(&subjects).iter().map(|entry| text(&entry["resource"]["id"])).collect();
    assert_eq!(ids.len(), entries(&subjects).len(), "each resource has an identifier of its own");
    assert!(ids.iter().all(|id| !summaries.contains_key(id)), "and none is a summary's");

    let mut seen = BTreeMap::new();
    let mut referred = 0;
    for report in entries(&subjects).iter().map(|entry| &entry["resource"]).filter(|one| one["type"] == "subject-list")
    {
        let id = text(&report["id"]).strip_suffix(".s").expect("a report of subjects");
        let summary = summaries[id];
        for same in ["measure", "period", "date", "status", "extension", "improvementNotation", "reporter"] {
            assert_eq!(report[same], summary[same], "{id}: {same}");
        }
        assert_eq!(report["status"], "complete");
        let (group, summed) = (&report["group"][0], &summary["group"][0]);
        assert_eq!(group["measureScore"], summed["measureScore"], "{id}");
        assert!(group["stratifier"].is_null() && report["subject"].is_null());
        let mut of_denominator: Vec<&str> = Vec::new();
        let populations = group["population"].as_array().expect("populations");
        for (population, summed) in populations.iter().zip(summed["population"].as_array().expect("populations")) {
            for same in ["code", "count", "_count", "extension"] {
                assert_eq!(population[same], summed[same], "{id}: {same}");
            }
            let code = text(&population["code"]["coding"][0]["code"]);
            let found = patients(&lists, population);
            referred += usize::from(found.is_ok());
            let said = match &found {
                Ok(found) if population["count"].is_null() => format!("{} units of an amount", found.len()),
                Ok(found) => {
                    assert_eq!(Some(found.len() as u64), population["count"].as_u64(), "{id}: {code}");
                    "as many".to_owned()
                }
                Err(reason) => reason.clone(),
            };
            let found = found.unwrap_or_default();
            assert!(found.iter().filter(|patient| patient.starts_with("zq")).is_sorted());
            assert!(found.iter().all(|patient| !OTHERS.contains(patient)), "{id}: {code}");
            if code == "numerator" && !of_denominator.is_empty() {
                let mut rest = of_denominator.clone();
                for patient in &found {
                    rest.remove(rest.iter().position(|other| other == patient).expect("in the denominator too"));
                }
                assert!(found.len() >= 11 && !rest.is_empty());
            }
            if code != "numerator" {
                of_denominator.clone_from(&found);
            }
            seen.insert(
                format!("{}: {code}", text(&report["measure"]).rsplit([':', '|']).nth(1).expect("an id")),
                said,
            );
        }
    }
    assert_eq!(referred, lists.len(), "every list belongs to a population");
    let expected = [
        ("care_plan.reviewed: denominator", "as many"),
        ("care_plan.reviewed: numerator", "as many"),
        ("continuity.usual_provider: denominator", "masked"),
        ("continuity.usual_provider: numerator", "masked"),
        ("cost.total_pmpm: denominator", "unsupported"),
        ("cost.total_pmpm: numerator", "50 units of an amount"),
        ("patient_reported.coordination: measure-population", "as many"),
        ("readmission.heart_failure_30: denominator", "as many"),
        ("readmission.heart_failure_30: numerator", "as many"),
        ("readmission.unplanned_30: denominator", "as many"),
        ("readmission.unplanned_30: numerator", "as many"),
        ("referral.loop_closed: denominator", "as many"),
        ("referral.loop_closed: numerator", "as many"),
        ("referral.report_days: measure-population", "as many"),
        ("utilization.ed_visits: denominator", "unsupported"),
        ("utilization.ed_visits: numerator", "as many"),
    ];
    for (population, said) in expected {
        // Few had heart failure, so their month may be suppressed.
        let masked = population.contains("heart_failure") && seen[population] == "masked";
        assert!(seen[population] == said || masked, "{population}: {}", seen[population]);
    }
    assert_eq!(seen.len(), expected.len());
    let units = patients(
        &lists,
        &entries(&subjects)
            .iter()
            .find(|one| one["resource"]["id"] == "referral.loop-closed.month-2026-06-01.s")
            .expect("a report")["resource"]["group"][0]["population"][0],
    )
    .expect("a list");
    assert!(units.iter().collect::<BTreeSet<_>>().len() < units.len(), "units are counted, not patients");
}

#[test]
fn patients_keep_their_identifiers_whatever_they_are() {
    let json = fs::read_to_string(SHARED.path()).expect("a bundle");
    assert!(!json.contains(['<', '>', '\n', '\u{202e}']), "no tag in the file, whoever opens it");
    let bundle = SHARED.bundle("subject-lists.json").to_string();
    assert!(bundle.contains(HOSTILE[0]) && bundle.contains("%20zq-patient-%E2%80%AE1"));
    assert!(json.contains(r#"{"item":{"type":"Patient","display":"Not recorded"}}"#));
    assert!(json.contains(
        r#"{"item":{"type":"Patient","identifier":{"system":"urn:carecoord:patient","value":"zq-patient-10"}}}"#
    ));
}

/// Names of the files of a report in which a patient stands.
fn naming(out: &Path) -> Vec<String> {
    let mut folders = vec![out.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).expect("a file").windows(PATIENT.len()).any(|part| part == PATIENT.as_bytes()) {
                found.push(path.strip_prefix(out).expect("within").display().to_string());
            }
        }
    }
    found
}

#[test]
fn patients_are_named_in_one_file_and_only_on_request() {
    assert_eq!(naming(&SHARED.out()), ["fhir/subject-lists.json"]);
    let permissions = fs::metadata(SHARED.path()).expect("there").permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600, "for the owner alone");
    let made = Made::new();
    made.render(Release::Internal, true).expect("a report");
    assert!(
        fs::read(made.path()).expect("a bundle") == fs::read(SHARED.path()).expect("a bundle"),
        "equal to the byte"
    );
    made.render(Release::Internal, false).expect("a report");
    assert!(naming(&made.out()).is_empty() && !made.path().exists(), "gone with the next report");
}

#[test]
fn no_release_takes_them_and_units_are_needed() {
    let made = Made::new();
    for release in [Release::Limited, Release::SafeHarbor, Release::Public] {
        let error = made.render(release, true).expect_err("refused");
        assert!(matches!(error, ReportError::SubjectLists { .. }), "{error}");
        assert!(error.to_string().contains("name patients") && error.to_string().contains(release.code()), "{error}");
        assert!(!made.out().exists(), "nothing is written");
    }
    fs::remove_dir_all(made.folder.path().join("results/measure_unit")).expect("removed");
    let error = made.render(Release::Internal, true).expect_err("no units");
    assert!(matches!(error, ReportError::Lake(_)) && error.to_string().contains("unit"), "{error}");
    assert!(!made.out().exists(), "nothing is written");
    made.render(Release::Internal, false).expect("a report needs no units");
}

#[test]
fn a_run_without_measures_has_an_empty_bundle() {
    let made = Made::new();
    for table in ["measure", "rate", "signal"] {
        synthetic::Table::empty(&made.folder.path().join("results"), table);
    }
    made.render(Release::Internal, true).expect("a report");
    assert!(made.bundle("subject-lists.json")["entry"].is_null());
}
