//! Runs a measure's SQL on a group of buckets: its rows are outcomes of units of a cohort, which are counted and kept. The partitions
//! of a query run on threads of their own.

use std::sync::Arc;

use carecoord_lake::grouped::Planned;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::task::JoinSet;

use crate::cohort::{Cohort, UnitColumns};
use crate::completion::{Completion, FIRST_SUBGROUP, OwnTexts, SPLITS, refusal};
use crate::definition::{Apart, Measure, StoreUnits, VARIANTS, variants_joined};
use crate::error::{MeasureError, Result};
use crate::outcomes::Reading;
use crate::people::{Dictionaries, People};
use crate::rule;
use crate::span::Span;
use crate::tally::{Counted, Payers, Tally};
use crate::unit_table::MeasureUnits;
use crate::workbench::{Params, Workbench};

/// The measures of one pass: one, or variants of a definition whose SQL yields the units of all of them.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The measures.
    pub measures: Arc<[Measure]>,
    /// Their texts by code.
    pub own: Arc<OwnTexts>,
}

impl Pass {
    /// Of these measures.
    #[must_use]
    pub fn new(measures: Vec<Measure>) -> Self {
        Self { measures: measures.into(), own: Arc::default() }
    }

    /// The ids of the measures.
    #[must_use]
    pub fn ids(&self) -> String {
        self.measures.iter().map(|measure| measure.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// A group of buckets of which units are counted.
pub struct Source<'a> {
    /// The session with the prepared views.
    pub bench: &'a Workbench,
    /// The people of the group.
    pub people: &'a Arc<People>,
    /// Texts of all measures by code.
    pub names: &'a Arc<Dictionaries>,
}

/// What the threads of a query share.
#[derive(Clone)]
struct Shared {
    pass: Pass,
    span: Span,
    people: Arc<People>,
    names: Arc<Dictionaries>,
    cohort: Arc<Cohort>,
    counted: Arc<Counted>,
    /// Which rows of each measure are kept; empty where none are.
    keep: Arc<[StoreUnits]>,
}

impl Source<'_> {
    /// Counts the units of the measures of a pass, which are of this cohort. Keeps the rows of those that `keep` says.
    ///
    /// # Errors
    /// When the SQL is broken or lacks a column, or the query fails.
    pub async fn count(
        &self,
        pass: &Pass,
        cohort: &Arc<Cohort>,
        keep: impl Fn(&Measure) -> StoreUnits,
        tallies: &mut [Tally],
    ) -> Result<Vec<MeasureUnits>> {
        let Some(measure) = pass.measures.first() else { return Ok(Vec::new()) };
        let apart = self.apart(measure).await?;
        let declared = FIRST_SUBGROUP + measure.subgroups.len();
        let apart_split = apart.as_ref().map(|(split, _)| *split);
        let counted = Counted {
            splits: (0..SPLITS.len().min(declared)).filter(|split| Some(*split) != apart_split).collect(),
            payers: if measure.by_payer.is_some() { Payers::None } else { Payers::OfPerson },
            programs_and_reasons: true,
        };
        let shared = |cohort: &Arc<Cohort>, counted, keep| Shared {
            pass: pass.clone(),
            span: self.bench.span.clone(),
            people: Arc::clone(self.people),
            names: Arc::clone(self.names),
            cohort: Arc::clone(cohort),
            counted: Arc::new(counted),
            keep,
        };
        let all = shared(cohort, counted, pass.measures.iter().map(keep).collect());
        let kept = self.run((measure.sql_file, &measure.sql), &all, tallies).await?;
        // Units that are the same in another split, or at another payer, are counted there and kept once.
        if let Some(text) = &measure.by_payer {
            let counted = Counted { splits: Vec::new(), payers: Payers::OfUnit, programs_and_reasons: false };
            self.run(("units_by_payer.sql", text), &shared(&Arc::default(), counted, Arc::default()), tallies).await?;
        }
        if let Some((split, text)) = apart {
            let counted = Counted { splits: vec![split], payers: Payers::None, programs_and_reasons: false };
            self.run((measure.sql_file, &text), &shared(&Arc::default(), counted, Arc::default()), tallies).await?;
        }
        Ok(kept)
    }

    async fn run(
        &self,
        (file, text): (&str, &str),
        shared: &Shared,
        tallies: &mut [Tally],
    ) -> Result<Vec<MeasureUnits>> {
        let query = plan(self.bench, &shared.pass.measures, file, text).await?;
        let mut threads = JoinSet::new();
        for (number, rows) in query.partitions().map_err(|error| shared.failed(&error))?.into_iter().enumerate() {
            let (shared, own) = (shared.clone(), tallies.iter().map(Tally::empty).collect());
            threads.spawn(async move { Ok::<_, MeasureError>((number, shared.count(rows, own).await?)) });
        }
        let mut counted = Vec::new();
        while let Some(thread) = threads.join_next().await {
            counted.push(thread.map_err(|error| MeasureError::engine("a measure", error)).flatten()?);
        }
        // What each has kept is put together in one order, whichever thread was first.
        counted.sort_by_key(|(number, _)| *number);
        let mut kept: Vec<MeasureUnits> = shared.keep.iter().map(|_| MeasureUnits::default()).collect();
        for (_, (own, units)) in counted {
            tallies.iter_mut().zip(own).for_each(|(tally, own)| tally.merge(own));
            kept.iter_mut().zip(units).for_each(|(kept, units)| kept.append(units));
        }
        Ok(kept)
    }

    /// The split that has units of its own, and the SQL that yields them, where they differ from the others.
    async fn apart(&self, measure: &Measure) -> Result<Option<(usize, String)>> {
        let Some(Apart { read, instead, subgroup }) = &measure.apart else { return Ok(None) };
        let differs = self.bench.differ(read, instead).await?;
        let text = || measure.sql.replace(&format!("prepared.{read}"), &format!("prepared.{instead}"));
        Ok(differs.then(|| (FIRST_SUBGROUP + subgroup - 1, text())))
    }
}

impl Shared {
    fn failed(&self, error: &datafusion::error::DataFusionError) -> MeasureError {
        MeasureError::engine(format!("the measure {}", self.pass.ids()), error.strip_backtrace())
    }

    /// Counts and keeps the rows of a partition.
    async fn count(
        &self,
        mut rows: SendableRecordBatchStream,
        mut tallies: Vec<Tally>,
    ) -> Result<(Vec<Tally>, Vec<MeasureUnits>)> {
        let completion = Completion::new(&self.span, &self.people, &self.names);
        let reading = Reading { measures: &self.pass.measures, span: &self.span, own: &self.pass.own };
        let mut kept: Vec<MeasureUnits> = self.keep.iter().map(|_| MeasureUnits::default()).collect();
        let mut last: Option<(UnitColumns, Arc<[u32]>)> = None;
        while let Some(batch) = rows.next().await {
            let batch = rule::unpacked(batch.map_err(|error| self.failed(&error))?)?;
            if batch.num_rows() == 0 {
                continue;
            }
            let columns = UnitColumns::of(&batch)?;
            let places: Arc<[u32]> = match &last {
                Some((known, places)) if known.same_memory(&columns) => Arc::clone(places),
                _ => self.cohort.places(&columns, |new| completion.complete(new))?.into(),
            };
            let outcomes = reading.outcomes(&batch, &columns, Arc::clone(&places))?;
            {
                let units = self.cohort.units();
                for (place, tally) in (0..).zip(&mut tallies) {
                    tally.add(&outcomes, place, &units, &self.people, &self.counted);
                }
            }
            for ((place, kept), which) in (0..).zip(&mut kept).zip(self.keep.iter()) {
                kept.keep(&outcomes, place, *which);
            }
            last = Some((columns, places));
        }
        Ok((tallies, kept))
    }
}

/// The query that the text of a file of a definition is, for these of its variants.
async fn plan(bench: &Workbench, pass: &[Measure], file: &str, text: &str) -> Result<Planned> {
    let Some(measure) = pass.first() else { return Err(MeasureError::engine("a pass", "it has no measure")) };
    let broken = |reason: String| MeasureError::Definition {
        measure: measure.id.clone(),
        file: format!("{}/{file}", measure.folder),
        reason,
    };
    let reads_window = |line: &str| !line.trim_start().starts_with("--") && line.contains("$window_days");
    if measure.shares_a_pass() && text.lines().any(reads_window) {
        return Err(broken("a query of several variants reads variant.window_days, not $window_days".to_owned()));
    }
    let data_through = bench.span.data_through(measure.feed);
    let params = Params { own: &measure.params, window_days: measure.window_days, data_through };
    let query = if measure.shares_a_pass() {
        let text = with_variants(text, &bench.register_variants(pass)?);
        bench.query(&text, Params::none(data_through)).await
    } else {
        bench.query(text, params).await
    };
    let query = query.map_err(|error| broken(error.to_string()))?;
    match refusal(measure, &query.schema()) {
        Some(reason) => Err(broken(reason)),
        None => Ok(query),
    }
}

/// A text that joins its variants by the name of their table.
fn with_variants(text: &str, table: &str) -> String {
    let mut found = text.to_owned();
    for place in variants_joined(text).into_iter().rev() {
        found.replace_range(place..place + VARIANTS.len(), &format!("cross join prepared.{table} variant"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_joins_its_variants_by_whole_words() {
        let text = "select variant from a\ncross join variant\ncross join variants v cross join variant";
        let expected =
            "select variant from a\ncross join prepared.x variant\ncross join variants v cross join prepared.x variant";
        assert_eq!(with_variants(text, "x"), expected);
    }
}
