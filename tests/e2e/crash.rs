//! A kill or a full disk at any place leaves the last published snapshot in force, and the next run succeeds.

use std::path::Path;
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
