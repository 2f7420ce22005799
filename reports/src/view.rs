//! The page's content as plain data: every text is final here, and the templates only lay it out.

mod accounting;
mod board;
mod cascade;
mod coverage;
mod definition;
mod equity;
mod facts;
mod feeds;
mod measure;
mod sites;
mod summary;
mod survey;
mod table;
mod waits;

use serde::Serialize;

use crate::chart::Drawing;
use crate::locale::Locale;
use crate::model::{Measure, Results};
use crate::release::Release;
use crate::words;

pub use definition::Definitions;
pub use measure::{MeasureRows, all_rows, chart_of, funnel_of};
pub use waits::curve_of;

/// The id of the month axis that charts share.
const AXIS_ID: &str = "months";

/// What was drawn of one measure.
#[derive(Debug, Default)]
pub struct Drawings {
    /// Its months.
    pub chart: Option<Drawing>,
    /// Its organizations.
    pub funnel: Option<Drawing>,
    /// How long its units waited.
    pub waits: Option<Drawing>,
}

/// The whole page.
#[derive(Debug, Serialize)]
pub struct Page {
    title: String,
    /// How numbers and months are written, for the script, where it is not the usual way.
    locale: Option<Written>,
    month: String,
    /// Months, people and date of the data, in a line.
    basis: String,
    facts: Vec<facts::Fact>,
    warnings: Vec<String>,
    glance: facts::Glance,
    families: Vec<String>,
    /// Whose values the summary can show in place of everyone's.
    organizations: Vec<String>,
    summary: Vec<summary::SummaryRow>,
    board: board::Board,
    /// Whether values have intervals: a public release has none.
    intervals: bool,
    cascades: Vec<cascade::Cascade>,
    sites: Option<sites::Sites>,
    measures: Vec<measure::Section>,
    /// The month axis of the first chart, which others of the same months refer to.
    axis: String,
    axis_id: &'static str,
    refused: Vec<Refused>,
    caveats: Vec<Caveat>,
    gaps: Vec<equity::GapRow>,
    /// Whether groups were compared at all.
    gaps_looked_for: bool,
    coverage: Option<coverage::Matrix>,
    accounting: accounting::Accounting,
    feeds: Option<feeds::Feeds>,
    definitions: Vec<definition::Definition>,
    definition_files: bool,
}

/// What the page's script must know to sort numbers and months.
#[derive(Debug, Serialize)]
struct Written {
    group: String,
    decimal: String,
    /// Twelve short names, with a bar between them.
    months: String,
    /// How a month is written, with a blank in place of name and year.
    month: String,
}

impl Written {
    fn unusual() -> Option<Self> {
        let locale = Locale::current();
        (*locale != Locale::default()).then(|| Self {
            group: locale.numbers.group.clone(),
            decimal: locale.numbers.decimal.clone(),
            months: locale.dates.short_months.join("|"),
            month: locale.dates.month.clone(),
        })
    }
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
}

impl Page {
    /// The page of a run; `charts` stand beside `rows`: chart and funnel of each computed measure.
    pub fn new(title: &str, results: &Results, rows: &[MeasureRows], charts: &[Drawings]) -> Self {
        let run = &results.run;
        let refused: Vec<&Measure> = sorted(results, false);
        let rows_of_all = rows.len();
        let axis = charts.iter().find_map(|drawn| drawn.chart.as_ref()).map(Drawing::inline_axis);
        Self {
            title: title.to_owned(),
            locale: Written::unusual(),
            month: run.month_words(run.report_month),
            basis: facts::basis(run),
            facts: facts::facts(results),
            warnings: facts::warnings(run),
            glance: facts::Glance::new(rows, refused.len(), results),
            families: summary::families(rows),
            organizations: table::organization_names(rows, run),
            summary: summary::rows(rows, run),
            board: board::Board::new(rows, run),
            intervals: run.release != Release::Public,
            cascades: cascade::cascades(rows, run),
            sites: sites::Sites::new(rows),
            measures: rows
                .iter()
                .zip(charts)
                .enumerate()
                .map(|(number, (rows, drawn))| {
                    let axis = axis.as_deref().map(|axis| (AXIS_ID, axis));
                    let most = table::most_organizations(rows_of_all);
                    measure::Section::new(number, rows, results, drawn, axis, most)
                })
                .collect(),
            caveats: rows
                .iter()
                .filter(|rows| !rows.measure.caveat.is_empty())
                .map(|rows| Caveat { title: rows.measure.title.clone(), anchor: rows.anchor() })
                .collect(),
            refused: refused
                .into_iter()
                .map(|measure| Refused {
                    title: measure.title.clone(),
                    id: measure.measure_id.clone(),
                    reason: refusal(measure),
                })
                .collect(),
            gaps: equity::gaps(rows, &results.disparities),
            gaps_looked_for: !results.disparities.is_empty(),
            axis: axis.clone().unwrap_or_default(),
            axis_id: AXIS_ID,
            coverage: coverage::Matrix::new(&results.coverage),
            accounting: accounting::Accounting::new(results),
            feeds: feeds::Feeds::new(results),
            definitions: sorted(results, true)
                .into_iter()
                .chain(sorted(results, false))
                .map(definition::Definition::new)
                .collect(),
            definition_files: definition::has_files(run),
        }
    }
}

/// Why a measure was refused, in a sentence.
fn refusal(measure: &Measure) -> String {
    if measure.refusal.is_empty() { "No reason is recorded.".to_owned() } else { words::sentence(&measure.refusal) }
}

/// Measures, computed or refused, in the report's order: by family, its headline first, then by title.
pub fn sorted(results: &Results, computed: bool) -> Vec<&Measure> {
    let mut measures: Vec<&Measure> = results.measures.iter().filter(|measure| measure.computed == computed).collect();
    measures.sort_by_cached_key(|measure| {
        (words::family_rank(&measure.family), measure.position, measure.title.clone(), measure.measure_id.clone())
    });
    measures
}
