//! The whole road at size: generate, ingest, compute, report; wall time and peak memory of each.
//!
//! `cargo bench --bench scale` runs 20,000 patients; `CARECOORD_BENCH_PATIENTS=1000000 cargo bench --bench scale` the
//! size that every stage is held to 2 GB at (5 million encounters, 2 million referrals; 15 GB of disk).
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let patients = std::env::var("CARECOORD_BENCH_PATIENTS").unwrap_or_else(|_| "20000".to_owned());
    let place = std::env::var_os("CARECOORD_BENCH_FOLDER").map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::Builder::new().prefix("carecoord-bench-").tempdir_in(place).unwrap();
    let extracts = folder.path().join("extracts");
    let project = folder.path().join("project");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    println!("{patients} patients, {cores} cores");
    println!("{:<10} {:>9} {:>12}", "stage", "seconds", "peak MB");
    stage("generate", &["generate", "--patients", &patients, "--out"], &[&extracts]);
    stage("ingest", &["ingest", "--source", "carecoord", "--extracts"], &[&extracts, Path::new("--project"), &project]);
    stage("compute", &["compute", "--project"], &[&project]);
    stage("report", &["report", "--project"], &[&project]);
}

fn stage(name: &str, arguments: &[&str], paths: &[&Path]) {
    let begun = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_carecoord"))
        .args(arguments)
        .args(paths)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let peak = watch(child);
    println!("{name:<10} {:>9.1} {:>12.0}", begun.elapsed().as_secs_f64(), peak);
}

/// Waits for a process and returns its peak resident memory in megabytes, as the system keeps it (`VmHWM`).
fn watch(mut child: Child) -> f64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0.0) / 1024.0);
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "the stage failed");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
