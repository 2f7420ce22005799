//! What a small report says, whole, beside what it said before: a change that nobody meant shows. The texts stand in
//! `snapshots/`; docs/building.md says how to review what changed.

mod synthetic;

use std::fs;
use std::io::Cursor;
use std::sync::LazyLock;

use calamine::{Data, Reader, Xlsx};
use carecoord_reports::{ReportOptions, render};
use synthetic::small::Small;

/// A measure with all that a section can have, one with a suppressed month, one of days, and a refused one.
const A_FEW: Small = Small {
    measures: &[
        "readmission.unplanned_30",
        "readmission.heart_failure_30",
        "referral.report_days",
        "transition.medication_reconciled",
    ],
    months: (12, 23),
    longer: &["year"],
    organizations: &["o-1", "o-3", "o-5"],
    splits: &["sex"],
};

/// A month that is shown, one that is suppressed, and the years with their splits.
const ONE: Small = Small {
    measures: &["readmission.heart_failure_30"],
    months: (19, 20),
    longer: &["year"],
    organizations: &["o-1", "o-5"],
    splits: &["sex"],
};

/// A report in a folder of its own.
struct Made(tempfile::TempDir);

impl Made {
    fn new(small: &Small) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results");
        fs::create_dir(&results).expect("a folder");
        small.write(&results);
        render(&results, &folder.path().join("report"), &ReportOptions::default()).expect("a report");
        Self(folder)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join("report").join(name)).expect("a file of the report")
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("UTF-8")
    }
}

/// One report for all tests that only read it.
static SHARED: LazyLock<Made> = LazyLock::new(|| Made::new(&A_FEW));

/// Compares a text with the one of this name, whose ending says what it is.
fn compare(name: &str, text: &str) {
    // Where the text was made says nothing, and would change with every move of a test.
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

/// The text with what stands between two others left out, wherever that is.
fn without(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split(from);
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, after) = part.split_once(to).unwrap_or_else(|| panic!("{from} without {to}"));
        rest.extend([from, "…", to, after]);
    }
    rest
}

/// A page without its style and script, which are files of their own in `templates/`; a drawing has a line for each tag.
fn page(name: &str) -> String {
    let page = without(&SHARED.text(name), "<style>", "</style>");
    let page = without(&without(&page, "<script>", "</script>"), "'sha256-", "'");
    let lines: Vec<String> =
        page.lines().map(|line| if line.contains("<svg") { tags(line) } else { line.to_owned() }).collect();
    lines.join("\n")
}

/// A line for each tag: a drawing is one long line.
fn tags(markup: &str) -> String {
    markup.replace("><", ">\n<")
}

/// A sheet's rows as lines; days as such, and what an empty cell at the end would say left out.
fn rows(range: &calamine::Range<Data>) -> String {
    let cell = |cell: &Data| match cell {
        Data::DateTime(day) => {
            let (year, month, day, ..) = day.to_ymd_hms_milli();
            format!("{year}-{month:02}-{day:02}")
        }
        other => other.to_string().replace('\n', " ¶ "),
    };
    let line = |row: &[Data]| row.iter().map(cell).collect::<Vec<_>>().join(" | ");
    let lines: Vec<String> = range.rows().map(|row| line(row).trim_end_matches([' ', '|']).to_owned()).collect();
    lines.join("\n")
}

/// JSON with a line for each value, in the order and with the digits of the file.
fn indented(json: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut in_text, mut escaped) = (0, false, false);
    for letter in json.chars() {
        if in_text {
            text.push(letter);
            in_text = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        let line = |depth: usize| format!("\n{}", " ".repeat(depth));
        match letter {
            '{' | '[' => {
                depth += 1;
                text.push(letter);
                text.push_str(&line(depth));
            }
            '}' | ']' => {
                depth -= 1;
                text.push_str(&line(depth));
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                text.push_str(&line(depth));
            }
            ':' => text.push_str(": "),
            _ => {
                in_text = letter == '"';
                text.push(letter);
            }
        }
    }
    text
}

#[test]
fn the_page() {
    compare("page.html", &page("index.html"));
}

#[test]
fn the_sheet_for_the_board() {
    compare("board.html", &page("board.html"));
}

#[test]
fn a_control_chart() {
    compare("control_chart.svg", &tags(&SHARED.text("charts/readmission.unplanned_30.svg")));
}

#[test]
fn a_funnel() {
    compare("funnel.svg", &tags(&SHARED.text("charts/readmission.unplanned_30.funnel.svg")));
}

#[test]
fn the_workbook() {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(SHARED.bytes("report.xlsx"))).expect("a workbook");
    let sheets: Vec<String> = workbook
        .sheet_names()
        .iter()
        .map(|name| format!("== {name}\n{}", rows(&workbook.worksheet_range(name).expect("a sheet"))))
        .collect();
    compare("workbook", &sheets.join("\n\n"));
}

#[test]
fn a_bundle_of_measure_reports() {
    compare("measure_reports.json", &indented(&Made::new(&ONE).text("fhir/measure-reports.json")));
}
