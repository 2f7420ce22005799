//! The data dictionary: the contracts as a page for people.

use std::fmt::Write;

use crate::contract::{self, Contract};
use crate::error::Result;

/// The whole data dictionary as Markdown.
///
/// # Errors
/// When a built-in contract is broken, which a test rules out.
pub fn markdown() -> Result<String> {
    let mut page = String::from(
        "# Data dictionary\n\nGenerated from the table contracts in `lake/`; do not edit. \
         Remake it with `CARECOORD_BLESS=1 cargo test -p carecoord-lake`.\n\n\
         `carecoord`'s own extracts are CSV files named `<table>.csv` (or `.csv.gz`, `.csv.zst`) with these column names; \
         a mapping file renames anything else.\n\n## Tables of the lake\n",
    );
    for table in contract::tables()? {
        section(&mut page, table);
    }
    page.push_str("\n## What was put aside\n");
    section(&mut page, contract::quarantine()?);
    page.push_str("\n## Tables of results\n");
    for table in contract::results()? {
        section(&mut page, table);
    }
    Ok(page)
}

fn section(page: &mut String, table: &Contract) {
    // Writing to a String cannot fail.
    let _ = write!(page, "\n### `{}`\n\n{}\n\nKey: `{}`.", table.name, table.meaning, table.key.join("`, `"));
    if let Some(bucket) = &table.bucket_by {
        let _ = write!(page, " Bucketed by `{bucket}`, sorted by `{}`.", table.order.join("`, `"));
    }
    page.push_str("\n\n| column | type | required | identifies | meaning |\n|---|---|---|---|---|\n");
    for column in &table.columns {
        let mut meaning = column.meaning.clone();
        if let Some(unit) = &column.unit {
            let _ = write!(meaning, " Unit: {unit}.");
        }
        if !column.allowed.is_empty() {
            let _ = write!(meaning, " Allowed: `{}`.", column.allowed.join("`, `"));
        }
        if let Some(minimum) = &column.min {
            let _ = write!(meaning, " At least {minimum}.");
        }
        if let Some(maximum) = &column.max {
            let _ = write!(meaning, " At most {maximum}.");
        }
        if let Some(target) = &column.references {
            let _ = write!(meaning, " Refers to `{target}`.");
        }
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            column.name,
            column.kind.word(),
            if column.required { "yes" } else { "" },
            if column.identifying { "yes" } else { "" },
            meaning
        );
    }
    for check in &table.checks {
        let columns = if check.columns.is_empty() {
            format!("`{}` against `{}`", check.column, check.other)
        } else {
            format!("`{}`", check.columns.join("`, `"))
        };
        let _ = writeln!(page, "\nCheck `{}` ({}): {columns}.", check.name, check.severity.word());
    }
}
