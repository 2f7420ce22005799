//! Runs a measure's SQL on a group of buckets: its rows are completed, counted and kept.

use carecoord_lake::grouped::Planned;
use futures::StreamExt;

use crate::completion::{Completion, FIRST_SUBGROUP, OwnTexts, SPLITS, Units};
use crate::definition::{Apart, Measure, StoreUnits, VARIANTS, variants_joined};
use crate::error::{MeasureError, Result};
use crate::people::{Dictionaries, People};
use crate::tally::{Counted, Payers, Tally};
use crate::unit_table::UnitTable;
use crate::workbench::{Params, Workbench};

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
    /// Counts the units of the measures of a pass: one, or variants of a definition whose SQL yields the units of all of them. Keeps
    /// the rows of those that `keep` says.
    ///
    /// # Errors
    /// When the SQL is broken or lacks a column, or the query fails.
    pub async fn count(
        &self,
        pass: &[Measure],
        own: &OwnTexts,
        keep: impl Fn(&Measure) -> StoreUnits,
        tallies: &mut [Tally],
    ) -> Result<Vec<UnitTable>> {
        let mut kept: Vec<UnitTable> = pass.iter().map(|_| UnitTable::default()).collect();
        let Some(measure) = pass.first() else { return Ok(kept) };
        let apart = self.apart(measure).await?;
        let declared = FIRST_SUBGROUP + measure.subgroups.len();
        let apart_split = apart.as_ref().map(|(split, _)| *split);
        let counted = Counted {
            splits: (0..SPLITS.len().min(declared)).filter(|split| Some(*split) != apart_split).collect(),
            payers: if measure.by_payer.is_some() { Payers::None } else { Payers::OfPerson },
            programs_and_reasons: true,
        };
        self.run(pass, own, ("units.sql", &measure.sql), &counted, tallies, |units| {
            let mut each = (0..).zip(pass).zip(&mut kept);
            each.try_for_each(|((place, measure), kept)| kept.keep(units, place, keep(measure)))
        })
        .await?;
        if let Some(text) = &measure.by_payer {
            let counted = Counted { splits: Vec::new(), payers: Payers::OfUnit, programs_and_reasons: false };
            self.run(pass, own, ("units_by_payer.sql", text), &counted, tallies, |_| Ok(())).await?;
        }
        if let Some((split, text)) = apart {
            let counted = Counted { splits: vec![split], payers: Payers::None, programs_and_reasons: false };
            self.run(pass, own, ("units.sql", &text), &counted, tallies, |_| Ok(())).await?;
        }
        Ok(kept)
    }

    async fn run(
        &self,
        pass: &[Measure],
        own: &OwnTexts,
        (file, text): (&str, &str),
        counted: &Counted,
        tallies: &mut [Tally],
        mut keep: impl FnMut(&Units) -> Result<()>,
    ) -> Result<()> {
        let query = plan(self.bench, pass, file, text).await?;
        let completion = Completion::new(pass, &self.bench.span, self.people, self.names, own);
        let failed = |error: datafusion::error::DataFusionError| {
            let ids: Vec<&str> = pass.iter().map(|measure| measure.id.as_str()).collect();
            MeasureError::engine(format!("the measure {}", ids.join(", ")), error.strip_backtrace())
        };
        let mut rows = query.rows().map_err(failed)?;
        while let Some(batch) = rows.next().await {
            let units = completion.complete(&batch.map_err(failed)?)?;
            for (place, tally) in (0..).zip(tallies.iter_mut()) {
                tally.add(&units, place, self.people, counted);
            }
            keep(&units)?;
        }
        Ok(())
    }

    /// The split that has units of its own, and the SQL that yields them, where they differ from the others.
    async fn apart(&self, measure: &Measure) -> Result<Option<(usize, String)>> {
        let Some(Apart { read, instead, subgroup }) = &measure.apart else { return Ok(None) };
        let differs = self.bench.differ(read, instead).await?;
        let text = || measure.sql.replace(&format!("prepared.{read}"), &format!("prepared.{instead}"));
        Ok(differs.then(|| (FIRST_SUBGROUP + subgroup - 1, text())))
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
    match Completion::refusal(measure, &query.schema()) {
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
