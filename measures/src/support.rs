//! Whether a lake can support a measure: the columns and rows that it needs, and what a reader must know where some are missing.

use std::collections::HashMap;

use carecoord_lake::manifest::Manifest;

use crate::compute::Options;
use crate::definition::{Measure, NeededRows};
use crate::error::Result;
use crate::gaps::{self, Gaps};
use crate::instrument::{self, Instrument};
use crate::result_tables::Tables;
use crate::run_row::measure_row;
use crate::workbench::Workbench;

/// Why the lake cannot support a measure; nothing when it can.
#[must_use]
pub fn refusal(measure: &Measure, manifest: &Manifest, instruments: &[Instrument]) -> Option<String> {
    let has = |need: &str| {
        need.split_once('.').is_some_and(|(table, column)| {
            manifest.has_column(table, column) && manifest.tables.get(table).is_some_and(|entry| entry.rows > 0)
        })
    };
    let missing: Vec<&str> = measure.needs.iter().map(String::as_str).filter(|need| !has(need)).collect();
    if !missing.is_empty() {
        return Some(format!("the extracts do not offer {}", missing.join(", ")));
    }
    if !measure.needs_any.is_empty() && !measure.needs_any.iter().any(|need| has(need)) {
        return Some(format!("the extracts offer none of {}", measure.needs_any.join(", ")));
    }
    measure.instrument.as_ref().and_then(|used| instrument::refusal(used, instruments))
}

/// Looks rows up in the lake, each question once.
#[derive(Default)]
struct RowsFound(HashMap<String, bool>);

impl RowsFound {
    /// Whether the lake holds such rows.
    async fn any(&mut self, benches: &[Workbench], measure: &Measure, needed: &NeededRows) -> Result<bool> {
        let question = format!("{} where {}", needed.table, needed.condition);
        if let Some(found) = self.0.get(&question) {
            return Ok(*found);
        }
        let mut any = false;
        for bench in benches {
            any = bench.any(measure, needed).await?;
            if any {
                break;
            }
        }
        self.0.insert(question, any);
        Ok(any)
    }

    /// Why a lake whose columns would do holds no rows to measure.
    async fn missing(&mut self, benches: &[Workbench], measure: &Measure) -> Result<Option<String>> {
        for needed in &measure.needs_rows {
            if !self.any(benches, measure, needed).await? {
                return Ok(Some(format!("the extracts hold no {}", needed.what)));
            }
        }
        Ok(None)
    }

    /// What a reader must know of this run's way of computing a measure.
    async fn caveats(&mut self, benches: &[Workbench], measure: &Measure, gaps: &Gaps) -> Result<Vec<String>> {
        let mut hold = Vec::new();
        for caveat in &measure.caveats {
            let lacks = match &caveat.unless_rows {
                Some(rows) => !self.any(benches, measure, rows).await?,
                None => true,
            };
            let has = match &caveat.if_rows {
                Some(rows) => self.any(benches, measure, rows).await?,
                None => true,
            };
            if lacks && has {
                hold.push(caveat.text.clone());
            }
        }
        hold.extend(gaps::sentence(gaps));
        Ok(hold)
    }
}

/// The measures of a run.
pub struct Supported {
    /// Those that the lake supports, each with the months whose data did not come.
    pub wanted: Vec<(Measure, Gaps)>,
    /// Those that it does not support, by id, with the reason.
    pub refused: Vec<(String, String)>,
}

/// Finds out which measures the lake supports, and adds each to the results table `measure`.
///
/// # Errors
/// When a condition of a measure is broken.
pub async fn supported(
    options: &Options<'_>,
    benches: &[Workbench],
    manifest: &Manifest,
    tables: &mut Tables,
) -> Result<Supported> {
    let mut rows_found = RowsFound::default();
    let mut finder = gaps::Finder::default();
    let (mut wanted, mut refused) = (Vec::new(), Vec::new());
    for measure in &options.measures {
        let why_not = match refusal(measure, manifest, &options.instruments) {
            Some(reason) => Some(reason),
            None => rows_found.missing(benches, measure).await?,
        };
        let gaps = if why_not.is_none() { finder.gaps(benches, measure, manifest).await? } else { Gaps::new() };
        let caveats = rows_found.caveats(benches, measure, &gaps).await?;
        tables.measures.push(measure_row(measure, why_not.as_deref(), &caveats));
        match why_not {
            Some(reason) => refused.push((measure.id.clone(), reason)),
            None => wanted.push((measure.clone(), gaps)),
        }
    }
    Ok(Supported { wanted, refused })
}
