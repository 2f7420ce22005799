//! The sheet "How this was made": which run, which data, and what the words in place of numbers mean.

use jiff::civil::Date;
use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::format;
use crate::model::Run;
use crate::workbook::family::{NO_INTERVAL, Part};
use crate::workbook::sheet::{Cell, Column, Sheet};
use crate::workbook::styles::Styles;
use crate::workbook::summary::{NOT_FINAL, REFUSED};

const COLUMNS: [Column; 2] = [("What", 28.0), ("Value", 90.0)];

/// Writes the sheet.
pub fn write(worksheet: &mut Worksheet, styles: &Styles, title: &str, run: &Run, part: Part) -> Result<(), XlsxError> {
    let mut sheet = Sheet::begin(worksheet, styles, &COLUMNS)?;
    let left_out = (part == Part::WithoutMonthsOfOrganizations).then(|| {
        let words = "Months and quarters of organizations, which would make this file too large to open; data/values.csv and \
                     data/values.parquet have them.";
        ("Not in this file", Cell::wrapped(words))
    });
    for (name, cell) in facts(title, run).into_iter().chain(left_out) {
        sheet.row([Cell::text(name), cell])?;
    }
    sheet.gap();
    sheet.header(["Word", "What it means"])?;
    for (word, meaning) in meanings(run) {
        sheet.row([Cell::text(word), Cell::wrapped(meaning)])?;
    }
    Ok(())
}

fn facts<'a>(title: &'a str, run: &'a Run) -> Vec<(&'static str, Cell<'a>)> {
    let source = if run.source.is_empty() { "not recorded" } else { &run.source };
    let assumed = if run.extract_date_assumed { "assumed: the last date in the data" } else { "stated with the data" };
    let yearly = run.release.is_yearly();
    let day = |day: Date| if yearly { Cell::text(day.year().to_string()) } else { Cell::Date(day) };
    let release = match run.release.promise() {
        "" => None,
        promise => Some(("Release", Cell::wrapped(promise))),
    };
    let facts = [
        ("Report", Cell::wrapped(title)),
        ("Run id", Cell::text(&run.run_id)),
        ("Lake snapshot", Cell::text(&run.lake_snapshot)),
        ("Data source", Cell::text(source)),
        ("Made by", Cell::text(format!("carecoord {}", run.carecoord_version))),
        (if yearly { "First year measured" } else { "First month measured" }, day(run.first_month)),
        (if yearly { "Last year measured" } else { "Last month measured" }, day(run.report_month)),
        ("Data taken on", day(run.extract_date)),
        ("That day is", Cell::text(assumed)),
        ("Patients in the data", Cell::Count(run.patients)),
        ("Counts suppressed below", Cell::Count(run.suppress_below)),
    ];
    release.into_iter().chain(facts).collect()
}

fn meanings(run: &Run) -> [(&'static str, String); 11] {
    let most = format::count(run.suppress_below - 1);
    [
        ("final", "Every unit of the whole period has been followed up in the loaded data.".to_owned()),
        (
            "provisional",
            "Follow-up is not complete: the value may still change. It takes no part in signals.".to_owned(),
        ),
        ("shown", "The value stands in the row.".to_owned()),
        (
            "suppressed",
            if run.suppress_below < 2 {
                "No count is suppressed in this run.".to_owned()
            } else {
                format!(
                    "A count from 1 to {most}, or a value that together with a total would give such a count away. The number \
                     is not in this file."
                )
            },
        ),
        ("no denominator", "There was nothing to measure. It is not 0.".to_owned()),
        ("data missing", "Rows that the month rests on did not come. It is not 0.".to_owned()),
        (
            "not counted yet",
            "No unit has been followed up to the end so far, so there is nothing to measure yet.".to_owned(),
        ),
        ("not reached", "Fewer than half have had the event so far, so there is no median.".to_owned()),
        (NO_INTERVAL, "The value comes without limits.".to_owned()),
        (NOT_FINAL, "No period of the measure is final.".to_owned()),
        (REFUSED, "The data cannot support the measure; the note says why.".to_owned()),
    ]
}
