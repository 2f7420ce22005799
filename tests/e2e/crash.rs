//! A kill or a full disk at any place leaves the last published snapshot in force, and the next run succeeds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::carecoord::{Project, Ran, program};

fn generate(folder: &Path, seed: &str) {
    let ran: Ran = program(&["generate", "--patients", "120", "--months", "6", "--seed", seed, "--out"])
        .arg(folder)
        .output()
        .unwrap()
        .into();
    ran.expect(0);
}

fn run(project: &Path, extracts: &Path) -> Command {
    // A few measures stand for all: it is the stations and their files that are tried.
    let mut command = program(&["run", "--source", "carecoord"]);
    command.args(["--only", "readmission.unplanned_7", "--only", "readmission.all_cause", "--only", "referral"]);
    command.args(["--only", "care_plan", "--only", "cost"]);
    command.arg("--extracts").arg(extracts).arg("--project").arg(project);
    command
}

fn answers(project: &Path) -> (String, String) {
    let value = |query: &str| {
        let ran: Ran = program(&["sql", "--format", "csv", query, "--project"]).arg(project).output().unwrap().into();
        ran.expect(0).out
    };
    (
        value("select count(*), max(start_date) from lake.encounter"),
        value("select count(*), sum(denominator) from results.rate"),
    )
}

#[test]
fn a_kill_at_any_place_leaves_the_last_snapshot_in_force() {
    let project = Project::new();
    let (first, second) = (project.path().join("first"), project.path().join("second"));
    generate(&first, "1");
    generate(&second, "2");
    let begun = Instant::now();
    let ran: Ran = run(project.path(), &first).output().unwrap().into();
    ran.expect(0);
    let whole = begun.elapsed();
    let mut before = answers(project.path());
    let mut killed = 0_u32;
    let mut place = 0_u32;
    while killed < 12 {
        assert!(place < 60, "only {killed} of {place} runs were still at work when they were killed");
        // Places spread over the length of a whole run.
        let wait = whole * (place % 13) / 14;
        place += 1;
        let mut child = run(project.path(), &second).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(wait.max(Duration::from_millis(15)));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        // What is in force is whole: all of the old, or all of the new where a station had published before the kill.
        let now = answers(project.path());
        if now != before {
            assert!(now.0 != before.0 || now.1 != before.1);
            before = now;
        }
    }
    let ran: Ran = run(project.path(), &second).output().unwrap().into();
    ran.expect(0);
    assert!(!project.path().join("lake/draft").exists() && !project.path().join("results/draft").exists());
    // The same as a run that was never disturbed.
    let calm = Project::new();
    for extracts in [&first, &second] {
        let ran: Ran = run(calm.path(), extracts).output().unwrap().into();
        ran.expect(0);
    }
    assert_eq!(answers(project.path()), answers(calm.path()));
}

/// Files below a folder with their bytes, by their path within it.
fn files_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(here) = waiting.pop() {
        for entry in fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files_of(from) {
        let path = to.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// What a reader of the project sees: the snapshots in force, and the report.
fn seen(project: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut seen = BTreeMap::new();
    for store in ["lake", "results"] {
        let Ok(id) = fs::read_to_string(project.join(store).join("CURRENT")) else { continue };
        let folder = project.join(store).join("snapshots").join(id.trim());
        // The rows of prepared views have no order, and no two runs take the same time.
        let differs = |path: &Path| {
            path.starts_with("prepared") || path.ends_with("prepared.json") || path.ends_with("timing.parquet")
        };
        let files = files_of(&folder).into_iter().filter(|(path, _)| !differs(path));
        seen.extend(files.map(|(path, bytes)| (Path::new(store).join(path), bytes)));
    }
    let report = project.join("report");
    if report.exists() {
        seen.extend(files_of(&report).into_iter().map(|(path, bytes)| (Path::new("report").join(path), bytes)));
    }
    seen
}

const SMALL: &str = "patient_id,birth_date\nP1,1950-01-01\nP2,1960-02-02\nP3,1970-03-03\n";
const STAYS: &str = "encounter_id,patient_id,class,start_date,end_date\nE1,P1,inpatient,2026-01-01,2026-01-05\nE2,P1,inpatient,2026-01-20,2026-01-25\nE3,P2,inpatient,2026-01-03,2026-01-09\n";

fn small(project: &Path) {
    for (folder, more) in
        [("first", ""), ("second", "E4,P3,inpatient,2026-01-07,2026-01-08\nE5,P3,inpatient,2026-01-12,2026-01-13\n")]
    {
        fs::create_dir_all(project.join(folder)).unwrap();
        fs::write(project.join(folder).join("patient.csv"), SMALL).unwrap();
        fs::write(project.join(folder).join("encounter.csv"), format!("{STAYS}{more}")).unwrap();
        fs::write(project.join(folder).join("extract.toml"), "extract_date = 2026-06-30\n").unwrap();
    }
    fs::write(project.join("carecoord.toml"), "buckets = 1\nmonths = 3\nsuppress_below = 0\n").unwrap();
}

/// One of the commands that write, on one of the two sets of extracts.
fn step(project: &Path, name: &str, extracts: &str) -> Command {
    let mut command = match name {
        "ingest" => program(&["ingest", "--source", "carecoord", "--extracts"]),
        "compute" => program(&["compute", "--month", "2026-03", "--only", "readmission.all_cause"]),
        _ => program(&["report", "--out"]),
    };
    match name {
        "ingest" => command.arg(project.join(extracts)),
        "compute" => &mut command,
        _ => command.arg(project.join("report")),
    };
    command.arg("--project").arg(project).stdout(Stdio::null());
    command
}

fn same(found: &BTreeMap<PathBuf, Vec<u8>>, wanted: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    let other: Vec<&PathBuf> =
        found.keys().chain(wanted.keys()).filter(|path| found.get(*path) != wanted.get(*path)).collect();
    assert!(other.is_empty(), "{what}: these files differ: {other:?}");
}

/// Kills `name` at its nth sync or rename, in a copy of a project; false when it has fewer.
fn killed_at(
    nth: u64,
    name: &str,
    before: &Path,
    old: &BTreeMap<PathBuf, Vec<u8>>,
    new: &BTreeMap<PathBuf, Vec<u8>>,
) -> bool {
    let place = Project::new();
    copy(before, place.path());
    let ran: Ran =
        step(place.path(), name, "second").env("CARECOORD_TEST_DIE_AT", nth.to_string()).output().unwrap().into();
    if ran.code == 0 {
        same(&seen(place.path()), new, &format!("{name}, not killed"));
        return false;
    }
    assert_eq!(ran.code, -1, "{name} {nth}: {}", ran.err);
    let now = seen(place.path());
    assert!(&now == old || &now == new, "{name} killed at {nth} left neither the old state nor the new one");
    let verified: Ran = program(&["verify", "--project"]).arg(place.path()).output().unwrap().into();
    verified.expect(0);
    // The next run ends as one that was never disturbed, and sweeps. One in eight shows it for a command that takes long.
    if name == "compute" && !nth.is_multiple_of(8) {
        return true;
    }
    let ran: Ran = step(place.path(), name, "second").output().unwrap().into();
    ran.expect(0);
    same(&seen(place.path()), new, &format!("{name} after a kill at {nth}"));
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".carecoord-")), "{left:?}");
    assert!(!place.path().join("lake/draft").exists() && !place.path().join("results/draft").exists());
    true
}

#[test]
fn a_kill_at_every_sync_and_rename_leaves_the_old_state_or_the_new_one() {
    let project = Project::new();
    small(project.path());
    for name in ["ingest", "compute", "report"] {
        let ran: Ran = step(project.path(), name, "first").output().unwrap().into();
        ran.expect(0);
    }
    for name in ["ingest", "compute", "report"] {
        let old = seen(project.path());
        let after = Project::new();
        copy(project.path(), after.path());
        let ran: Ran = step(after.path(), name, "second").output().unwrap().into();
        ran.expect(0);
        let new = seen(after.path());
        assert!(old != new, "{name} changes nothing");
        let workers = 4;
        let places: u64 = std::thread::scope(|scope| {
            let work = |first: u64| {
                let (old, new, before) = (&old, &new, project.path());
                scope.spawn(move || {
                    (first..).step_by(workers).take_while(|nth| killed_at(*nth, name, before, old, new)).count() as u64
                })
            };
            let all: Vec<_> = (1..=workers as u64).map(work).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum()
        });
        eprintln!("{name}: killed at each of {places} syncs and renames");
        assert!(places >= 10, "{name} was killed at {places} places only");
        copy(after.path(), project.path());
    }
}

#[test]
fn a_full_disk_leaves_the_last_snapshot_in_force() {
    let project = Project::new();
    let small = project.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256m", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        let required = std::env::var("CARECOORD_REQUIRE_SHARED").is_ok_and(|value| value == "1");
        assert!(!required, "a tmpfs could not be mounted");
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    }
    let mount = Mount(&small);
    let (first, second) = (project.path().join("first"), project.path().join("second"));
    generate(&first, "1");
    generate(&second, "2");
    let ran: Ran = run(&small, &first).output().unwrap().into();
    ran.expect(0);
    let before = answers(&small);
    let lake = std::fs::read_to_string(small.join("lake/CURRENT")).unwrap();
    let mut failed = 0;
    // From hardly any room to more and more of it, in growing steps, until a run fits.
    for room in (0..40).map(|step| step * step * 96 * 1024) {
        fill(&small, room);
        let ran: Ran = run(&small, &second).output().unwrap().into();
        if ran.code == 0 {
            break;
        }
        failed += 1;
        assert_eq!(ran.code, 3, "{}", ran.err);
        if std::fs::read_to_string(small.join("lake/CURRENT")).unwrap() == lake {
            assert_eq!(answers(&small), before);
        }
        assert!(!small.join("lake/draft").exists() && !small.join("results/draft").exists(), "{}", ran.err);
    }
    assert!(failed >= 3, "the disk was never full");
    std::fs::remove_file(small.join("filler")).unwrap();
    let ran: Ran = run(&small, &second).output().unwrap().into();
    ran.expect(0);
    assert_ne!(answers(&small), before);
    drop(mount);
}

struct Mount<'a>(&'a Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// Fills the disk until about `room` bytes are left.
fn fill(folder: &Path, room: u64) {
    let filler = folder.join("filler");
    let _ = std::fs::remove_file(&filler);
    let text = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output().unwrap();
    let free: u64 = String::from_utf8_lossy(&text.stdout).lines().nth(1).unwrap().trim().parse().unwrap();
    let size = usize::try_from(free.saturating_sub(room)).unwrap();
    std::fs::write(&filler, vec![0_u8; size]).unwrap();
}
