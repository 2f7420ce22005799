//! Measures under way: units are counted group by group, and rates made, risk adjusted and protected.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow::array::RecordBatch;
use carecoord_lake::snapshot::Store;

use crate::before;
use crate::case_mix::{self, CaseMixRows};
use crate::completion::OwnTexts;
use crate::compute::Options;
use crate::definition::Measure;
use crate::error::{MeasureError, Result};
use crate::exclusions::exclusions;
use crate::gaps::Gaps;
use crate::organizations::Names;
use crate::people::{Dictionaries, People};
use crate::rates::{Counts, Rate, State, Tree, rates};
use crate::risk::{self, RiskRows};
use crate::rows::Cell;
use crate::several_sums::Before;
use crate::span::{Span, days, period_start};
use crate::suppression::{Disclosure, suppress};
use crate::tally::Tally;
use crate::timings::{self, Timings, Written};
use crate::units::Source;
use crate::workbench::Workbench;

/// What came of one measure.
pub struct Measured {
    /// The measure.
    pub measure: Measure,
    /// Its risk models.
    pub risk: RiskRows,
    /// Its case-mix models.
    pub case_mix: CaseMixRows,
    /// Who is left out of its values, and why.
    pub exclusions: Vec<Vec<Cell>>,
    /// Its rates, small counts hidden.
    pub rates: Vec<Rate>,
}

impl Measured {
    /// Whether the measure has units in the period that the report month lies in.
    #[must_use]
    pub fn has_data_now(&self, span: &Span) -> bool {
        let of_report = |rate: &&Rate| {
            rate.is_overall() && rate.key.period == days(period_start(rate.key.period_kind, span.report_month))
        };
        self.rates.iter().filter(of_report).any(|rate| rate.state != State::Undefined)
    }
}

/// How counts are protected.
pub struct Protection {
    suppress_below: u64,
    disclosure: Disclosure,
    /// What the run before published, by measure.
    before: HashMap<String, Before>,
}

impl Protection {
    pub fn new(options: &Options<'_>, span: &Span) -> Result<Self> {
        let before = match options.disclosure {
            Disclosure::Sums => HashMap::new(),
            Disclosure::Linear => before::published(&Store::results(options.project), span.report_month)?,
        };
        Ok(Self { suppress_below: options.suppress_below, disclosure: options.disclosure, before })
    }

    fn apply(&self, measure: &Measure, rates: &mut [Rate], tree: &Tree) {
        let none = Before::new();
        let before = self.before.get(&measure.id).unwrap_or(&none);
        suppress(rates, measure.kind, self.suppress_below, self.disclosure, before, tree);
    }
}

/// Measures under way, in order.
pub struct Running {
    span: Span,
    benches: Arc<Vec<Workbench>>,
    people: Arc<Vec<People>>,
    codes: Arc<Dictionaries>,
    /// Names by level and id.
    pub names: Arc<Names>,
    tree: Arc<Tree>,
    protection: Arc<Protection>,
    timings: Arc<Timings>,
    tasks: VecDeque<tokio::task::JoinHandle<Result<Vec<Measured>>>>,
}

impl Running {
    /// With the people of each group of buckets read.
    pub async fn new(
        span: &Span,
        benches: &Arc<Vec<Workbench>>,
        names: Names,
        tree: Tree,
        protection: Protection,
        timings: &Arc<Timings>,
    ) -> Result<Self> {
        let codes = Dictionaries::default();
        let mut people = Vec::with_capacity(benches.len());
        for bench in benches.iter() {
            people.push(People::read(bench, &codes).await?);
        }
        Ok(Self {
            span: span.clone(),
            benches: Arc::clone(benches),
            people: Arc::new(people),
            codes: Arc::new(codes),
            names: Arc::new(names),
            tree: Arc::new(tree),
            protection: Arc::new(protection),
            timings: Arc::clone(timings),
            tasks: VecDeque::new(),
        })
    }

    /// How many passes are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.tasks.len()
    }

    /// Starts a pass: a measure, or variants of one definition.
    pub fn start(&mut self, pass: Vec<(Measure, Gaps)>) {
        let (benches, names, tree) = (Arc::clone(&self.benches), Arc::clone(&self.names), Arc::clone(&self.tree));
        let (people, codes) = (Arc::clone(&self.people), Arc::clone(&self.codes));
        let (protection, span) = (Arc::clone(&self.protection), self.span.clone());
        let timings = Arc::clone(&self.timings);
        self.tasks.push_back(tokio::spawn(async move {
            let (measures, gaps): (Vec<Measure>, Vec<Gaps>) = pass.into_iter().unzip();
            let ids: Vec<&str> = measures.iter().map(|measure| measure.id.as_str()).collect();
            let ids = ids.join(", ");
            let begun = timings::begin();
            let own = OwnTexts::default();
            let mut written = Written::none();
            let months = span.months().len();
            let mut tallies: Vec<Tally> = measures.iter().map(|measure| Tally::new(measure, months)).collect();
            let mut kept: Vec<Vec<Vec<RecordBatch>>> = vec![Vec::new(); measures.len()];
            for (bench, people) in benches.iter().zip(people.iter()) {
                let source = Source { bench, people, names: &codes };
                let units = source.count(&measures, &own, |measure| measure.store_units, &mut tallies).await?;
                for ((measure, units), kept) in measures.iter().zip(units).zip(&mut kept) {
                    let path = bench.unit_path(measure);
                    written.add(units.write(&path, measure, people, &codes, &own)?, &path);
                    if measure.risk_sql.is_some() {
                        kept.push(units.batches(measure, people, &codes, &own)?);
                    }
                }
            }
            timings.end_written(begun, "count", ids.clone(), written);
            let begun = timings::begin();
            let mut found = Vec::with_capacity(measures.len());
            for (((measure, gaps), tally), kept) in measures.into_iter().zip(gaps).zip(&tallies).zip(kept) {
                let suppress_below = protection.suppress_below;
                let risk = risk::risk(&benches, &measure, kept, &names, suppress_below).await?;
                let case_mix = case_mix::case_mix(&benches, &measure, &names, suppress_below).await?;
                let counted = Counts { span: &span, tally, names: &codes, own: &own };
                let mut rates = rates(&counted, &measure, &tree, &gaps)?;
                protection.apply(&measure, &mut rates, &tree);
                let exclusions = exclusions(&counted, &measure, suppress_below, &rates);
                found.push(Measured { measure, risk, case_mix, exclusions, rates });
            }
            timings.end(begun, "rates", ids);
            Ok(found)
        }));
    }

    /// The measures of the pass that was started first; nothing when none is under way. After a failure none is.
    pub async fn next(&mut self) -> Result<Option<Vec<Measured>>> {
        let Some(task) = self.tasks.pop_front() else { return Ok(None) };
        match task.await.map_err(|error| MeasureError::engine("a measure", error)).flatten() {
            Ok(measured) => Ok(Some(measured)),
            Err(error) => {
                self.stop().await;
                Err(error)
            }
        }
    }

    /// Ends what is under way, before the draft that it writes into is swept away.
    pub async fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            let _ = task.await;
        }
    }
}
