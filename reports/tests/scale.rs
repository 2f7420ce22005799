//! A report at size: 200 measures, 60 months, 300 sites. Run by hand, with a release build:
//! `CARECOORD_REPORT_SCALE=1 cargo test --release -p carecoord-reports --test scale -- --nocapture`.

#![allow(clippy::print_stdout, reason = "run by hand, to be read")]

mod synthetic;

use std::fs;
use std::path::Path;
use std::time::Instant;

use carecoord_reports::{ReportOptions, render};

/// The most memory that this process has held, in MB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn size(path: &Path) -> f64 {
    let bytes = if path.is_dir() {
        fs::read_dir(path)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").metadata().expect("there").len())
            .sum()
    } else {
        fs::metadata(path).expect("there").len()
    };
    bytes as f64 / 1_048_576.0
}

#[test]
#[expect(clippy::print_stdout, reason = "what was measured is read by whoever runs it by hand")]
fn a_report_of_two_hundred_measures_over_five_years_and_three_hundred_sites() {
    if std::env::var_os("CARECOORD_REPORT_SCALE").is_none() {
        println!("skipped: CARECOORD_REPORT_SCALE is not set");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    synthetic::write(folder.path());
    let rows = synthetic::at_scale(folder.path(), 200, 60, 300);
    let before = peak();
    let out = folder.path().join("report");
    let begun = Instant::now();
    let files = render(folder.path(), &out, &ReportOptions::default()).expect("a report");
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{rows} values, {} charts: {seconds:.1} s, {} MB at the most ({before} MB before)",
        files.charts.len(),
        peak()
    );
    for name in ["index.html", "board.html", "report.xlsx", "data", "charts", "fhir"] {
        println!("{name:<12} {:8.1} MB", size(&out.join(name)));
    }
    assert_eq!(files.charts.len(), 400, "a chart of months and a funnel of each");
    if let Some(copy) = std::env::var_os("CARECOORD_PAGE_TO") {
        fs::copy(&files.html, copy).expect("copied");
    }
}
