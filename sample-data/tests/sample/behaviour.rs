//! The bundled extracts tell the story that the behaviour states.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::common::{Row, date, days, rows};
use carecoord_sample_data::{Options, generate};
use jiff::civil::{Date, date as day};

const PROGRAM: Date = day(2025, 11, 1);
/// Last day of discharges and orders that are looked at: what follows them within 30 and 60 days is complete.
const FOLLOWED: Date = day(2026, 9, 20);

fn bundled() -> PathBuf {
    PathBuf::from("extracts")
}

/// Units and how many of them met something, by group.
#[derive(Default)]
struct Rates<K>(HashMap<K, (f64, f64)>);

impl<K: std::hash::Hash + Eq> Rates<K> {
    fn count(&mut self, group: K, met: bool) {
        let entry = self.0.entry(group).or_default();
        entry.0 += 1.0;
        entry.1 += f64::from(u8::from(met));
    }

    fn of(&self, group: &K) -> f64 {
        let (units, met) = self.0.get(group).copied().expect("a group with units");
        met / units
    }
}

/// An index discharge.
#[expect(clippy::struct_excessive_bools, reason = "each is a group that rates are taken by")]
struct Discharge {
    day: Date,
    program: bool,
    old: bool,
    other_language: bool,
    readmitted: bool,
    unplanned: bool,
    followed_up: bool,
}

struct People {
    patients: HashMap<String, Row>,
    clinics: HashMap<String, String>,
}

impl People {
    fn program(&self, patient: &Row) -> bool {
        let clinic = &self.clinics[&patient["primary_practitioner_id"]];
        clinic[1..].parse::<u32>().expect("a number").is_multiple_of(2)
    }

    fn other_language(patient: &Row) -> bool {
        !matches!(patient["language"].as_str(), "en" | "")
    }
}

static PEOPLE: LazyLock<People> = LazyLock::new(|| {
    let by = |table: &str, key: &str| -> HashMap<String, Row> {
        rows(&bundled(), table).into_iter().map(|row| (row[key].clone(), row)).collect()
    };
    let clinics = by("practitioner", "practitioner_id");
    let clinics = clinics.into_iter().map(|(id, row)| (id, row["organization_id"].clone())).collect();
    People { patients: by("patient", "patient_id"), clinics }
});

static ENCOUNTERS: LazyLock<HashMap<String, Vec<Row>>> = LazyLock::new(|| {
    let mut encounters: HashMap<String, Vec<Row>> = HashMap::new();
    for row in rows(&bundled(), "encounter") {
        if date(&row["started_at"]).is_some() && (row["ended_at"].is_empty() || date(&row["ended_at"]).is_some()) {
            encounters.entry(row["patient_id"].clone()).or_default().push(row);
        }
    }
    encounters
});

static DISCHARGES: LazyLock<Vec<Discharge>> = LazyLock::new(|| {
    let mut discharges = Vec::new();
    for (id, encounters) in ENCOUNTERS.iter() {
        let Some(patient) = PEOPLE.patients.get(id) else { continue };
        let mut stays: Vec<&Row> = encounters.iter().filter(|row| row["class"] == "inpatient").collect();
        stays.sort_by(|a, b| a["started_at"].cmp(&b["started_at"]));
        for (at, stay) in stays.iter().enumerate() {
            let Some(end) = date(&stay["ended_at"]) else { continue };
            if matches!(stay["discharge_disposition"].as_str(), "02" | "07" | "20") {
                continue;
            }
            let next = stays
                .get(at + 1)
                .filter(|next| date(&next["started_at"]).is_some_and(|start| (0..=30).contains(&days(end, start))));
            let visit = |row: &&Row| {
                matches!(row["class"].as_str(), "ambulatory" | "virtual" | "home")
                    && row["type"] != "consult"
                    && date(&row["started_at"]).is_some_and(|start| (1..=14).contains(&days(end, start)))
            };
            discharges.push(Discharge {
                day: end,
                program: PEOPLE.program(patient),
                old: date(&patient["birth_date"]).is_some_and(|birth| days(birth, end) > 85 * 365 + 21),
                other_language: People::other_language(patient),
                readmitted: next.is_some(),
                unplanned: next.is_some_and(|next| next["admission_type"] != "elective"),
                followed_up: encounters.iter().any(|row| visit(&row)),
            });
        }
    }
    discharges
});

#[test]
fn every_month_has_discharges_and_readmissions_enough_to_draw() {
    let mut months: HashMap<(i16, i8), (u32, u32)> = HashMap::new();
    for discharge in DISCHARGES.iter() {
        let month = months.entry((discharge.day.year(), discharge.day.month())).or_default();
        month.0 += 1;
        month.1 += u32::from(discharge.unplanned);
    }
    months.remove(&(2026, 11));
    assert_eq!(months.len(), 24);
    assert!(months.values().all(|(index, _)| *index >= 90), "{months:?}");
    assert!(months.values().filter(|(_, unplanned)| *unplanned >= 11).count() >= 21, "{months:?}");
}

#[test]
fn about_one_in_six_is_readmitted_and_some_of_them_by_plan() {
    let units = DISCHARGES.iter().filter(|it| it.day <= FOLLOWED).count() as f64;
    let readmitted = DISCHARGES.iter().filter(|it| it.day <= FOLLOWED && it.readmitted).count() as f64;
    let unplanned = DISCHARGES.iter().filter(|it| it.day <= FOLLOWED && it.unplanned).count() as f64;
    assert!((0.14..0.20).contains(&(readmitted / units)), "{}", readmitted / units);
    assert!((0.08..0.18).contains(&(1.0 - unplanned / readmitted)), "{}", 1.0 - unplanned / readmitted);
}

#[test]
fn readmissions_fall_in_program_clinics_and_not_elsewhere() {
    let mut rates = Rates::default();
    for it in DISCHARGES.iter().filter(|it| it.day <= FOLLOWED) {
        rates.count((it.program, it.day >= PROGRAM), it.unplanned);
    }
    let fall = |program| rates.of(&(program, false)) - rates.of(&(program, true));
    assert!(fall(true) > 0.03, "{}", fall(true));
    assert!(fall(true) - fall(false) > 0.03, "{} {}", fall(true), fall(false));
}

#[test]
fn follow_up_rises_in_program_clinics_and_is_rarer_for_other_languages() {
    let (mut arms, mut languages, mut ages) = (Rates::default(), Rates::default(), Rates::default());
    for it in DISCHARGES.iter().filter(|it| it.day <= FOLLOWED) {
        arms.count((it.program, it.day >= PROGRAM), it.followed_up);
        languages.count(it.other_language, it.followed_up);
        ages.count(it.old, it.unplanned);
    }
    assert!(arms.of(&(true, true)) - arms.of(&(true, false)) > 0.12);
    assert!((arms.of(&(false, true)) - arms.of(&(false, false))).abs() < 0.06);
    assert!(languages.of(&false) - languages.of(&true) > 0.05);
    assert!(ages.of(&true) - ages.of(&false) > 0.02);
}

#[test]
fn more_people_are_admitted_in_winter() {
    let mut winter = 0.0;
    let mut summer = 0.0;
    for row in ENCOUNTERS.values().flatten().filter(|row| row["class"] == "inpatient") {
        match date(&row["started_at"]).map(Date::month) {
            Some(12 | 1 | 2) => winter += 1.0,
            Some(6..=8) => summer += 1.0,
            _ => {}
        }
    }
    assert!((1.12..1.6).contains(&(winter / summer)), "{winter} {summer}");
}

#[test]
fn referrals_close_more_often_under_the_program_and_less_often_for_other_languages() {
    let mut closed = std::collections::HashSet::new();
    for event in rows(&bundled(), "referral_event") {
        if event["step"] == "report_received" && event["status"] != "failed" {
            closed.insert(event["referral_id"].clone());
        }
    }
    let (mut arms, mut languages) = (Rates::default(), Rates::default());
    for referral in rows(&bundled(), "referral") {
        let (Some(ordered), Some(patient)) =
            (date(&referral["ordered_at"]), PEOPLE.patients.get(&referral["patient_id"]))
        else {
            continue;
        };
        if ordered <= day(2026, 8, 20) && referral["status"] != "revoked" {
            let met = closed.contains(&referral["referral_id"]);
            arms.count((PEOPLE.program(patient), ordered >= PROGRAM), met);
            languages.count(People::other_language(patient), met);
        }
    }
    assert!((0.45..0.60).contains(&arms.of(&(true, false))), "{}", arms.of(&(true, false)));
    assert!(arms.of(&(true, true)) - arms.of(&(true, false)) > 0.10);
    assert!((arms.of(&(false, true)) - arms.of(&(false, false))).abs() < 0.06);
    assert!(languages.of(&false) - languages.of(&true) > 0.03);
}

#[test]
fn activities_and_answers_improve_under_the_program() {
    let mut activities = Rates::default();
    for row in rows(&bundled(), "care_plan_activity") {
        let (Some(due), Some(patient)) = (date(&row["due_date"]), PEOPLE.patients.get(&row["patient_id"])) else {
            continue;
        };
        if due <= day(2026, 10, 31) && matches!(row["status"].as_str(), "completed" | "not-started" | "in-progress") {
            let on_time = date(&row["completed_date"]).is_some_and(|done| done <= due);
            activities.count((PEOPLE.program(patient), due >= PROGRAM), on_time);
        }
    }
    assert!(activities.of(&(true, true)) - activities.of(&(true, false)) > 0.10);
    let mut answers = Rates::default();
    for row in rows(&bundled(), "survey_response") {
        let (Some(back), Some(patient)) = (date(&row["completed_date"]), PEOPLE.patients.get(&row["patient_id"]))
        else {
            continue;
        };
        if matches!(row["item_id"].as_str(), "q13" | "q17" | "q20") && "1234".contains(&row["raw_value"]) {
            answers.count((PEOPLE.program(patient), back >= day(2025, 11, 15)), row["raw_value"] == "4");
        }
    }
    assert!(answers.of(&(true, true)) - answers.of(&(true, false)) > 0.04);
    let invited = rows(&bundled(), "survey_invitation").len() as f64;
    let responses: std::collections::HashSet<String> =
        rows(&bundled(), "survey_response").into_iter().map(|row| row["response_id"].clone()).collect();
    assert!((0.30..0.40).contains(&(responses.len() as f64 / invited)));
}

#[test]
fn claims_of_the_last_months_are_partly_missing() {
    let mut months: HashMap<(i16, i8), u32> = HashMap::new();
    for row in rows(&bundled(), "claim_line") {
        if let Some(service) = date(&row["service_date"]) {
            *months.entry((service.year(), service.month())).or_default() += 1;
        }
    }
    assert!(months[&(2026, 10)] * 10 < months[&(2026, 6)] * 9, "{months:?}");
}

#[test]
fn every_kind_of_dirt_is_there_in_the_stated_share() {
    let folder = tempfile::tempdir().expect("a folder");
    let summary = generate(folder.path(), &Options { gzip: false, ..Options::default() }).expect("generated");
    let rows: u64 = summary.files.iter().map(|(_, rows)| rows).sum();
    let dirty: u64 = summary.dirty.values().sum();
    assert_eq!(summary.dirty.len(), 14, "{:?}", summary.dirty);
    assert!(summary.dirty.values().all(|count| *count >= 2), "{:?}", summary.dirty);
    assert!((0.0018..0.0026).contains(&(dirty as f64 / rows as f64)), "{dirty} of {rows}");
    for (name, rows) in &summary.files {
        let table = name.strip_suffix(".csv").expect("plain CSV");
        assert_eq!(crate::common::text(folder.path(), table).lines().count() as u64, rows + 1, "{name}");
    }
    let note = std::fs::read_to_string(folder.path().join("extract.toml")).expect("a note");
    let note: toml::Table = note.parse().expect("TOML");
    assert_eq!(note["extract_date"].as_str(), Some("2026-11-20"));
    assert_eq!(note["time_zone"].as_str(), Some("UTC"));
}
