//! `carecoord snapshots`.

use std::process::ExitCode;

use carecoord_lake::snapshot::Store;

use crate::arguments::SnapshotsOptions;
use crate::failure::Failure;
use crate::output;

/// Lists snapshots, or removes old ones.
pub fn run(options: &SnapshotsOptions) -> Result<ExitCode, Failure> {
    let project = &options.project.project;
    let stores = [("lake", Store::lake(project)), ("results", Store::results(project))];
    if let Some(keep) = options.prune {
        for (what, store) in &stores {
            for snapshot in store.prune(keep)? {
                output::message(&format!("removed {what} snapshot {}", snapshot.id));
            }
        }
    }
    let mut rows = Vec::new();
    for (what, store) in &stores {
        let current = store.current_if_any()?;
        for snapshot in store.list()? {
            let in_force = if current.as_ref() == Some(&snapshot) { "in force" } else { "" };
            rows.push(vec![(*what).to_owned(), snapshot.id, in_force.to_owned()]);
        }
    }
    output::table(&["of", "snapshot", ""], &rows)?;
    Ok(ExitCode::SUCCESS)
}
