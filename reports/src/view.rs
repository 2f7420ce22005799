//! The page's content as plain data: every text is final here, and the templates only lay it out.

mod accounting;
mod coverage;
mod definition;
mod equity;
mod facts;
mod measure;
mod survey;
mod table;
mod tile;

use serde::Serialize;

use crate::chart::Drawing;
use crate::model::{Measure, Results};
use crate::words;

pub use measure::{MeasureRows, chart_of};

/// The whole page.
#[derive(Debug, Serialize)]
pub struct Page {
    title: String,
    month: String,
    facts: Vec<facts::Fact>,
    warnings: Vec<String>,
    glance: facts::Glance,
    tiles: Vec<tile::Tile>,
    measures: Vec<measure::Section>,
    refused: Vec<Refused>,
    caveats: Vec<Caveat>,
    gaps: Vec<equity::GapRow>,
    /// Whether groups were compared at all.
    gaps_looked_for: bool,
    coverage: Option<coverage::Matrix>,
    accounting: accounting::Accounting,
    definitions: Vec<definition::Definition>,
}

/// A measure that the data could not support.
#[derive(Debug, Serialize)]
struct Refused {
    title: String,
    id: String,
    reason: String,
}

/// What a reader must know of a computed measure.
#[derive(Debug, Serialize)]
struct Caveat {
    title: String,
    anchor: String,
    text: String,
}

impl Page {
    /// The page of a run; `charts` stand beside `rows`, one for each computed measure.
    pub fn new(title: &str, results: &Results, rows: &[MeasureRows], charts: &[Option<Drawing>]) -> Self {
        let run = &results.run;
        let refused: Vec<&Measure> = sorted(results, false);
        Self {
            title: title.to_owned(),
            month: crate::format::month_long(run.report_month),
            facts: facts::facts(run),
            warnings: facts::warnings(run),
            glance: facts::Glance::new(rows, refused.len(), results),
            tiles: rows.iter().map(|rows| tile::Tile::new(rows, run)).collect(),
            measures: rows
                .iter()
                .zip(charts)
                .map(|(rows, chart)| measure::Section::new(rows, results, chart.as_ref()))
                .collect(),
            caveats: rows
                .iter()
                .filter(|rows| !rows.measure.caveat.is_empty())
                .map(|rows| Caveat {
                    title: rows.measure.title.clone(),
                    anchor: rows.anchor(),
                    text: rows.measure.caveat.clone(),
                })
                .collect(),
            refused: refused
                .into_iter()
                .map(|measure| Refused {
                    title: measure.title.clone(),
                    id: measure.measure_id.clone(),
                    reason: if measure.refusal.is_empty() {
                        "No reason is recorded.".to_owned()
                    } else {
                        measure.refusal.clone()
                    },
                })
                .collect(),
            gaps: equity::gaps(rows, &results.disparities),
            gaps_looked_for: !results.disparities.is_empty(),
            coverage: coverage::Matrix::new(&results.coverage),
            accounting: accounting::Accounting::new(results),
            definitions: sorted(results, true)
                .into_iter()
                .chain(sorted(results, false))
                .map(definition::Definition::new)
                .collect(),
        }
    }
}

/// Measures, computed or refused, in the report's order: by family, its headline first, then by title.
pub fn sorted(results: &Results, computed: bool) -> Vec<&Measure> {
    let mut measures: Vec<&Measure> = results.measures.iter().filter(|measure| measure.computed == computed).collect();
    measures.sort_by_cached_key(|measure| {
        (words::family_rank(&measure.family), measure.position, measure.title.clone(), measure.measure_id.clone())
    });
    measures
}
