//! The whole way from lake to results: prepared views, units, rates, suppression, signals, work lists, and what the
//! run was made from. Published as one snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use carecoord_lake::contract::{self, Contract};
use carecoord_lake::manifest::{Manifest, ResultsManifest, TableEntry};
use carecoord_lake::parquet_file::Writer;
use carecoord_lake::snapshot::{Draft, Snapshot, Store};
use carecoord_lake::sql::Sharing;
use carecoord_lake::{files, parquet_file, sql};
use datafusion::execution::runtime_env::RuntimeEnv;
use jiff::civil::Date;

use crate::atlas;
use crate::before;
use crate::case_mix::{self, CaseMixRows};
use crate::completion::OwnTexts;
use crate::definition::{
    Better, Feed, Kind, Measure, NeededRows, View, passes, prepared_views, views_for, whole_views, worklists_of,
};
use crate::equity::{self, EquityRows};
use crate::error::{MeasureError, Result};
use crate::exclusions::exclusions;
use crate::feeds;
use crate::funnels;
use crate::gaps::{self, Gaps};
use crate::instrument::{self, Instrument};
use crate::people::{Dictionaries, People};
use crate::rates::{Counts, Exact, Rate, State, Tree, UNKNOWN, rates};
use crate::risk::{self, RiskRows};
use crate::rows::{self, Cell};
use crate::several_sums::Before;
use crate::signals::{self, Settings};
use crate::span::{Span, days, period_start};
use crate::spellings;
use crate::suppression::{Disclosure, suppress};
use crate::tally::Tally;
use crate::targets;
use crate::timings::{self, Timing, Timings};
use crate::units::Source;
use crate::workbench::{MEMORY_BYTES, Params, Shipped, Workbench, number_at, shipped, text_at};

/// Rows of tables about patients that are measured together, unless one bucket alone has more.
const ROWS_AT_ONCE: u64 = 4_000_000;
/// Rows of `survey_response` count so many times: each questionnaire meets all items of its instrument, so that three groups of a
/// million questionnaires needed 2.2 GB, and eight need 1.6 GB.
const ANSWERS_WEIGH: u64 = 2;
/// Buckets that are measured together at the most: more partitions only divide the memory.
const BUCKETS_AT_ONCE: u32 = 8;
/// The same for lakes of more than [`ROWS_FOR_SEVERAL`] rows, where each of the sorts and joins of each partition gets an equal share
/// of the memory.
const FEW_BUCKETS_AT_ONCE: u32 = 4;
/// Rows of a lake that fits into memory: several of its measures are computed at once.
const ROWS_FOR_SEVERAL: u64 = 2_000_000;
/// So many of them at the most.
const MEASURES_AT_ONCE: usize = 4;
/// Units of which none is in the numerator before one wonders whether the data hold what is counted [P].
const ENOUGH_TO_WONDER: u64 = 100;
/// Rates that are brought into columns together.
const RATES_AT_ONCE: usize = 16_384;

/// What to compute and how.
pub struct Options<'a> {
    /// Project folder.
    pub project: &'a Path,
    /// Measures.
    pub measures: Vec<Measure>,
    /// Survey instruments.
    pub instruments: Vec<Instrument>,
    /// Any day of the month to report; the last whole month before the extract date unless stated.
    pub report_month: Option<Date>,
    /// Months measured, the report month included.
    pub months: i64,
    /// Counts from 1 to one less are suppressed.
    pub suppress_below: u64,
    /// What is ruled out beside them.
    pub disclosure: Disclosure,
    /// What charts are made with.
    pub charts: Settings,
    /// Buckets of patients measured together; chosen by the lake's size unless stated. Results do not depend on it:
    /// fewer need less memory.
    pub buckets_at_once: Option<u32>,
    /// Told what is being done.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The published results.
    pub snapshot: Snapshot,
    /// What was measured.
    pub span: Span,
    /// Ids of the measures computed.
    pub computed: Vec<String>,
    /// Measures that the data cannot support, with the reason.
    pub refused: Vec<(String, String)>,
    /// What each step took.
    pub timings: Vec<Timing>,
}

/// Computes and publishes.
///
/// # Errors
/// When there is no lake, a definition is broken, or the machine refuses. A measure that the data cannot support is no
/// error: it is refused with its reason.
pub fn compute(options: &Options<'_>) -> Result<Outcome> {
    runtime()?.block_on(run(options))
}

/// A runtime for DataFusion with a thread for each core.
///
/// # Errors
/// When the system refuses threads.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        // Expressions are evaluated a level deeper for each of their operators; only what is used is taken from the machine.
        .thread_stack_size(64 << 20)
        .build()
        .map_err(|error| MeasureError::engine("cannot start threads", error))
}

/// The span that a lake and the options ask for. The extract date is what someone stated, else the last date of the
/// first of these tables in which something happened: encounter, referral, claim line, survey response, any other.
///
/// # Errors
/// When the lake holds no dates or a date cannot be read.
pub fn span_of(manifest: &Manifest, report_month: Option<Date>, months: i64) -> Result<Span> {
    let setting = |what: &str, reason: String| MeasureError::Setting { what: what.to_owned(), reason };
    let parse = |text: &str| text.parse::<Date>().map_err(|error| setting("extract_date", format!("{text}: {error}")));
    // A lake from before the last day of what happened was kept has only the last day of all rows.
    let last = |entry: &TableEntry| entry.last_happened.clone().or_else(|| entry.last_date.clone());
    let last_of = |table: &str| manifest.tables.get(table).and_then(last);
    let seen = ["encounter", "referral", "claim_line", "survey_response"].into_iter().find_map(last_of);
    let seen = seen.or_else(|| manifest.tables.values().filter_map(|entry| entry.last_happened.clone()).max());
    let seen = seen.or_else(|| manifest.tables.values().filter_map(|entry| entry.last_date.clone()).max());
    let (extract_date, assumed) = match (&manifest.extract_date, seen) {
        (Some(stated), _) => (parse(stated)?, false),
        (None, Some(seen)) => (parse(&seen)?, true),
        (None, None) => {
            return Err(setting(
                "extract_date",
                "the lake holds no dated rows; state the day with --extract-date".to_owned(),
            ));
        }
    };
    let report_month = report_month.unwrap_or_else(|| Span::last_whole_month(extract_date));
    Span::new(report_month, months, extract_date, assumed)
}

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

async fn run(options: &Options<'_>) -> Result<Outcome> {
    let lake = Store::lake(options.project).current()?;
    let manifest = Manifest::read(&lake)?;
    let span = span_of(&manifest, options.report_month, options.months)?;
    let draft = Store::results(options.project).begin()?;
    let protection = Protection::new(options, &span)?;
    let scratch = draft.path().join("scratch");
    files::create_folder(&scratch)?;
    let sharing = if rows_of(&manifest) > ROWS_FOR_SEVERAL { Sharing::Equal } else { Sharing::Free };
    let runtime = sql::runtime(MEMORY_BYTES, sharing, &scratch)?;
    let loaded = manifest.tables.iter().filter(|(_, entry)| entry.rows > 0).map(|(name, _)| name.clone());
    let loaded: BTreeSet<String> = loaded.collect();
    let shipped = shipped(&options.measures, &options.instruments)?;
    let lists = worklists_of(&options.measures);
    let [views, whole] = views_of(options, &lists);
    let timings = Arc::new(Timings::default());
    let begun = timings::begin();
    let benches = open(options, &lake, &manifest, &runtime, (&span, draft.path(), &loaded, &shipped), &timings).await?;
    timings.end(begun, "open", "lake");
    Workbench::prepare(&benches, &views, &BTreeMap::new(), options.progress).await?;
    // A session over all patients reads what the groups have prepared, and nothing else.
    let all =
        Workbench::open(sql::session(manifest.buckets, &runtime)?, &span, draft.path(), 1, loaded, &shipped, &timings)?;
    if let (Some(one), Some(all)) = (benches.first(), all.first()) {
        all.gather(one, &views).await?;
    }
    Workbench::prepare(&all, &whole, &BTreeMap::new(), options.progress).await?;
    if let (Some(one), Some(all)) = (benches.first(), all.first()) {
        one.adopt(all, &whole).await?;
    }
    let (names, tree) = match benches.first() {
        Some(bench) => {
            sites_of_targets(bench, &options.charts).await?;
            (names(bench).await?, tree(bench).await?)
        }
        None => (HashMap::new(), Tree::default()),
    };
    let mut tables = Tables::default();
    let mut writers = RateWriters::create(draft.path())?;
    let mut rows_found = RowsFound::default();
    let (mut wanted, mut computed, mut has_data) = (Vec::new(), Vec::new(), Vec::new());
    let (mut refused, mut finder) = (Vec::new(), gaps::Finder::default());
    for measure in &options.measures {
        let why_not = match refusal(measure, &manifest, &options.instruments) {
            Some(reason) => Some(reason),
            None => rows_found.missing(&benches, measure).await?,
        };
        let gaps = if why_not.is_none() { finder.gaps(&benches, measure, &manifest).await? } else { Gaps::new() };
        let caveats = rows_found.caveats(&benches, measure, &gaps).await?;
        tables.measures.push(measure_row(measure, why_not.as_deref(), &caveats));
        if let Some(reason) = why_not {
            refused.push((measure.id.clone(), reason));
            has_data.push((measure.id.clone(), false));
            continue;
        }
        wanted.push((measure.clone(), gaps));
    }
    let begun = timings::begin();
    let mut running = Running::new(&span, benches, names, tree, protection, &timings).await?;
    timings.end(begun, "people", "all");
    let at_once = measures_at_once(&manifest);
    let mut waiting = passes(wanted, |(measure, _)| measure).into_iter();
    loop {
        while running.tasks.len() < at_once {
            let Some(pass) = waiting.next() else { break };
            let ids: Vec<&str> = pass.iter().map(|(measure, _)| measure.id.as_str()).collect();
            (options.progress)(&format!("measuring {}", ids.join(", ")));
            running.start(pass);
        }
        let Some(pass) = running.next().await? else { break };
        for measured in pass {
            has_data.push((measured.measure.id.clone(), has_data_now(&measured.rates, &span)));
            computed.push(measured.measure.id.clone());
            let written = tables.add(measured, &span, &mut writers, &running.names, options);
            if let Err(error) = written {
                running.stop().await;
                return Err(error);
            }
        }
    }
    let begun = timings::begin();
    let benches = running.benches;
    tables.preparations = preparations(&benches, &views).await?;
    let (worklists, left_out) = work(&benches, &lists).await?;
    tables.worklists = worklists;
    tables.preparations.extend(left_out);
    tables.caseload = caseload(&benches, &running.names, options.suppress_below).await?;
    tables.coverage = atlas::coverage(&has_data)?;
    tables.feed_months = feeds::rows(&benches, &manifest, options.suppress_below).await?;
    timings.end(begun, "lists", "all");
    let begun = timings::begin();
    let identity = identity(options, &lake, &span);
    (options.progress)("writing results");
    writers.finish()?;
    tables.write(draft.path(), run_row(options, &manifest, &lake, &span, &identity), &manifest)?;
    drop((benches, all));
    files::remove_folder(&scratch)?;
    let snapshot = publish(draft, &identity)?;
    timings.end(begun, "write", "all");
    Ok(Outcome { snapshot, span, computed, refused, timings: timings.list() })
}

/// The prepared views that a run reads: those of each group of buckets, and those of all patients.
fn views_of(options: &Options<'_>, lists: &[(String, String)]) -> [Vec<View>; 2] {
    let (of_groups, of_all) = (prepared_views(), whole_views());
    let every: Vec<View> = of_groups.iter().chain(&of_all).cloned().collect();
    let read = views_for(&every, &options.measures, lists);
    [of_groups, of_all]
        .map(|views| views.into_iter().filter(|view| read.iter().any(|read| read.name == view.name)).collect())
}

fn publish(draft: Draft, identity: &str) -> Result<Snapshot> {
    let manifest = ResultsManifest::write(&draft, identity)?;
    Ok(draft.publish(&manifest)?)
}

/// The groups of buckets of the lake, in which one hospital has one spelling.
async fn open(
    options: &Options<'_>,
    lake: &Snapshot,
    manifest: &Manifest,
    runtime: &Arc<RuntimeEnv>,
    (span, folder, loaded, shipped): (&Span, &Path, &BTreeSet<String>, &Shipped),
    timings: &Arc<Timings>,
) -> Result<Vec<Workbench>> {
    let groups = groups(manifest, options.buckets_at_once);
    let most = groups.iter().map(|buckets| buckets.end - buckets.start).max().unwrap_or(1);
    let context = sql::session(most, runtime)?;
    sql::register_lake_in_groups(&context, lake, manifest, &groups)?;
    let benches = Workbench::open(context, span, folder, groups.len(), loaded.clone(), shipped, timings)?;
    spellings::unify(&benches).await?;
    Ok(benches)
}

/// What came of one measure.
struct Measured {
    measure: Measure,
    risk: RiskRows,
    case_mix: CaseMixRows,
    exclusions: Vec<Vec<Cell>>,
    rates: Vec<Rate>,
}

/// How counts are protected.
struct Protection {
    suppress_below: u64,
    disclosure: Disclosure,
    /// What the run before published, by measure.
    before: HashMap<String, Before>,
}

impl Protection {
    fn new(options: &Options<'_>, span: &Span) -> Result<Self> {
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
struct Running {
    span: Span,
    benches: Arc<Vec<Workbench>>,
    people: Arc<Vec<People>>,
    codes: Arc<Dictionaries>,
    names: Arc<HashMap<(&'static str, String), String>>,
    tree: Arc<Tree>,
    protection: Arc<Protection>,
    timings: Arc<Timings>,
    tasks: VecDeque<tokio::task::JoinHandle<Result<Vec<Measured>>>>,
}

impl Running {
    /// With the people of each group of buckets read.
    async fn new(
        span: &Span,
        benches: Vec<Workbench>,
        names: HashMap<(&'static str, String), String>,
        tree: Tree,
        protection: Protection,
        timings: &Arc<Timings>,
    ) -> Result<Self> {
        let codes = Dictionaries::default();
        let mut people = Vec::with_capacity(benches.len());
        for bench in &benches {
            people.push(People::read(bench, &codes).await?);
        }
        Ok(Self {
            span: span.clone(),
            benches: Arc::new(benches),
            people: Arc::new(people),
            codes: Arc::new(codes),
            names: Arc::new(names),
            tree: Arc::new(tree),
            protection: Arc::new(protection),
            timings: Arc::clone(timings),
            tasks: VecDeque::new(),
        })
    }

    fn start(&mut self, pass: Vec<(Measure, Gaps)>) {
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
            let months = span.months().len();
            let mut tallies: Vec<Tally> = measures.iter().map(|measure| Tally::new(measure, months)).collect();
            let mut kept: Vec<Vec<Vec<RecordBatch>>> = vec![Vec::new(); measures.len()];
            for (bench, people) in benches.iter().zip(people.iter()) {
                let source = Source { bench, people, names: &codes };
                let units = source.count(&measures, &own, |measure| measure.store_units, &mut tallies).await?;
                for ((measure, units), kept) in measures.iter().zip(units).zip(&mut kept) {
                    units.write(&bench.unit_path(measure), measure, people, &codes, &own)?;
                    if measure.risk_sql.is_some() {
                        kept.push(units.batches(measure, people, &codes, &own)?);
                    }
                }
            }
            timings.end(begun, "count", ids.clone());
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
    async fn next(&mut self) -> Result<Option<Vec<Measured>>> {
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
    async fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            let _ = task.await;
        }
    }
}

fn rows_of(manifest: &Manifest) -> u64 {
    manifest.tables.values().map(|entry| entry.rows).sum()
}

/// How many measures are computed at once. Where a lake is small, most of the time goes into planning, which uses one core; where
/// it is large, each measure uses all cores and the memory that there is.
fn measures_at_once(manifest: &Manifest) -> usize {
    if rows_of(manifest) > ROWS_FOR_SEVERAL {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MEASURES_AT_ONCE)
}

/// Buckets measured together. All rows of a patient lie in the same bucket of every table, so no measure needs two
/// groups at once, and the memory that joins need is that of a group, not of the lake.
fn groups(manifest: &Manifest, at_once: Option<u32>) -> Vec<Range<u32>> {
    let rows = |bucket: u32| -> u64 {
        let of_table = |(name, table): (&String, &TableEntry)| -> u64 {
            let rows: u64 = table.files.iter().filter(|file| file.bucket == bucket).map(|file| file.rows).sum();
            rows * if name == "survey_response" { ANSWERS_WEIGH } else { 1 }
        };
        manifest.tables.iter().map(of_table).sum()
    };
    let fitting = if rows_of(manifest) > ROWS_FOR_SEVERAL { FEW_BUCKETS_AT_ONCE } else { BUCKETS_AT_ONCE };
    let most = at_once.unwrap_or(fitting).max(1);
    let mut groups = Vec::new();
    let (mut start, mut held) = (0, 0);
    for bucket in 0..manifest.buckets {
        let rows = rows(bucket);
        if bucket > start && (bucket - start == most || held + rows > ROWS_AT_ONCE) {
            groups.push(start..bucket);
            (start, held) = (bucket, 0);
        }
        held += rows;
    }
    groups.push(start..manifest.buckets);
    groups
}

/// What makes this run what it is: equal inputs, definitions and options give an equal text.
fn identity(options: &Options<'_>, lake: &Snapshot, span: &Span) -> String {
    // A project's currency stands in the unit, not in the definition.
    let of_measure = |measure: &Measure| format!("{} {}", measure.definition_hash(), measure.value_unit);
    let mut definitions: Vec<String> = options.measures.iter().map(of_measure).collect();
    definitions.extend(options.instruments.iter().map(|instrument| format!("{instrument:?}")));
    let text = format!(
        "{}\n{}\n{span:?}\n{}\n{}\n{:?}\n{}",
        env!("CARGO_PKG_VERSION"),
        lake.id,
        options.suppress_below,
        options.disclosure.word(),
        options.charts,
        definitions.join("\n")
    );
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

fn run_row(options: &Options<'_>, manifest: &Manifest, lake: &Snapshot, span: &Span, identity: &str) -> Vec<Cell> {
    let stated = serde_json::json!({
        "months": options.months,
        "report_month": span.report_month.to_string(),
        "suppress_below": options.suppress_below,
        "disclosure": options.disclosure.word(),
        "measures": options.measures.iter().map(|measure| measure.id.as_str()).collect::<Vec<_>>(),
        "extracts": manifest.extracts.iter().map(|extract| (extract.file.as_str(), extract.hash.as_str())).collect::<Vec<_>>(),
        "seed": serde_json::Value::Null,
    });
    vec![
        identity.into(),
        lake.id.clone().into(),
        manifest.source.clone().into(),
        env!("CARGO_PKG_VERSION").into(),
        Cell::Date(days(span.report_month)),
        Cell::Date(days(span.extract_date)),
        span.extract_date_assumed.into(),
        Cell::Date(days(span.first_month)),
        options.suppress_below.into(),
        manifest.tables.get("patient").map_or(0, |entry| entry.rows).into(),
        stated.to_string().into(),
    ]
}

fn measure_row(measure: &Measure, refusal: Option<&str>, caveats: &[String]) -> Vec<Cell> {
    vec![
        measure.id.clone().into(),
        measure.code.clone().into(),
        measure.title.clone().into(),
        measure.family.clone().into(),
        measure.position.into(),
        measure.kind.word().into(),
        measure.unit_name.clone().into(),
        measure.better.word().into(),
        measure.multiplier.into(),
        measure.value_unit.clone().into(),
        measure.decimals.into(),
        measure.window_days.into(),
        measure.feed.runout_days().into(),
        measure.steward.clone().into(),
        measure.version.clone().into(),
        measure.why.clone().into(),
        measure.rule.clone().into(),
        measure.sources.join("\n").into(),
        measure.atlas.join(",").into(),
        if refusal.is_some() { "refused" } else { "computed" }.into(),
        refusal.into(),
        (!caveats.is_empty()).then(|| caveats.join("\n")).into(),
        // Not known before the measure is computed.
        Cell::Null,
        (!measure.subgroups.is_empty()).then(|| measure.subgroups.join("\n")).into(),
        (!measure.cascade.is_empty()).then(|| measure.cascade.clone()).into(),
        measure.definition.clone().into(),
        measure.definition_hash().into(),
    ]
}

/// Names of organizations, practitioners and coordinators, by level and id.
async fn names(bench: &Workbench) -> Result<HashMap<(&'static str, String), String>> {
    let mut names = HashMap::new();
    let queries: [(&[&'static str], &str); 3] = [
        (&["program"], "select program_id, name from lake.program where name is not null"),
        (
            &["organization", "hospital", "system"],
            "select organization_id, name from lake.organization where name is not null",
        ),
        (
            &["practitioner", "coordinator"],
            "select practitioner_id, name from lake.practitioner where name is not null",
        ),
    ];
    for (levels, query) in queries {
        for batch in bench.collect(query).await? {
            for row in 0..batch.num_rows() {
                if let (Some(id), Some(name)) = (text_at(batch.column(0), row), text_at(batch.column(1), row)) {
                    for level in levels {
                        names.insert((*level, id.clone()), name.clone());
                    }
                }
            }
        }
    }
    Ok(names)
}

/// The tree of organizations.
async fn tree(bench: &Workbench) -> Result<Tree> {
    let mut rows = Vec::new();
    for batch in bench.collect("select organization_id, kind, part_of_organization_id from lake.organization").await? {
        for row in 0..batch.num_rows() {
            let text = |column: usize| text_at(batch.column(column), row);
            if let Some(id) = text(0) {
                rows.push((id, text(1), text(2)));
            }
        }
    }
    Ok(Tree::new(rows))
}

/// Every organization that has a target of its own must be in the lake: a slip would leave it without one.
async fn sites_of_targets(bench: &Workbench, settings: &Settings) -> Result<()> {
    if settings.site_targets.is_empty() {
        return Ok(());
    }
    let mut known = BTreeSet::new();
    for batch in bench.collect("select organization_id from lake.organization").await? {
        known.extend((0..batch.num_rows()).filter_map(|row| text_at(batch.column(0), row)));
    }
    match settings.site_targets.keys().find(|id| !known.contains(*id)) {
        Some(id) => Err(MeasureError::Setting {
            what: "site_targets".to_owned(),
            reason: format!("no organization of the lake has the id \"{id}\""),
        }),
        None => Ok(()),
    }
}

/// People on each coordinator's caseload on the last day of each month.
async fn caseload(
    benches: &[Workbench],
    names: &HashMap<(&'static str, String), String>,
    threshold: u64,
) -> Result<Vec<Vec<Cell>>> {
    let mut found: BTreeMap<(String, i32), u64> = BTreeMap::new();
    for bench in benches {
        // The rule is that of prepared.attribution.
        let (coordinator, spans) = if bench.holds("attribution") {
            (
                "a.practitioner_id",
                "left join prepared.attribution a on a.patient_id = p.patient_id and a.role = 'coordinator' \
                 and m.last_day between a.valid_from and a.valid_until",
            )
        } else {
            ("p.coordinator_id", "")
        };
        let query = format!(
            "select coalesce({coordinator}, '{UNKNOWN}') as coordinator, cast(m.month as int) as month, count(*) as people \
             from prepared.person p cross join prepared.months m {spans} \
             where (p.deceased_date is null or p.deceased_date > m.last_day) \
             and (p.birth_date is null or p.birth_date <= m.last_day) group by 1, 2"
        );
        for batch in bench.collect(&query).await? {
            for row in 0..batch.num_rows() {
                let number = |column: usize| number_at(batch.column(column), row).unwrap_or_default();
                let coordinator = text_at(batch.column(0), row).unwrap_or_default();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A day and a count of rows.
                let (month, people) = (number(1) as i32, number(2) as u64);
                *found.entry((coordinator, month)).or_default() += people;
            }
        }
    }
    let small = |people: u64| (1..threshold).contains(&people);
    // Where one caseload of a month is hidden, the smallest other one is too: the total may be known.
    let mut with_it: BTreeMap<i32, (String, u64)> = BTreeMap::new();
    let mut hidden_of: BTreeMap<i32, u64> = BTreeMap::new();
    for ((coordinator, month), people) in &found {
        if small(*people) {
            *hidden_of.entry(*month).or_default() += 1;
        } else if with_it.get(month).is_none_or(|(_, least)| people < least) {
            with_it.insert(*month, (coordinator.clone(), *people));
        }
    }
    let rows = found.into_iter().map(|((coordinator, month), people)| {
        let alone = hidden_of.get(&month) == Some(&1);
        let hidden = small(people) || (alone && with_it.get(&month).is_some_and(|(other, _)| *other == coordinator));
        vec![
            coordinator.clone().into(),
            names.get(&("coordinator", coordinator)).cloned().into(),
            Cell::Date(month),
            if hidden { Cell::Null } else { people.into() },
            if hidden { "suppressed" } else { "shown" }.into(),
        ]
    });
    Ok(rows.collect())
}

/// What the rules of the prepared views took and left, over all groups of buckets.
async fn preparations(benches: &[Workbench], views: &[View]) -> Result<Vec<Vec<Cell>>> {
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

/// Whether so many units of a proportion have no numerator at all that the data may not hold what it counts; where lower is
/// better, none may well be a fact.
fn nothing_found(measure: &Measure, rates: &[Rate]) -> bool {
    // Periods of one length cover all months, and are not counted twice.
    let shortest = ["month", "quarter", "year"].into_iter().find(|kind| measure.periods.iter().any(|one| one == kind));
    let of_everyone = rates.iter().filter(|rate| rate.is_overall() && Some(rate.key.period_kind) == shortest);
    let (mut units, mut found) = (0, false);
    for rate in of_everyone {
        units += rate.sums.n;
        found |= rate.sums.numerator != Exact::default();
    }
    measure.kind == Kind::Proportion && measure.better == Better::Higher && units >= ENOUGH_TO_WONDER && !found
}

/// Whether a measure has units in the period that the report month lies in.
fn has_data_now(rates: &[Rate], span: &Span) -> bool {
    let of_report = |rate: &&Rate| {
        rate.is_overall() && rate.key.period == days(period_start(rate.key.period_kind, span.report_month))
    };
    rates.iter().filter(of_report).any(|rate| rate.state != State::Undefined)
}

/// Rows of these work lists, in the contract's order, and for the table `preparation` how many rows each list considered, left out
/// and holds.
async fn work(
    benches: &[Workbench],
    lists: &[(String, String)],
) -> Result<(Vec<arrow::array::RecordBatch>, Vec<Vec<Cell>>)> {
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
pub(crate) struct Worklist {
    /// The rows that are on it.
    pub rows: Vec<arrow::array::RecordBatch>,
    /// How many are not, by reason.
    pub left_out: BTreeMap<String, u64>,
}

/// Runs a work list's SQL: rows whose column `left_out` says why are counted, the others are on the list.
pub(crate) async fn worklist(bench: &Workbench, id: &str, text: &str) -> Result<Worklist> {
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

/// A results table that is written while measures are computed.
struct RowWriter {
    contract: &'static Contract,
    writer: Writer,
}

impl RowWriter {
    fn create(folder: &Path, table: &str) -> Result<Self> {
        let contract = contract::result(table)?;
        Ok(Self { contract, writer: Writer::create(&path(folder, table), contract.schema())? })
    }

    fn append(&mut self, rows: &[Vec<Cell>]) -> Result<()> {
        Ok(self.writer.write(&rows::batch(self.contract, rows)?)?)
    }

    fn finish(self) -> Result<()> {
        Ok(self.writer.finish()?)
    }
}

/// The results tables made of rates. Written measure by measure: with many practitioners, the rates of all would not fit into
/// memory.
struct RateWriters {
    rates: RowWriter,
    waits: RowWriter,
    wait_curves: RowWriter,
    charts: RowWriter,
    signals: RowWriter,
    annotations: RowWriter,
    targets: RowWriter,
    funnels: RowWriter,
    curves: RowWriter,
}

impl RateWriters {
    fn create(folder: &Path) -> Result<Self> {
        Ok(Self {
            rates: RowWriter::create(folder, "rate")?,
            waits: RowWriter::create(folder, "wait")?,
            wait_curves: RowWriter::create(folder, "wait_curve")?,
            charts: RowWriter::create(folder, "chart")?,
            signals: RowWriter::create(folder, "signal")?,
            annotations: RowWriter::create(folder, "annotation")?,
            targets: RowWriter::create(folder, "target")?,
            funnels: RowWriter::create(folder, "funnel")?,
            curves: RowWriter::create(folder, "funnel_curve")?,
        })
    }

    fn append(
        &mut self,
        measure: &Measure,
        rates: &[Rate],
        names: &HashMap<(&'static str, String), String>,
        options: &Options<'_>,
    ) -> Result<()> {
        let suppress_below = options.suppress_below;
        let waits: Vec<_> = rates.iter().filter_map(|rate| rate.wait_row(measure, suppress_below)).collect();
        self.waits.append(&waits)?;
        let curves: Vec<_> = rates.iter().flat_map(|rate| rate.wait_curve_rows(measure, suppress_below)).collect();
        self.wait_curves.append(&curves)?;
        let drawn = signals::rows(measure, rates, &options.charts);
        self.charts.append(&drawn.charts)?;
        self.signals.append(&drawn.months)?;
        self.annotations.append(&drawn.annotations)?;
        self.targets.append(&targets::rows(measure, rates, &options.charts))?;
        let funnel = funnels::rows(measure, rates, names);
        self.funnels.append(&funnel.sites)?;
        self.curves.append(&funnel.curve)?;
        rates.chunks(RATES_AT_ONCE).try_for_each(|some| {
            let row = |rate: &Rate| rate.row(measure, names);
            self.rates.append(&some.iter().map(row).collect::<Vec<_>>())
        })
    }

    fn finish(self) -> Result<()> {
        let Self { rates, waits, wait_curves, charts, signals, annotations, targets, funnels, curves } = self;
        rates.finish()?;
        let others = [waits, wait_curves, charts, signals, annotations, targets, funnels, curves];
        others.into_iter().try_for_each(RowWriter::finish)
    }
}

#[derive(Default)]
struct Tables {
    measures: Vec<Vec<Cell>>,
    exclusions: Vec<Vec<Cell>>,
    preparations: Vec<Vec<Cell>>,
    risk: RiskRows,
    case_mix: CaseMixRows,
    equity: EquityRows,
    coverage: Vec<Vec<Cell>>,
    feed_months: Vec<Vec<Cell>>,
    caseload: Vec<Vec<Cell>>,
    worklists: Vec<arrow::array::RecordBatch>,
}

impl Tables {
    /// Says of a computed measure whether anything was found of what it counts.
    fn nothing_found(&mut self, measure: &Measure, rates: &[Rate]) -> Result<()> {
        let columns = &contract::result("measure")?.columns;
        let place = columns.iter().position(|column| column.name == "nothing_found");
        let row = self.measures.iter_mut().find(|row| row.first() == Some(&measure.id.clone().into()));
        if let Some(cell) = row.zip(place).and_then(|(row, place)| row.get_mut(place)) {
            *cell = nothing_found(measure, rates).into();
        }
        Ok(())
    }

    /// Adds the rows of a measure, and writes those that are made of rates.
    fn add(
        &mut self,
        Measured { measure, risk, case_mix, exclusions, rates }: Measured,
        span: &Span,
        writers: &mut RateWriters,
        names: &HashMap<(&'static str, String), String>,
        options: &Options<'_>,
    ) -> Result<()> {
        self.risk(risk);
        self.exclusions.extend(exclusions);
        let equity = equity::equity(&measure, &rates, span);
        self.equity.groups.extend(equity.groups);
        self.equity.splits.extend(equity.splits);
        self.nothing_found(&measure, &rates)?;
        self.case_mix.models.extend(case_mix.models);
        self.case_mix.scores.extend(case_mix.scores);
        writers.append(&measure, &rates, names, options)
    }

    fn risk(&mut self, rows: RiskRows) {
        self.risk.models.extend(rows.models);
        self.risk.terms.extend(rows.terms);
        self.risk.adjusted.extend(rows.adjusted);
    }

    fn write(&self, folder: &Path, run: Vec<Cell>, manifest: &Manifest) -> Result<()> {
        let write = |name: &str, rows: &[Vec<Cell>]| -> Result<()> {
            let contract = contract::result(name)?;
            let batch = rows::batch(contract, rows)?;
            Ok(parquet_file::write(&path(folder, name), contract, &[batch])?)
        };
        write("run", &[run])?;
        write("measure", &self.measures)?;
        write("exclusion", &self.exclusions)?;
        write("preparation", &self.preparations)?;
        write("risk_model", &self.risk.models)?;
        write("risk_term", &self.risk.terms)?;
        write("risk_adjusted", &self.risk.adjusted)?;
        write("equity_group", &self.equity.groups)?;
        write("disparity", &self.equity.splits)?;
        write("coverage", &self.coverage)?;
        write("feed_month", &self.feed_months)?;
        write("caseload", &self.caseload)?;
        write("survey_model", &self.case_mix.models)?;
        write("survey_score", &self.case_mix.scores)?;
        write("quality", &quality(manifest))?;
        write("check_result", &check_results(manifest))?;
        Ok(parquet_file::write(&path(folder, "worklist"), contract::result("worklist")?, &self.worklists)?)
    }
}

fn path(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.parquet"))
}

fn quality(manifest: &Manifest) -> Vec<Vec<Cell>> {
    let mut found = Vec::new();
    for extract in &manifest.extracts {
        for counts in &extract.tables {
            found.push(vec![
                extract.id.into(),
                extract.file.clone().into(),
                counts.table.clone().into(),
                extract.hash.clone().into(),
                counts.read.into(),
                counts.filtered.into(),
                counts.accepted.into(),
                counts.quarantined.into(),
                counts.duplicate.into(),
                counts.superseded.into(),
                counts.combined.into(),
                counts.withdrawn.into(),
            ]);
        }
    }
    found
}

fn check_results(manifest: &Manifest) -> Vec<Vec<Cell>> {
    let mut found = Vec::new();
    for extract in &manifest.extracts {
        for counts in &extract.tables {
            let mut findings = counts.findings.clone();
            findings.sort_by(|one, other| (&one.column, &one.check).cmp(&(&other.column, &other.check)));
            for finding in findings {
                found.push(vec![
                    extract.id.into(),
                    extract.file.clone().into(),
                    counts.table.clone().into(),
                    finding.column.into(),
                    finding.check.into(),
                    finding.severity.word().into(),
                    finding.rows.into(),
                ]);
            }
        }
    }
    found
}
