//! Runs a measure's SQL on a group of buckets: its rows are completed, counted and kept.

use carecoord_lake::grouped::Planned;
use futures::StreamExt;

use crate::completion::{Completion, FIRST_SUBGROUP, OwnTexts, SPLITS};
use crate::definition::{Apart, Measure, StoreUnits};
use crate::error::{MeasureError, Result};
use crate::people::{Dictionaries, People};
use crate::tally::{Counted, Payers, Tally};
use crate::unit_table::UnitTable;
use crate::workbench::{Params, Workbench, text_at};

/// A group of buckets of which units are counted.
pub struct Source<'a> {
    /// The session with the prepared views.
    pub bench: &'a Workbench,
    /// The people of the group.
    pub people: &'a People,
    /// Texts of all measures by code.
    pub names: &'a Dictionaries,
}

impl Source<'_> {
    /// Counts the units of a measure, and keeps the rows of those that `keep` says.
    ///
    /// # Errors
    /// When the measure's SQL is broken or lacks a column, or the query fails.
    pub async fn count(
        &self,
        measure: &Measure,
        own: &OwnTexts,
        keep: StoreUnits,
        tally: &mut Tally,
    ) -> Result<UnitTable> {
        let mut kept = UnitTable::default();
        let apart = self.apart(measure).await?;
        let declared = FIRST_SUBGROUP + measure.subgroups.len();
        let apart_split = apart.as_ref().map(|(split, _)| *split);
        let counted = Counted {
            splits: (0..SPLITS.len().min(declared)).filter(|split| Some(*split) != apart_split).collect(),
            payers: if measure.by_payer.is_some() { Payers::None } else { Payers::OfPerson },
            programs_and_reasons: true,
        };
        self.run(measure, own, ("units.sql", &measure.sql), &counted, tally, |units| kept.keep(units, keep)).await?;
        if let Some(text) = &measure.by_payer {
            let counted = Counted { splits: Vec::new(), payers: Payers::OfUnit, programs_and_reasons: false };
            self.run(measure, own, ("units_by_payer.sql", text), &counted, tally, |_| Ok(())).await?;
        }
        if let Some((split, text)) = apart {
            let counted = Counted { splits: vec![split], payers: Payers::None, programs_and_reasons: false };
            self.run(measure, own, ("units.sql", &text), &counted, tally, |_| Ok(())).await?;
        }
        Ok(kept)
    }

    async fn run(
        &self,
        measure: &Measure,
        own: &OwnTexts,
        (file, text): (&str, &str),
        counted: &Counted,
        tally: &mut Tally,
        mut keep: impl FnMut(&crate::completion::Units) -> Result<()>,
    ) -> Result<()> {
        let query = plan(self.bench, measure, file, text).await?;
        let completion = Completion::new(measure, &self.bench.span, self.people, self.names, own);
        let failed = |error: datafusion::error::DataFusionError| {
            MeasureError::engine(format!("the measure {}", measure.id), error.strip_backtrace())
        };
        let mut rows = query.rows().map_err(failed)?;
        while let Some(batch) = rows.next().await {
            let units = completion.complete(&batch.map_err(failed)?)?;
            tally.add(&units, self.people, counted);
            keep(&units)?;
        }
        Ok(())
    }

    /// The split that has units of its own, and the SQL that yields them, where they differ from the others.
    async fn apart(&self, measure: &Measure) -> Result<Option<(usize, String)>> {
        let Some(Apart { read, instead, subgroup }) = &measure.apart else { return Ok(None) };
        let counted = |view: &str| format!("(select count(*) from prepared.{view} where left_out is null)");
        let differs = format!("select {} <> {} as differs", counted(instead), counted(read));
        let batches = self.bench.collect(&differs).await?;
        let differs = batches.first().and_then(|batch| text_at(batch.column(0), 0)).is_some_and(|text| text == "true");
        let text = || measure.sql.replace(&format!("prepared.{read}"), &format!("prepared.{instead}"));
        Ok(differs.then(|| (FIRST_SUBGROUP + subgroup - 1, text())))
    }
}

/// The query that the text of a file of a measure is.
async fn plan(bench: &Workbench, measure: &Measure, file: &str, text: &str) -> Result<Planned> {
    let broken = |reason: String| MeasureError::Definition {
        measure: measure.id.clone(),
        file: format!("{}/{file}", measure.folder),
        reason,
    };
    let data_through = bench.span.data_through(measure.feed);
    let params = Params { own: &measure.params, window_days: measure.window_days, data_through };
    let query = bench.query(text, params).await.map_err(|error| broken(error.to_string()))?;
    match Completion::refusal(measure, &query.schema()) {
        Some(reason) => Err(broken(reason)),
        None => Ok(query),
    }
}
