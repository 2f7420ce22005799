//! Measures under way: the units of each cohort are counted group by group, and rates made, risk adjusted and protected.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arrow::array::RecordBatch;
use carecoord_lake::snapshot::Store;
use futures::{StreamExt, stream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::before;
use crate::case_mix::{self, CaseMixRows};
use crate::cohort::{Cohort, CohortUnits};
use crate::compute::Options;
use crate::definition::{Measure, passes};
use crate::error::{MeasureError, Result};
use crate::exclusions::exclusions;
use crate::gaps::Gaps;
use crate::groups::AtOnce;
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
use crate::unit_table::{MeasureUnits, Naming, write_cohort};
use crate::units::{Pass, Source};
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

/// What cohorts that are measured at the same time share.
struct Shared {
    span: Span,
    benches: Arc<Vec<Workbench>>,
    people: Vec<Arc<People>>,
    codes: Arc<Dictionaries>,
    names: Arc<Names>,
    tree: Tree,
    protection: Protection,
    timings: Arc<Timings>,
    at_once: AtOnce,
    /// Cohorts that may be measured now, and passes that may be counted.
    cohorts: Semaphore,
    passes: Semaphore,
    /// Receives the ids of the measures of each pass that begins.
    announce: mpsc::UnboundedSender<String>,
}

/// A cohort that is measured, and what comes of its measures, a pass after the other.
struct CohortUnderWay {
    task: tokio::task::JoinHandle<Result<()>>,
    measured: mpsc::Receiver<Vec<Measured>>,
}

/// Measures under way, in order.
pub struct Running {
    shared: Arc<Shared>,
    announced: mpsc::UnboundedReceiver<String>,
    cohorts: VecDeque<CohortUnderWay>,
    /// Names by level and id.
    pub names: Arc<Names>,
}

/// A pass over a group of buckets after the other.
struct Counting {
    pass: Pass,
    gaps: Vec<Gaps>,
    tallies: Vec<Tally>,
    /// The units of measures that are risk adjusted, by measure and group of buckets.
    risk: Vec<Vec<Vec<RecordBatch>>>,
}

impl Counting {
    fn new(pass: Vec<(Measure, Gaps)>, span: &Span) -> Self {
        let (measures, gaps): (Vec<Measure>, Vec<Gaps>) = pass.into_iter().unzip();
        let tallies = measures.iter().map(|measure| Tally::new(measure, span)).collect();
        let risk = vec![Vec::new(); measures.len()];
        Self { pass: Pass::new(measures), gaps, tallies, risk }
    }
}

impl Running {
    /// With the people of each group of buckets read.
    ///
    /// # Errors
    /// When a view cannot be read.
    pub async fn new(
        span: &Span,
        benches: &Arc<Vec<Workbench>>,
        names: Names,
        tree: Tree,
        protection: Protection,
        at_once: AtOnce,
        timings: &Arc<Timings>,
    ) -> Result<Self> {
        let begun = timings::begin();
        let codes = Dictionaries::default();
        let mut people = Vec::with_capacity(benches.len());
        for bench in benches.iter() {
            people.push(Arc::new(People::read(bench, &codes).await?));
        }
        timings.end(begun, "people", "all");
        let names = Arc::new(names);
        let (announce, announced) = mpsc::unbounded_channel();
        let shared = Shared {
            span: span.clone(),
            benches: Arc::clone(benches),
            people,
            codes: Arc::new(codes),
            names: Arc::clone(&names),
            tree,
            protection,
            timings: Arc::clone(timings),
            at_once,
            cohorts: Semaphore::new(at_once.cohorts),
            passes: Semaphore::new(at_once.passes),
            announce,
        };
        Ok(Self { shared: Arc::new(shared), announced, cohorts: VecDeque::new(), names })
    }

    /// Starts the measures: cohort by cohort, in the order of the first measure of each.
    pub fn start(&mut self, wanted: Vec<(Measure, Gaps)>) {
        let mut cohorts: Vec<(String, Vec<Counting>)> = Vec::new();
        for pass in passes(wanted, |(measure, _)| measure) {
            let Some(name) = pass.first().map(|(measure, _)| measure.cohort.clone()) else { continue };
            let counting = Counting::new(pass, &self.shared.span);
            match cohorts.iter_mut().find(|(cohort, _)| *cohort == name) {
                Some((_, counted)) => counted.push(counting),
                None => cohorts.push((name, vec![counting])),
            }
        }
        // Turns are taken in the order in which cohorts are read: rates of one that went ahead would wait in memory for the others.
        let mut before: Option<oneshot::Receiver<()>> = None;
        for (cohort, passes) in cohorts {
            let shared = Arc::clone(&self.shared);
            let (begun, next) = oneshot::channel();
            let before = before.replace(next);
            // Room for all of it: a cohort that had to wait for a reader would keep its turn from the cohort that is read first.
            let (done, measured) = mpsc::channel(passes.len().max(1));
            let task = tokio::spawn(async move {
                if let Some(before) = before {
                    // One that ended before it had its turn holds nobody up.
                    let _ = before.await;
                }
                // Held until the rates are made: models of risk hold rows too, and the memory of a large lake is enough for one cohort.
                let _turn = shared.cohorts.acquire().await.map_err(closed)?;
                let _ = begun.send(());
                Arc::clone(&shared).measure(&cohort, passes, &done).await
            });
            self.cohorts.push_back(CohortUnderWay { task, measured });
        }
    }

    /// The measures of the next pass, in the order of cohorts; nothing when none is under way. `progress` gets
    /// the ids of measures whose counting begins.
    ///
    /// # Errors
    /// When a measure of its cohort has failed. After that none is under way.
    pub async fn next(&mut self, progress: &(dyn Fn(&str) + Sync)) -> Result<Option<Vec<Measured>>> {
        while let Some(front) = self.cohorts.front_mut() {
            let found = loop {
                tokio::select! {
                    biased;
                    Some(ids) = self.announced.recv() => progress(&format!("measuring {ids}")),
                    found = front.measured.recv() => break found,
                }
            };
            if found.is_some() {
                return Ok(found);
            }
            let Some(CohortUnderWay { task, .. }) = self.cohorts.pop_front() else { break };
            if let Err(error) = task.await.map_err(|error| MeasureError::engine("a measure", error)).flatten() {
                self.stop().await;
                return Err(error);
            }
        }
        Ok(None)
    }

    /// Ends what is under way, before the draft that it writes into is swept away.
    pub async fn stop(&mut self) {
        for cohort in &self.cohorts {
            cohort.task.abort();
        }
        for cohort in self.cohorts.drain(..) {
            let _ = cohort.task.await;
        }
    }
}

fn closed(error: impl std::fmt::Display) -> MeasureError {
    MeasureError::engine("a measure", error)
}

impl Shared {
    /// Counts a cohort, and hands on what came of its measures, a pass after the other.
    async fn measure(
        self: Arc<Self>,
        cohort: &str,
        mut passes: Vec<Counting>,
        done: &mpsc::Sender<Vec<Measured>>,
    ) -> Result<()> {
        self.count(cohort, &mut passes).await?;
        let rated = passes.into_iter().map(|counting| {
            let shared = Arc::clone(&self);
            async move {
                // A set, since what is in it ends when nobody waits for it any more.
                let mut alone = JoinSet::new();
                alone.spawn(async move { shared.rates(counting).await });
                alone.join_next().await.ok_or_else(|| closed("it did not start"))?.map_err(closed).flatten()
            }
        });
        let mut rated = stream::iter(rated).buffered(self.at_once.rates);
        while let Some(measured) = rated.next().await {
            // Nobody listens any more after a failure.
            if done.send(measured?).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Counts the units of a cohort and writes them, a group of buckets after the other.
    async fn count(&self, cohort: &str, passes: &mut [Counting]) -> Result<()> {
        let mut first_row = 0;
        for (bench, people) in self.benches.iter().zip(&self.people) {
            let source = Source { bench, people, names: &self.codes };
            let units: Arc<Cohort> = Arc::default();
            let counted = passes.iter_mut().map(|counting| self.count_pass(&source, &units, counting));
            let kept = futures::future::try_join_all(counted).await?;
            let units = Arc::into_inner(units).map(Cohort::into_units);
            let units = units.ok_or_else(|| MeasureError::engine("a cohort", "a thread still counts its units"))?;

            let begun = timings::begin();
            let mut wanted = vec![false; units.units.len()];
            kept.iter().flatten().for_each(|kept| kept.mark(&mut wanted));
            let Some(any) = passes.first() else { return Ok(()) };
            let path = bench.cohort_unit_path(cohort);
            let (row_of, rows) =
                write_cohort(&path, cohort, first_row, people, &wanted, &self.naming(&units, &any.pass))?;
            let mut written = Written::none();
            written.add(rows, &path);
            self.timings.end_written(begun, "units", cohort, written);
            for (Counting { pass, .. }, kept) in passes.iter().zip(&kept) {
                let begun = timings::begin();
                let mut written = Written::none();
                for (measure, kept) in pass.measures.iter().zip(kept) {
                    let path = bench.measure_unit_path(measure);
                    let rows =
                        kept.write(&path, measure, &self.span, (first_row, &row_of), &self.naming(&units, pass))?;
                    written.add(rows, &path);
                }
                self.timings.end_written(begun, "units", pass.ids(), written);
            }
            first_row += i64::try_from(rows).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    fn naming<'a>(&'a self, cohort: &'a CohortUnits, pass: &'a Pass) -> Naming<'a> {
        Naming { cohort, names: &self.codes, own: &pass.own }
    }

    async fn count_pass(
        &self,
        source: &Source<'_>,
        units: &Arc<Cohort>,
        counting: &mut Counting,
    ) -> Result<Vec<MeasureUnits>> {
        let _turn = self.passes.acquire().await.map_err(closed)?;
        let Counting { pass, tallies, risk, .. } = counting;
        let _ = self.announce.send(pass.ids());
        let begun = timings::begin();
        let kept = source.count(pass, units, |measure| measure.store_units, tallies).await?;
        for ((measure, kept), risk) in pass.measures.iter().zip(&kept).zip(risk) {
            if measure.risk_sql.is_some() {
                let units = units.units();
                risk.push(kept.for_risk(measure, &self.span, &self.naming(&units, pass), risk::year_of(&self.span))?);
            }
        }
        self.timings.end(begun, "count", pass.ids());
        Ok(kept)
    }

    /// Rates of the measures of a pass, risk adjusted and protected.
    async fn rates(&self, Counting { pass, gaps, tallies, risk }: Counting) -> Result<Vec<Measured>> {
        let begun = timings::begin();
        let mut found = Vec::with_capacity(tallies.len());
        for (((measure, gaps), tally), units) in pass.measures.iter().zip(gaps).zip(&tallies).zip(risk) {
            let suppress_below = self.protection.suppress_below;
            let risk = risk::risk(&self.benches, measure, units, &self.names, suppress_below).await?;
            let case_mix = case_mix::case_mix(&self.benches, measure, &self.names, suppress_below).await?;
            let counted = Counts { span: &self.span, tally, names: &self.codes, own: &pass.own };
            let mut rates = rates(&counted, measure, &self.tree, &gaps)?;
            self.protection.apply(measure, &mut rates, &self.tree);
            let exclusions = exclusions(&counted, measure, suppress_below, &rates);
            found.push(Measured { measure: measure.clone(), risk, case_mix, exclusions, rates });
        }
        self.timings.end(begun, "rates", pass.ids());
        Ok(found)
    }
}
