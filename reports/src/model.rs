//! The results tables that a report shows, as rows. Those about single patients are not among them: `units` alone reads
//! one, where it is asked to.

mod charts;
mod more;
mod table;
#[cfg(test)]
pub mod test_rows;
pub mod units;

use std::path::Path;

use arcstr::ArcStr;
use jiff::civil::Date;

use crate::error::{ReportError, Result};
use crate::release::{LeftOut, Release};
pub use charts::{Annotation, Chart, FunnelCurve, FunnelSite, Limits, Signal, Target};
pub use more::{Coverage, Disparity, Exclusion, FeedMonth, SurveyModel, SurveyScore, Wait, WaitPoint};
use table::Table;

/// All that a report is made from.
#[derive(Debug)]
pub struct Results {
    /// What the run was made from.
    pub run: Run,
    /// Measures, computed and refused.
    pub measures: Vec<Measure>,
    /// Values at the [`LEVELS`] that a report shows.
    pub rates: Vec<Rate>,
    /// Charts at level all, as a whole.
    pub charts: Vec<Chart>,
    /// Their months.
    pub signals: Vec<Signal>,
    /// What happened when.
    pub annotations: Vec<Annotation>,
    /// Targets of years.
    pub targets: Vec<Target>,
    /// Organizations in funnels.
    pub funnel_sites: Vec<FunnelSite>,
    /// The limits of funnels.
    pub funnel_curves: Vec<FunnelCurve>,
    /// How long units waited, by measure and month, everyone together.
    pub waits: Vec<Wait>,
    /// By which day each tenth of a year's units had waited.
    pub wait_curves: Vec<WaitPoint>,
    /// How far groups are apart.
    pub disparities: Vec<Disparity>,
    /// What of the Atlas was measured.
    pub coverage: Vec<Coverage>,
    /// Survey composites compared between organizations.
    pub survey_models: Vec<SurveyModel>,
    /// Organizations in them.
    pub survey_scores: Vec<SurveyScore>,
    /// Who is not in values, and why.
    pub exclusions: Vec<Exclusion>,
    /// What the rules of prepared views took and left.
    pub preparations: Vec<Preparation>,
    /// Row accounting.
    pub quality: Vec<Quality>,
    /// What the checks found.
    pub checks: Vec<CheckResult>,
    /// How many rows each table has in each month.
    pub feed_months: Vec<FeedMonth>,
    /// What a release left out of all these.
    pub left_out: Vec<LeftOut>,
}

/// Levels that a report shows, from wide to narrow: everyone, then parts of everyone.
pub const LEVELS: [&str; 6] = ["all", "system", "hospital", "organization", "payer", "program"];

/// What the run was made from: the contract `run`.
#[expect(clippy::struct_field_names, reason = "fields are named after the contract's columns")]
#[derive(Debug)]
pub struct Run {
    pub run_id: String,
    pub lake_snapshot: String,
    pub source: String,
    pub carecoord_version: String,
    pub report_month: Date,
    pub extract_date: Date,
    pub extract_date_assumed: bool,
    pub first_month: Date,
    pub suppress_below: i64,
    pub patients: i64,
    /// For whom the report is made; no column of the contract.
    pub release: Release,
}

/// One measure: the contract `measure`.
#[expect(clippy::struct_field_names, reason = "fields are named after the contract's columns")]
#[derive(Debug, Clone)]
pub struct Measure {
    pub measure_id: String,
    pub code: String,
    pub title: String,
    pub family: String,
    pub position: i64,
    pub kind: String,
    pub unit_name: String,
    pub better: String,
    pub multiplier: f64,
    pub value_unit: String,
    pub decimals: i64,
    pub window_days: i64,
    pub runout_days: i64,
    pub steward: String,
    pub version: String,
    pub why: String,
    pub rule: String,
    pub sources: String,
    pub atlas: String,
    pub computed: bool,
    pub refusal: String,
    pub caveat: String,
    /// Whether of 100 or more units none is in the numerator: the data may not hold what is counted.
    pub nothing_found: bool,
    /// What the measure's own splits say, one a line; empty where it has none.
    pub subgroup: String,
    /// The sequence of steps that it is one of; empty for none.
    pub cascade: String,
    /// Its files whole; several measures may share them, and equal texts are one. Empty in a release that leaves them out.
    pub definition: ArcStr,
    pub definition_hash: String,
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Shown,
    /// A small count, or one that would give a small count away.
    Suppressed,
    /// There is no denominator.
    Undefined,
}

/// One value: the contract `rate`. There may be millions, and few different texts in them: equal texts are one.
#[derive(Debug, Clone)]
pub struct Rate {
    pub measure_id: ArcStr,
    pub period_kind: ArcStr,
    pub period: Date,
    pub level: ArcStr,
    pub level_id: ArcStr,
    pub level_name: ArcStr,
    pub stratum_kind: ArcStr,
    pub stratum: ArcStr,
    pub numerator: Option<f64>,
    pub denominator: Option<f64>,
    pub n_units: Option<i64>,
    pub value: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub interval_method: ArcStr,
    pub is_final: bool,
    pub state: State,
    pub state_reason: ArcStr,
}

impl Rate {
    /// Whether the row is about everyone.
    pub fn is_overall(&self) -> bool {
        self.level == "all" && self.stratum_kind == "all"
    }

    /// Whether rows that it rests on did not come.
    pub fn is_missing(&self) -> bool {
        self.state == State::Undefined && self.state_reason == "data_missing"
    }

    /// Whether fewer than half of the units had the event, so that there is no median.
    pub fn is_not_reached(&self) -> bool {
        self.state == State::Undefined && self.state_reason == "not_reached"
    }

    /// The value, where it may be shown.
    pub fn shown(&self) -> Option<f64> {
        if self.state == State::Shown { self.value } else { None }
    }

    /// The interval, where it may be shown.
    pub fn interval(&self) -> Option<(f64, f64)> {
        if self.state == State::Shown { self.lower.zip(self.upper) } else { None }
    }
}

/// The latest final month about everyone; the latest final quarter or year where a measure has no months.
pub fn latest_final<'a>(rates: &[&'a Rate]) -> Option<&'a Rate> {
    ["month", "quarter", "year"].into_iter().find_map(|kind| {
        let of_kind = || rates.iter().copied().filter(|rate| rate.is_overall() && rate.period_kind == kind);
        // A measure with months, none of them final, has no final value.
        of_kind().next().map(|_| of_kind().filter(|rate| rate.is_final).max_by_key(|rate| rate.period))
    })?
}

/// Row accounting of one file and table: the contract `quality`.
#[derive(Debug)]
pub struct Quality {
    pub extract_id: i64,
    pub file: String,
    pub table_name: String,
    /// BLAKE3 of the file's bytes; empty where several files are one row.
    pub file_hash: String,
    pub read: i64,
    pub filtered: i64,
    pub accepted: i64,
    pub quarantined: i64,
    pub duplicate: i64,
    pub superseded: i64,
    pub combined: i64,
    pub withdrawn: i64,
}

/// What one rule of a prepared view took or left: the contract `preparation`.
#[derive(Debug)]
pub struct Preparation {
    pub view: String,
    pub rule: String,
    pub rows: i64,
}

/// What one check found in one file: the contract `check_result`.
#[derive(Debug)]
pub struct CheckResult {
    pub extract_id: i64,
    pub file: String,
    pub table_name: String,
    pub column_name: String,
    pub check_name: String,
    pub severity: String,
    pub rows: i64,
}

impl Results {
    /// Reads the tables of a results folder.
    ///
    /// # Errors
    /// When a table is missing or broken, lacks a column, or `run` is empty.
    pub fn read(folder: &Path) -> Result<Self> {
        let run = Table::read(folder, "run")?.rows(run_row)?;
        Ok(Self {
            run: run.into_iter().next().ok_or(ReportError::NoRun)?,
            measures: Table::read(folder, "measure")?.rows(measure_row)?,
            rates: Table::read(folder, "rate")?.rows_kept(rate_row)?,
            charts: Table::read(folder, "chart")?.rows_kept(charts::chart_row)?,
            signals: Table::read(folder, "signal")?.rows_kept(charts::signal_row)?,
            annotations: Table::read_if_there(folder, "annotation")?.rows(charts::annotation_row)?,
            targets: Table::read_if_there(folder, "target")?.rows(charts::target_row)?,
            funnel_sites: Table::read_if_there(folder, "funnel")?.rows(charts::funnel_row)?,
            funnel_curves: Table::read_if_there(folder, "funnel_curve")?.rows(charts::curve_row)?,
            waits: Table::read_if_there(folder, "wait")?.rows_kept(more::wait_row)?,
            wait_curves: Table::read_if_there(folder, "wait_curve")?.rows(more::wait_point_row)?,
            disparities: Table::read_if_there(folder, "disparity")?.rows(more::disparity_row)?,
            coverage: Table::read_if_there(folder, "coverage")?.rows(more::coverage_row)?,
            survey_models: Table::read_if_there(folder, "survey_model")?.rows(more::survey_model_row)?,
            survey_scores: Table::read_if_there(folder, "survey_score")?.rows(more::survey_score_row)?,
            exclusions: Table::read_if_there(folder, "exclusion")?.rows(more::exclusion_row)?,
            preparations: Table::read(folder, "preparation")?.rows(preparation_row)?,
            quality: Table::read(folder, "quality")?.rows(quality_row)?,
            checks: Table::read(folder, "check_result")?.rows(check_row)?,
            feed_months: Table::read_if_there(folder, "feed_month")?.rows(more::feed_month_row)?,
            left_out: Vec::new(),
        })
    }
}

fn run_row(row: &table::Row) -> Result<Run> {
    Ok(Run {
        run_id: row.text("run_id")?,
        lake_snapshot: row.text("lake_snapshot")?,
        source: row.text("source")?,
        carecoord_version: row.text("carecoord_version")?,
        report_month: row.date("report_month")?,
        extract_date: row.date("extract_date")?,
        extract_date_assumed: row.boolean("extract_date_assumed")?,
        first_month: row.date("first_month")?,
        suppress_below: row.required_integer("suppress_below")?,
        patients: row.required_integer("patients")?,
        release: Release::Internal,
    })
}

fn measure_row(row: &table::Row) -> Result<Measure> {
    Ok(Measure {
        measure_id: row.text("measure_id")?,
        code: row.text("code")?,
        title: row.text("title")?,
        family: row.text("family")?,
        position: row.required_integer("position")?,
        kind: row.text("kind")?,
        unit_name: row.text("unit_name")?,
        better: row.text("better")?,
        multiplier: row.number("multiplier")?.unwrap_or(1.0),
        value_unit: row.text("value_unit")?,
        decimals: row.required_integer("decimals")?,
        window_days: row.required_integer("window_days")?,
        runout_days: row.required_integer("runout_days")?,
        steward: row.text("steward")?,
        version: row.text("version")?,
        why: row.text("why")?,
        rule: row.text("rule")?,
        sources: row.text("sources")?,
        atlas: row.text("atlas")?,
        computed: row.text("status")? == "computed",
        refusal: row.text("refusal")?,
        caveat: row.text("caveat")?,
        nothing_found: row.flag("nothing_found")?,
        subgroup: row.text("subgroup")?,
        cascade: row.text("cascade")?,
        definition: row.name("definition")?,
        definition_hash: row.text("definition_hash")?,
    })
}

/// Nothing for a level that reports do not show: practitioners and coordinators are people, not board matters.
fn rate_row(row: &table::Row) -> Result<Option<Rate>> {
    let level = row.name("level")?;
    if !LEVELS.contains(&level.as_str()) {
        return Ok(None);
    }
    Ok(Some(Rate {
        measure_id: row.name("measure_id")?,
        period_kind: row.name("period_kind")?,
        period: row.date("period")?,
        level,
        level_id: row.name("level_id")?,
        level_name: row.name("level_name")?,
        stratum_kind: row.name("stratum_kind")?,
        stratum: row.name("stratum")?,
        numerator: row.number("numerator")?,
        denominator: row.number("denominator")?,
        n_units: row.integer("n_units")?,
        value: row.number("value")?,
        lower: row.number("lower")?,
        upper: row.number("upper")?,
        interval_method: row.name("interval_method")?,
        is_final: row.text("maturity")? == "final",
        state: match row.text("state")?.as_str() {
            "shown" => State::Shown,
            "undefined" => State::Undefined,
            // A state that this version does not know is not shown: the safe side.
            _ => State::Suppressed,
        },
        state_reason: row.name("state_reason")?,
    }))
}

fn preparation_row(row: &table::Row) -> Result<Preparation> {
    Ok(Preparation { view: row.text("view")?, rule: row.text("rule")?, rows: row.required_integer("rows")? })
}

fn quality_row(row: &table::Row) -> Result<Quality> {
    Ok(Quality {
        extract_id: row.required_integer("extract_id")?,
        file: row.text("file")?,
        table_name: row.text("table_name")?,
        file_hash: row.text("file_hash")?,
        read: row.required_integer("rows_read")?,
        filtered: row.required_integer("rows_filtered")?,
        accepted: row.required_integer("rows_accepted")?,
        quarantined: row.required_integer("rows_quarantined")?,
        duplicate: row.required_integer("rows_duplicate")?,
        superseded: row.required_integer("rows_superseded")?,
        combined: row.required_integer("rows_combined")?,
        withdrawn: row.required_integer("rows_withdrawn")?,
    })
}

fn check_row(row: &table::Row) -> Result<CheckResult> {
    Ok(CheckResult {
        extract_id: row.required_integer("extract_id")?,
        file: row.text("file")?,
        table_name: row.text("table_name")?,
        column_name: row.text("column_name")?,
        check_name: row.text("check_name")?,
        severity: row.text("severity")?,
        rows: row.required_integer("rows")?,
    })
}
