//! The pages of a report in Chromium: what they ask for, how they look, sort, filter and print, and who can use them.
//! The checks themselves are in `browser/`.

mod synthetic;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use carecoord_reports::{ReportOptions, render};
use synthetic::{MEASURES, Table, Value};

/// How `browser/check.mjs` says that there is no browser.
const NO_BROWSER: i32 = 3;

/// Writes made-up results, changes them, and renders them: the page, the sheet for the board, and the definitions.
fn pages(folder: &Path, name: &str, change: impl Fn(&Path)) -> [PathBuf; 3] {
    let results = folder.join(format!("{name}-results"));
    fs::create_dir(&results).expect("a folder");
    synthetic::write(&results);
    change(&results);
    let report = folder.join(name);
    let options =
        ReportOptions { title: "Care coordination report <North & South>".to_owned(), ..ReportOptions::default() };
    render(&results, &report, &options).expect("a report");
    ["index.html", "board.html", "definitions.html"].map(|page| report.join(page))
}

/// Says why nothing was tested; fails where a browser is required.
#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn skip(why: &str) {
    let required = std::env::var_os("CARECOORD_REQUIRE_BROWSER").is_some_and(|value| value == "1");
    assert!(!required, "{why}");
    eprintln!("skipped: no browser: {why}");
}

/// No value of one organization for a measure, and of none for another; two organizations of one name.
fn lack_some_values(row: &mut [Value]) -> bool {
    if row[4].text() == Some("o-5") {
        row[5] = Value::Text("Lakeshore General");
    }
    let lacks = |measure: usize| row[0].text() == Some(MEASURES[measure].id);
    row[3].text() != Some("organization") || !(lacks(0) && row[4].text() == Some("o-1") || lacks(2))
}

/// `CARECOORD_BROWSER_TOOLS` names the folder that `.ci/browser-tools` prints.
#[test]
fn the_pages_hold_in_a_browser() {
    if std::env::var_os("CARECOORD_BROWSER_TOOLS").is_none_or(|path| path.is_empty()) {
        return skip("CARECOORD_BROWSER_TOOLS must name the folder that .ci/browser-tools prints");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let full = pages(folder.path(), "full", |results| {
        synthetic::more::write(results);
        synthetic::change_rates(results, lack_some_values);
    });
    let empty = pages(folder.path(), "empty", |results| {
        for table in ["measure", "rate", "signal", "chart", "quality", "check_result", "preparation"] {
            Table::empty(results, table);
        }
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/check.mjs");
    let run = match Command::new("node").arg(script).args(full).args(empty).output() {
        Ok(run) => run,
        Err(error) => return skip(&format!("node cannot be run: {error}")),
    };
    let said = String::from_utf8_lossy(&run.stdout);
    if run.status.code() == Some(NO_BROWSER) {
        return skip(said.trim());
    }
    assert!(run.status.success(), "\n{said}{}", String::from_utf8_lossy(&run.stderr));
}
