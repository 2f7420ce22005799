//! Row accounting by table: file names carry dates and names of systems, and a hash tells who has a file that it is this one.

use std::collections::BTreeMap;

use super::LeftOut;
use crate::model::{CheckResult, Quality, Results};

/// What stands in a file's place.
const ALL_FILES: &str = "all files";

/// Adds files up: one row for each table, one for each check of a column.
pub fn merge(results: &mut Results) {
    let mut tables: BTreeMap<String, Quality> = BTreeMap::new();
    for row in results.quality.drain(..) {
        if let Some(sum) = tables.get_mut(&row.table_name) {
            sum.read += row.read;
            sum.filtered += row.filtered;
            sum.accepted += row.accepted;
            sum.quarantined += row.quarantined;
            sum.duplicate += row.duplicate;
            sum.superseded += row.superseded;
            sum.combined += row.combined;
            sum.withdrawn += row.withdrawn;
        } else {
            let first = Quality { extract_id: 0, file: ALL_FILES.to_owned(), file_hash: String::new(), ..row };
            tables.insert(first.table_name.clone(), first);
        }
    }
    results.quality = tables.into_values().collect();

    let mut checks: BTreeMap<[String; 4], CheckResult> = BTreeMap::new();
    for row in results.checks.drain(..) {
        let key = [&row.severity, &row.table_name, &row.column_name, &row.check_name].map(Clone::clone);
        if let Some(sum) = checks.get_mut(&key) {
            sum.rows += row.rows;
        } else {
            checks.insert(key, CheckResult { extract_id: 0, file: ALL_FILES.to_owned(), ..row });
        }
    }
    results.checks = checks.into_values().collect();
    results.left_out.push(LeftOut {
        what: "rows by file",
        why: "names of files hold dates and names of systems, and who has a file finds it by its hash; rows are counted by table",
    });
}
