//! The results tables as a run fills and writes them.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use carecoord_lake::contract::{self, Contract};
use carecoord_lake::manifest::Manifest;
use carecoord_lake::parquet_file::{self, Writer};

use crate::case_mix::CaseMixRows;
use crate::compute::Options;
use crate::definition::{Better, Kind, Measure};
use crate::equity::{self, EquityRows};
use crate::error::Result;
use crate::funnels;
use crate::measuring::Measured;
use crate::organizations::Names;
use crate::rates::{Exact, Rate};
use crate::risk::RiskRows;
use crate::rows::{self, Cell};
use crate::run_row::{check_results, quality};
use crate::signals;
use crate::span::Span;
use crate::targets;

/// Units of which none is in the numerator before one wonders whether the data hold what is counted [P].
const ENOUGH_TO_WONDER: u64 = 100;
/// Rates that are brought into columns together.
const RATES_AT_ONCE: usize = 16_384;

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
pub struct RateWriters {
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
    pub fn create(folder: &Path) -> Result<Self> {
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

    fn append(&mut self, measure: &Measure, rates: &[Rate], names: &Names, options: &Options<'_>) -> Result<()> {
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

    pub fn finish(self) -> Result<()> {
        let Self { rates, waits, wait_curves, charts, signals, annotations, targets, funnels, curves } = self;
        rates.finish()?;
        let others = [waits, wait_curves, charts, signals, annotations, targets, funnels, curves];
        others.into_iter().try_for_each(RowWriter::finish)
    }
}

/// The others, which are small enough to be held.
#[derive(Default)]
pub struct Tables {
    pub measures: Vec<Vec<Cell>>,
    exclusions: Vec<Vec<Cell>>,
    pub preparations: Vec<Vec<Cell>>,
    risk: RiskRows,
    case_mix: CaseMixRows,
    equity: EquityRows,
    pub coverage: Vec<Vec<Cell>>,
    pub feed_months: Vec<Vec<Cell>>,
    pub caseload: Vec<Vec<Cell>>,
    pub worklists: Vec<RecordBatch>,
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
    pub fn add(
        &mut self,
        Measured { measure, risk, case_mix, exclusions, rates }: Measured,
        span: &Span,
        writers: &mut RateWriters,
        names: &Names,
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

    pub fn write(&self, folder: &Path, run: Vec<Cell>, manifest: &Manifest) -> Result<()> {
        let write = |name: &str, rows: &[Vec<Cell>]| write(folder, name, rows);
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

/// Writes all rows of a results table.
///
/// # Errors
/// When a row does not have the columns of the table, or the disk refuses.
pub fn write(folder: &Path, table: &str, rows: &[Vec<Cell>]) -> Result<()> {
    let contract = contract::result(table)?;
    Ok(parquet_file::write(&path(folder, table), contract, &[rows::batch(contract, rows)?])?)
}

fn path(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.parquet"))
}
