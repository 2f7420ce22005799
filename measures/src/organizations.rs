//! Organizations, practitioners and programs of a lake: their names, and how organizations are part of each other.

use std::collections::{BTreeSet, HashMap};

use crate::error::{MeasureError, Result};
use crate::rates::Tree;
use crate::signals::Settings;
use crate::workbench::{Workbench, text_at};

/// Names by level and id.
pub type Names = HashMap<(&'static str, String), String>;

/// Names of organizations, practitioners and coordinators, by level and id.
pub async fn names(bench: &Workbench) -> Result<Names> {
    let mut names = HashMap::new();
    let queries: [(&[&'static str], &str); 3] = [
        (&["program"], "select program_id, name from lake.program where name is not null"),
        (
            &["organization", "hospital", "system"],
            "select organization_id, name from lake.organization where name is not null",
        ),
        (
            &["practitioner", "coordinator"],
            "select practitioner_id, name from lake.practitioner where name is not null",
        ),
    ];
    for (levels, query) in queries {
        for batch in bench.collect(query).await? {
            for row in 0..batch.num_rows() {
                if let (Some(id), Some(name)) = (text_at(batch.column(0), row), text_at(batch.column(1), row)) {
                    for level in levels {
                        names.insert((*level, id.clone()), name.clone());
                    }
                }
            }
        }
    }
    Ok(names)
}

/// The tree of organizations.
pub async fn tree(bench: &Workbench) -> Result<Tree> {
    let mut rows = Vec::new();
    for batch in bench.collect("select organization_id, kind, part_of_organization_id from lake.organization").await? {
        for row in 0..batch.num_rows() {
            let text = |column: usize| text_at(batch.column(column), row);
            if let Some(id) = text(0) {
                rows.push((id, text(1), text(2)));
            }
        }
    }
    Ok(Tree::new(rows))
}

/// Every organization that has a target of its own must be in the lake: a slip would leave it without one.
pub async fn sites_of_targets(bench: &Workbench, settings: &Settings) -> Result<()> {
    if settings.site_targets.is_empty() {
        return Ok(());
    }
    let mut known = BTreeSet::new();
    for batch in bench.collect("select organization_id from lake.organization").await? {
        known.extend((0..batch.num_rows()).filter_map(|row| text_at(batch.column(0), row)));
    }
    match settings.site_targets.keys().find(|id| !known.contains(*id)) {
        Some(id) => Err(MeasureError::Setting {
            what: "site_targets".to_owned(),
            reason: format!("no organization of the lake has the id \"{id}\""),
        }),
        None => Ok(()),
    }
}
