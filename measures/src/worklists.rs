//! Work lists: the patients to act on.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use carecoord_lake::contract;

use crate::definition::Feed;
use crate::error::{MeasureError, Result};
use crate::rows::{self, Cell};
use crate::workbench::{Params, Workbench, number_at, text_at};

/// Rows of these work lists, in the contract's order, and for the table `preparation` how many rows each list considered, left out
/// and holds.
///
/// # Errors
/// When a list's SQL is broken.
pub async fn worklists(
    benches: &[Workbench],
    lists: &[(String, String)],
) -> Result<(Vec<RecordBatch>, Vec<Vec<Cell>>)> {
    let contract = contract::result("worklist")?;
    let (mut batches, mut counts) = (Vec::new(), Vec::new());
    for (id, text) in lists {
        let (mut items, mut left_out) = (Vec::new(), BTreeMap::new());
        for bench in benches {
            let Worklist { rows, left_out: here } = worklist(bench, id, text).await?;
            for batch in &rows {
                items.push(rows::conform(contract, batch)?);
            }
            for (reason, rows) in here {
                *left_out.entry(reason).or_default() += rows;
            }
        }
        let listed: u64 = items.iter().map(|batch| batch.num_rows() as u64).sum();
        let considered = listed + left_out.values().sum::<u64>();
        let rules = left_out.into_iter().map(|(reason, rows)| (format!("left out: {reason}"), rows));
        let rules = [("considered".to_owned(), considered)]
            .into_iter()
            .chain(rules)
            .chain([("on the list".to_owned(), listed)]);
        counts.extend((1_i64..).zip(rules).map(|(position, (rule, rows))| {
            vec![Cell::from(counted_as(id)), position.into(), rule.into(), rows.into()]
        }));
        batches.extend(rows::sorted(contract, &items)?);
    }
    Ok((batches, counts))
}

/// The name under which the results table `preparation` counts what a work list considered and left out.
#[must_use]
pub fn counted_as(worklist: &str) -> String {
    format!("work list {worklist}")
}

/// What came of a work list.
pub struct Worklist {
    /// The rows that are on it.
    pub rows: Vec<RecordBatch>,
    /// How many are not, by reason.
    pub left_out: BTreeMap<String, u64>,
}

/// Runs a work list's SQL: rows whose column `left_out` says why are counted, the others are on the list.
///
/// # Errors
/// When its SQL is broken.
pub async fn worklist(bench: &Workbench, id: &str, text: &str) -> Result<Worklist> {
    use datafusion::physical_plan::common::collect;
    let failed = |reason: String| MeasureError::Definition {
        measure: id.to_owned(),
        file: format!("worklists/{id}.sql"),
        reason,
    };
    let params = || Params::none(bench.span.data_through(Feed::Ehr));
    let run = async |text: String| {
        let query = bench.query(&text, params()).await.map_err(|error| failed(error.to_string()))?;
        let rows = query.rows().map_err(|error| failed(error.strip_backtrace()))?;
        collect(rows).await.map_err(|error| failed(error.strip_backtrace()))
    };
    let rows = run(format!("select * from ({text}\n) items where left_out is null")).await?;
    let counted =
        format!("select left_out, count(*) from ({text}\n) items where left_out is not null group by left_out");
    let mut left_out = BTreeMap::new();
    for batch in run(counted).await? {
        for row in 0..batch.num_rows() {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A count of rows.
            let rows = number_at(batch.column(1), row).unwrap_or_default() as u64;
            *left_out.entry(text_at(batch.column(0), row).unwrap_or_default()).or_default() += rows;
        }
    }
    Ok(Worklist { rows, left_out })
}
