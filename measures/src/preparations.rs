//! What the rules of the prepared views took and left.

use crate::definition::View;
use crate::error::Result;
use crate::rows::Cell;
use crate::workbench::Workbench;

/// What the rules of the prepared views took and left, over all groups of buckets.
pub async fn preparations(benches: &[Workbench], views: &[View]) -> Result<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    for view in views {
        let mut totals: Vec<(String, u64)> = Vec::new();
        let mut lists = Vec::new();
        for bench in benches {
            let counts = bench.counts(view).await?;
            lists.push(counts.iter().map(|(rule, _)| rule.clone()).collect::<Vec<_>>());
            for (rule, count) in counts {
                match totals.iter_mut().find(|(known, _)| *known == rule) {
                    Some((_, total)) => *total += count,
                    None => totals.push((rule, count)),
                }
            }
        }
        // Rules that depend on the data come in order of name, whichever group has them first.
        if lists.windows(2).any(|pair| pair[0] != pair[1]) {
            totals.sort();
        }
        rows.extend((1_i64..).zip(totals).map(|(position, (rule, count))| {
            vec![Cell::from(view.name.clone()), position.into(), rule.into(), count.into()]
        }));
    }
    Ok(rows)
}
