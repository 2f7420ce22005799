//! Organizations and payers whose ids differ by letter case only are one: one feed writes `STMARY`, another `StMary`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use carecoord_lake::contract::{self, Contract};

use crate::error::{MeasureError, Result};
use crate::workbench::{Workbench, number_at, text_at};

/// What a column must refer to for its values to be ids of organizations.
const ORGANIZATION: &str = "organization.organization_id";
/// The column that names payers.
const PAYER: &str = "payer_id";

/// A kind of ids that extracts spell in several ways.
struct Ids {
    /// The columns of a table that hold them.
    columns: fn(&Contract) -> Vec<&str>,
    /// Where spellings are looked for; what is found holds for every table.
    looked_at: &'static [&'static str],
    /// The query for the ids that a table of their own knows.
    known: Option<&'static str>,
}

const KINDS: [Ids; 2] = [
    Ids {
        columns: organizations,
        looked_at: &["encounter", "practitioner", "referral"],
        known: Some("select organization_id, 1 from lake.organization"),
    },
    Ids { columns: payers, looked_at: &["coverage", "claim_line"], known: None },
];

/// Gives every organization and every payer one spelling in schema `lake` of all these groups of
/// buckets: the one that a table of their own has, else the one with the most rows, else the first by name. A lake whose ids are
/// spelled in one way is left as it is.
///
/// # Errors
/// When a query fails.
pub async fn unify(groups: &[Workbench]) -> Result<()> {
    let mut kinds = Vec::new();
    for ids in &KINDS {
        kinds.push((ids, others(groups, ids).await?));
    }
    for table in contract::tables()? {
        let mut replaced = Vec::new();
        for (ids, others) in kinds.iter().filter(|(_, others)| !others.is_empty()) {
            replaced.extend((ids.columns)(table).into_iter().map(|column| {
                let mut cases = format!("arrow_cast(case {column}");
                for (spelling, one) in others {
                    let quoted = |text: &str| text.replace('\'', "''");
                    let _ = write!(cases, " when '{}' then '{}'", quoted(spelling), quoted(one));
                }
                format!("{cases} else {column} end, 'Utf8View') as {column}")
            }));
        }
        if replaced.is_empty() {
            continue;
        }
        let text = format!("select * replace ({}) from lake.{}", replaced.join(", "), table.name);
        if let Some(first) = groups.first() {
            first.replace(&table.name, &text).await.map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

/// Each spelling that another one of the same letters takes the place of.
async fn others(groups: &[Workbench], ids: &Ids) -> Result<BTreeMap<String, String>> {
    let mut found: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for name in ids.looked_at {
        let table = contract::table(name)?;
        // A table without buckets stands whole in every group.
        let holding = if table.bucket_by.is_some() { groups } else { groups.get(..1).unwrap_or_default() };
        for column in (ids.columns)(table) {
            let query = format!("select {column}, count(*) from lake.{name} where {column} is not null group by 1");
            for group in holding {
                for (spelling, rows) in counted(group, &query).await? {
                    *found.entry(spelling.to_lowercase()).or_default().entry(spelling).or_default() += rows;
                }
            }
        }
    }
    found.retain(|_, spellings| spellings.len() > 1);
    let Some(group) = groups.first().filter(|_| !found.is_empty()) else { return Ok(BTreeMap::new()) };
    let known = match ids.known {
        Some(query) => counted(group, query).await?,
        None => BTreeMap::new(),
    };
    let mut others = BTreeMap::new();
    for spellings in found.into_values() {
        let rank = |spelling: &String, rows: u64| (!known.contains_key(spelling), std::cmp::Reverse(rows));
        let best = spellings.iter().min_by_key(|(spelling, rows)| (rank(spelling, **rows), (*spelling).clone()));
        let Some(best) = best.map(|(spelling, _)| spelling.clone()) else { continue };
        others.extend(spellings.into_keys().filter(|one| *one != best).map(|one| (one, best.clone())));
    }
    Ok(others)
}

/// The columns of a table that name organizations.
fn organizations(table: &Contract) -> Vec<&str> {
    let names = table.columns.iter().filter(|column| column.references.as_deref() == Some(ORGANIZATION));
    names.map(|column| column.name.as_str()).collect()
}

/// The columns of a table that name payers.
fn payers(table: &Contract) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).filter(|name| *name == PAYER).collect()
}

/// Text and number of each row.
async fn counted(group: &Workbench, query: &str) -> Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    for batch in group.collect(query).await.map_err(|error| failed(&error))? {
        for row in 0..batch.num_rows() {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A count of rows.
            let rows = number_at(batch.column(1), row).unwrap_or_default() as u64;
            if let Some(text) = text_at(batch.column(0), row) {
                found.insert(text, rows);
            }
        }
    }
    Ok(found)
}

fn failed(error: &MeasureError) -> MeasureError {
    MeasureError::engine("the spellings of organizations and payers", error)
}
